// A life of an actor: owned, loaded and in memory. It knows what its parts need of each other and of the silo, so that each of them
// refers to this one object: an activation that nobody calls should cost next to nothing, and closures do.
import {
  type Actor,
  type ActorAddress,
  type ActorContext,
  type ActorKind,
  type Clock,
  constructActor,
  type EventSink,
  type Interceptor,
  interceptorList,
  type Random,
  type Services,
  type StateSource,
  type TurnOptions,
} from "@tenure/core/internal";
import type { Invoker } from "@tenure/client/internal";
import type { Claim, LeaseKeeper } from "@tenure/directory/internal";
import type { ActivationDeps } from "./activation-deps.ts";
import { ActivationContext, type ContextHost } from "./actor-context.ts";
import { type CommitHost, CommitPipeline } from "./commit-pipeline.ts";
import { CommitRefused } from "./commit.ts";
import { KeyedCalls, type KeyedDeps } from "./keyed-calls.ts";
import { LostActor, type LostHost } from "./lost-actor.ts";
import { OutgoingCalls, type OutgoingDeps } from "./outgoing-calls.ts";
import type { AskedSave } from "./row-store.ts";
import type { Started } from "./start-activation.ts";
import { StateAccess, type StateOwner } from "./state-access.ts";
import type { StateCell } from "./state-cell.ts";
import { TurnCommits, type TurnCommitsDeps } from "./turn-commits.ts";
import type { Turn, TurnTracker } from "./turn-context.ts";
import { TurnRunner, type TurnRunnerDeps } from "./turn-runner.ts";

/** What a life asks of the activation that it belongs to. */
export interface LifeHost {
  readonly address: ActorAddress;
  readonly kind: ActorKind;
  readonly turns: TurnTracker;
  readonly signal: AbortSignal;
  /** Set when the activation has been lost. */
  readonly loss: CommitRefused | undefined;
  deactivate(reason: "requested"): void;
  /** A save's answer was lost, or is settled. */
  undecided(undecided: boolean): void;
  refused(claim: Claim, refusal: CommitRefused, operation: "save" | "parts"): void;
}

type Parts = ContextHost &
  OutgoingDeps &
  LostHost &
  StateOwner &
  KeyedDeps &
  TurnCommitsDeps &
  TurnRunnerDeps &
  CommitHost;

export class Life implements Parts {
  readonly claim: Claim;
  readonly sinceMs: number;
  readonly actor: Actor<unknown>;
  readonly cell: StateCell | undefined;
  readonly commits: CommitPipeline | undefined;
  readonly keyed: KeyedCalls;
  readonly saves: TurnCommits;
  readonly runner: TurnRunner;
  readonly lost: LostActor;
  readonly ctx: ActorContext;
  readonly calls: OutgoingCalls;
  readonly incoming: readonly Interceptor[] | undefined;
  readonly outgoing: readonly Interceptor[] | undefined;
  readonly #deps: ActivationDeps;
  readonly #host: LifeHost;

  /** Runs user code: the actor's constructor. */
  constructor(
    { claim, row }: Extract<Started, { kind: "owned" }>,
    cell: StateCell | undefined,
    deps: ActivationDeps,
    host: LifeHost,
  ) {
    this.#deps = deps;
    this.#host = host;
    this.claim = claim;
    this.cell = cell;
    const { incoming, outgoing } = host.kind.definition.interceptors;
    this.incoming = interceptorList(deps.interceptors, incoming);
    // The class's own are nearer to the code that calls.
    this.outgoing =
      outgoing.length > 0 ? interceptorList(outgoing, deps.invoker.interceptors ?? []) : undefined;
    this.lost = new LostActor(this);
    this.commits = row && new CommitPipeline(this, row.meta.etag);
    this.keyed = new KeyedCalls(this, row?.parts);
    this.saves = new TurnCommits(this);
    this.runner = new TurnRunner(this);
    this.calls = new OutgoingCalls(this);
    this.ctx = new ActivationContext(this);
    this.actor = constructActor(host.kind.actorClass, new StateAccess(this));
    this.sinceMs = deps.clock.monotonicMs();
  }

  // ---- of its actor ------------------------------------------------------------------------------------------------

  get address(): ActorAddress {
    return this.#host.address;
  }

  get type(): string {
    return this.#host.address.type;
  }

  get generation(): number {
    return this.claim.generation;
  }

  get options(): TurnOptions {
    return this.#host.kind.definition.turns;
  }

  get source(): StateSource | undefined {
    return this.#host.kind.definition.state;
  }

  get stateful(): boolean {
    return this.commits !== undefined;
  }

  // ---- of its activation -------------------------------------------------------------------------------------------

  get turns(): TurnTracker {
    return this.#host.turns;
  }

  get lease(): LeaseKeeper {
    return this.#deps.lease;
  }

  get signal(): AbortSignal {
    return this.#host.signal;
  }

  get loss(): CommitRefused | undefined {
    return this.#host.loss;
  }

  currentTurn(): Turn | undefined {
    return this.#host.turns.current();
  }

  running(): Iterable<Turn> {
    return this.runner.turns();
  }

  deactivate(): void {
    this.#host.deactivate("requested");
  }

  commit(): Promise<void> {
    return this.saves.commit();
  }

  clear(): Promise<void> {
    return this.saves.clear();
  }

  /** The store has lost what it had acknowledged: this life's memory is of a row that is gone. */
  forgotten(what: string): void {
    const problem = `the store has lost ${what}, which it had acknowledged`;
    this.#host.refused(this.claim, new CommitRefused("FENCED", problem, false), "parts");
  }

  /** A save's answer was lost, or is settled. */
  undecided(undecided: boolean): void {
    this.#host.undecided(undecided);
  }

  refused(refusal: CommitRefused): void {
    this.#host.refused(this.claim, refusal, "save");
  }

  // ---- of its silo -------------------------------------------------------------------------------------------------

  get silo(): string {
    return this.#deps.silo;
  }

  get clock(): Clock {
    return this.#deps.clock;
  }

  get random(): Random {
    return this.#deps.random;
  }

  get emit(): EventSink {
    return this.#deps.emit;
  }

  get services(): Services | undefined {
    return this.#deps.services;
  }

  get invoker(): Invoker {
    return this.#deps.invoker;
  }

  get exposeStacks(): boolean {
    return this.#deps.exposeStacks;
  }

  get retentionMs(): number {
    return this.#deps.rules.keyRetentionMs;
  }

  calling(): void {
    this.#deps.calling();
  }

  whenHeld(): Promise<void> | undefined {
    return this.#deps.lease.whenHeld();
  }

  save(asked: AskedSave): void {
    this.#deps.rows.save(asked);
  }

  fetchParts(names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#deps.rows.parts({ actor: this.address, names });
  }

  /** Whether the store still has the actor as this life's; undefined for an actor without a row. */
  verify(): Promise<boolean> | undefined {
    return this.commits && this.#deps.rows.verify({ actor: this.address, ...this.claim });
  }
}
