// The calls that an actor makes: part of the current turn's chain, behind the activation's output gate.
import type { Invoker } from "@tenure/client/internal";
import {
  type ActorAddress,
  FencedError,
  formatActor,
  type ReferenceTarget,
} from "@tenure/core/internal";
import type { CommitPipeline, CommitRefused } from "./commit-pipeline.ts";
import type { OutputGate } from "./output-gate.ts";
import type { TurnTracker } from "./turn-context.ts";

export interface OutgoingDeps {
  readonly actor: ActorAddress;
  readonly invoker: Invoker;
  readonly turns: TurnTracker;
  readonly gate: OutputGate;
  readonly commits: CommitPipeline | undefined;
  loss(): CommitRefused | undefined;
}

/** What `ctx.get` makes its references of. */
export function outgoingCalls(deps: OutgoingDeps): ReferenceTarget {
  return {
    call: (actor, method, args, options, known) => {
      if (deps.loss()) return Promise.reject(lostError(deps.actor));
      const turn = deps.turns.current();
      if (turn) turn.outgoing += 1;
      return deps.invoker.call(actor, method, args, options, known, {
        chain: turn?.chain ?? [],
        deadlineMs: turn?.deadlineMs ?? Infinity,
        gate: () => gateOf(deps),
        mayLeave: () => deps.gate.open,
      });
    },
  };
}

/** Asked before every attempt of a call: what it must wait for, which is refused when the actor is lost (R17, R25). */
function gateOf({ actor, gate, commits }: OutgoingDeps): Promise<void> | undefined {
  const committed = commits?.barrier();
  if (!committed && gate.open) return undefined;
  const passed = gate.pass(committed).catch(() => {
    throw lostError(actor);
  });
  // A call that is over by then does not look at its gate any more.
  passed.catch(() => undefined);
  return passed;
}

function lostError(actor: ActorAddress): FencedError {
  return new FencedError(`${formatActor(actor)} has lost its actor`, { outcome: "not-executed" });
}
