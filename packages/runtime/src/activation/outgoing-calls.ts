// The calls that an actor makes: part of the current turn's chain, behind the activation's output gate.
import type { Invoker } from "@tenure/client/internal";
import { formatActor, type Interceptor, type ReferenceTarget } from "@tenure/core/internal";
import { callSite } from "./call-site.ts";
import type { CommitPipeline } from "./commit-pipeline.ts";
import type { LostActor } from "./lost-actor.ts";
import { type Gated, gateOpen, passGate } from "./output-gate.ts";
import type { TurnTracker } from "./turn-context.ts";

export interface OutgoingDeps extends Gated {
  readonly invoker: Invoker;
  /** Around these calls, where the actor's class has some of its own; else the invoker's are. */
  readonly outgoing: readonly Interceptor[] | undefined;
  readonly turns: TurnTracker;
  readonly commits: CommitPipeline | undefined;
  readonly lost: LostActor;
  readonly exposeStacks: boolean;
  calling(): void;
}

/** What `ctx.get` makes its references of. */
export class OutgoingCalls implements ReferenceTarget {
  readonly #d: OutgoingDeps;

  constructor(deps: OutgoingDeps) {
    this.#d = deps;
  }

  call(
    ...[actor, method, args, options, about]: Parameters<ReferenceTarget["call"]>
  ): Promise<unknown> {
    const deps = this.#d;
    const what = `calling ${formatActor(actor)}.${method}`;
    if (deps.lost.isLost) return Promise.reject(deps.lost.error(what));
    const turn = deps.turns.current();
    if (turn) {
      turn.outgoing += 1;
      deps.calling();
    }
    // oxlint-disable-next-line typescript/unbound-method
    const site = deps.exposeStacks ? callSite(turn?.chain.at(-1), this.call) : undefined;
    const answer = deps.invoker.call(actor, method, args, options, about, {
      chain: turn?.chain ?? [],
      deadlineMs: turn?.deadlineMs ?? Infinity,
      headers: turn?.call.headers,
      interceptors: deps.outgoing,
      gate: () => gateOf(deps, what),
      mayLeave: () => gateOpen(deps),
    });
    if (!site) return answer;
    return answer.catch((error: unknown) => {
      site(error);
      throw error;
    });
  }
}

/** Asked before every attempt of a call: what it must wait for, which is refused when the actor is lost (R17, R25). */
function gateOf(deps: OutgoingDeps, what: string): Promise<void> | undefined {
  const committed = deps.commits?.barrier();
  if (!committed && gateOpen(deps)) return undefined;
  const passed = passGate(deps, committed).catch(() => {
    throw deps.lost.error(what);
  });
  // A call that is over by then does not look at its gate any more.
  passed.catch(() => undefined);
  return passed;
}
