// The making of a life: from an owned, loaded row to an actor in memory, with everything that works only while it lives.
import {
  type Actor,
  type ActorAddress,
  type ActorKind,
  constructActor,
  interceptorList,
} from "@tenure/core/internal";
import type { Claim } from "@tenure/directory/internal";
import type { ActivationDeps } from "./activation-deps.ts";
import { actorContext } from "./actor-context.ts";
import { CommitPipeline, CommitRefused } from "./commit-pipeline.ts";
import { KeyTable } from "./idempotency.ts";
import { KeyedCalls } from "./keyed-calls.ts";
import { LostActor } from "./lost-actor.ts";
import { outgoingCalls } from "./outgoing-calls.ts";
import type { OutputGate } from "./output-gate.ts";
import { SenderTable } from "./sender-sequences.ts";
import type { Started } from "./start-activation.ts";
import { stateAccess } from "./state-access.ts";
import type { StateCell } from "./state-cell.ts";
import type { TurnTracker } from "./turn-context.ts";
import { TurnCommits } from "./turn-commits.ts";
import { TurnRunner } from "./turn-runner.ts";

/** What exists only while the actor is owned and in memory. */
export interface Life {
  readonly claim: Claim;
  readonly actor: Actor<unknown>;
  readonly commits: CommitPipeline | undefined;
  readonly runner: TurnRunner;
  /** Whether the store still has the actor as this life's; undefined for an actor without a row. */
  readonly verify: (() => Promise<boolean>) | undefined;
  readonly sinceMs: number;
}

/** What a life asks of the activation that it belongs to. */
export interface LifeHost {
  readonly address: ActorAddress;
  readonly kind: ActorKind;
  readonly turns: TurnTracker;
  readonly gate: OutputGate;
  readonly signal: AbortSignal;
  /** Set when the activation has been lost. */
  loss(): CommitRefused | undefined;
  deactivate(): void;
  /** A save's answer was lost, or is settled. */
  undecided(undecided: boolean): void;
  refused(claim: Claim, refusal: CommitRefused, operation: "save" | "parts"): void;
}

/** Runs user code: the constructor. */
export function makeLife(
  started: Extract<Started, { kind: "owned" }>,
  cell: StateCell | undefined,
  deps: ActivationDeps,
  host: LifeHost,
): Life {
  const { claim, row } = started;
  const { address, kind, turns, gate } = host;
  const { clock, random, emit } = deps;
  const loss = (): CommitRefused | undefined => host.loss();
  const lost = new LostActor(address, loss);
  const commits = row && makePipeline(claim, row.meta.etag, deps, host);
  const { type, state, turns: options, interceptors } = kind.definition;
  const { incoming, outgoing } = interceptors;
  const keyed = makeKeyed(started, deps, host);
  const stored = cell && state && commits && { cell, source: state, pipeline: commits };
  const turnCommits = new TurnCommits({
    type,
    options,
    stored,
    keyed,
    turns,
    running: () => runner.turns(),
    lost,
  });
  const context = actorContext({
    actor: address,
    silo: deps.silo,
    generation: claim.generation,
    signal: host.signal,
    emit,
    services: deps.services,
    calls: outgoingCalls({
      invoker: deps.invoker,
      calling: () => deps.calling(),
      // The class's own are nearer to the code that calls.
      interceptors:
        outgoing.length > 0
          ? interceptorList(outgoing, deps.invoker.interceptors ?? [])
          : undefined,
      turns,
      gate,
      commits,
      lost,
      exposeStacks: deps.exposeStacks,
    }),
    currentTurn: () => turns.current(),
    lost,
    deactivate: () => host.deactivate(),
    commit: () => turnCommits.commit(),
    clear: () => turnCommits.clear(),
  });
  const actor = constructActor(kind.actorClass, {
    ctx: context,
    ...stateAccess(type, cell, turns, lost),
  });
  const runner = new TurnRunner({
    actor,
    address,
    clock,
    random,
    turns,
    stateful: row !== undefined,
    commits: turnCommits,
    keyed,
    exposeStacks: deps.exposeStacks,
    interceptors: interceptorList(deps.interceptors, incoming),
    loss,
  });
  const verify = row && (() => deps.rows.verify({ actor: address, ...claim }));
  return { claim, actor, commits, runner, verify, sinceMs: clock.monotonicMs() };
}

function makeKeyed(
  { claim, row }: Extract<Started, { kind: "owned" }>,
  deps: ActivationDeps,
  host: LifeHost,
): KeyedCalls {
  const { address } = host;
  return new KeyedCalls({
    address,
    clock: deps.clock,
    keys: row && {
      opaque: new KeyTable(row.parts, deps.rules.keyRetentionMs),
      senders: new SenderTable(row.parts, deps.rules.keyRetentionMs),
    },
    fetchParts: (names) => deps.rows.parts({ actor: address, names }),
    forgotten: (what) =>
      host.refused(
        claim,
        new CommitRefused("FENCED", `the store has lost ${what}, which it had acknowledged`, false),
        "parts",
      ),
  });
}

function makePipeline(
  claim: Claim,
  etag: string,
  { clock, random, emit, lease, rows }: ActivationDeps,
  host: LifeHost,
): CommitPipeline {
  return new CommitPipeline(
    {
      actor: host.address,
      claim,
      clock,
      random,
      emit,
      save: (request, late) => rows.save(request, late),
      whenHeld: () => lease.whenHeld(),
      undecided: (undecided) => host.undecided(undecided),
      refused: (refusal) => host.refused(claim, refusal, "save"),
    },
    etag,
  );
}
