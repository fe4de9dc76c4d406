// One life of an actor in this silo's memory.
//   T1. No user code runs before the actor is owned and loaded (I3).
//   T2. Turns overlap only as admission.ts allows; between turns of write methods nothing interleaves.
//   T3. A write turn ends with its changes staged for commit, or rolled back; never in between.
//   T4. A reply leaves when everything that it may show is durable (I9), the lease holds (R6) and the activation has not
//       been lost; else it is answered as lost, with an honest outcome (I11).
//   T5. Every call that comes in is answered exactly once, whatever way the activation ends (R25).
//   T6. After a loss (poisoned) nothing is served, saved or called any more.
import type { Invoker } from "@tenure/client/internal";
import type { Actor, DeactivationReason } from "@tenure/core";
import {
  type ActorAddress,
  type ActorKind,
  type CallOptions,
  type CallResult,
  type Clock,
  constructActor,
  errorText,
  type EventSink,
  FencedError,
  formatActor,
  type Random,
  type ReferenceTarget,
  STATE_PART,
} from "@tenure/core/internal";
import type { Claim, LeaseKeeper, Ownership } from "@tenure/directory/internal";
import { actorContext } from "./actor-context.ts";
import { CommitPipeline, CommitRefused } from "./commit-pipeline.ts";
import { KeyTable } from "./idempotency.ts";
import { type IncomingCall, MOVED, refused } from "./incoming-call.ts";
import { Mailbox } from "./mailbox.ts";
import { readonlyView, ReadOnlyStateError } from "./readonly-view.ts";
import type { RowStore } from "./row-store.ts";
import { claimAndLoad, type Started } from "./start-activation.ts";
import { StateCell } from "./state-cell.ts";
import { exclusiveTurns, overlappingTurns, type Turn, type TurnTracker } from "./turn-context.ts";
import { type TurnOutcome, TurnRunner } from "./turn-runner.ts";
import type { TurnRules } from "./turn-rules.ts";

export interface ActivationDeps {
  readonly silo: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly lease: LeaseKeeper;
  readonly ownership: Ownership;
  readonly rows: RowStore;
  readonly invoker: Invoker;
  readonly maxStateBytes: number;
  readonly exposeStacks: boolean;
  readonly rules: TurnRules;
  /** The slot is free: the next call makes a new activation. */
  gone(activation: Activation): void;
}

/** What exists only while the actor is owned and in memory. */
interface Life {
  readonly claim: Claim;
  readonly actor: Actor<unknown>;
  readonly commits: CommitPipeline | undefined;
  readonly runner: TurnRunner;
  readonly sinceMs: number;
}

type State =
  /** Claiming and loading. */
  | { readonly kind: "starting" }
  /** onActivate runs. */
  | { readonly kind: "activating"; readonly life: Life }
  | { readonly kind: "active"; readonly life: Life }
  /** A save is undecided: what is running ends, nothing new starts. */
  | { readonly kind: "gated"; readonly life: Life }
  | { readonly kind: "deactivating"; readonly life: Life; readonly reason: DeactivationReason }
  | { readonly kind: "poisoned"; readonly loss: CommitRefused }
  | { readonly kind: "gone" };

export class Activation {
  readonly address: ActorAddress;
  readonly kind: ActorKind;
  /** Monotonic milliseconds of the last call. */
  lastCallMs: number;
  readonly #deps: ActivationDeps;
  readonly #mailbox: Mailbox<IncomingCall>;
  readonly #running = { write: 0, read: 0, interleave: 0 };
  readonly #ended: Promise<void>;
  readonly #turns: TurnTracker;
  readonly #abort = new AbortController();
  #state: State = { kind: "starting" };
  /** Asked for while it was still starting. */
  #deactivateWhenActive: DeactivationReason | undefined;
  #markEnded!: () => void;

  constructor(address: ActorAddress, kind: ActorKind, deps: ActivationDeps) {
    this.address = address;
    this.kind = kind;
    this.#deps = deps;
    this.#mailbox = new Mailbox(kind.definition.maxQueue);
    this.#turns = kind.exclusive ? exclusiveTurns() : overlappingTurns();
    this.lastCallMs = deps.clock.monotonicMs();
    this.#ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    void this.#start();
  }

  get stateName(): State["kind"] {
    return this.#state.kind;
  }

  get generation(): number | undefined {
    return "life" in this.#state ? this.#state.life.claim.generation : undefined;
  }

  /** Neither running nor waiting calls. */
  get quiet(): boolean {
    const { write, read, interleave } = this.#running;
    return this.#state.kind === "active" && write + read + interleave + this.#mailbox.size === 0;
  }

  /** Resolves when the activation has ended, in whichever way. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  enqueue(call: IncomingCall): void {
    this.lastCallMs = this.#deps.clock.monotonicMs();
    const state = this.#state;
    if (state.kind === "gone" || state.kind === "poisoned") {
      call.reply(MOVED);
      return;
    }
    if ("life" in state && this.#isOfOwnChain(call, state.life)) {
      // It cannot wait here: a turn that runs is waiting for it.
      if (this.#deps.rules.mayStart(call.method.mode, this.#running)) this.#begin(call, state.life);
      else call.reply(this.#deadlock(call));
      return;
    }
    if (state.kind === "active") {
      const free = call.method.mode === "interleave" || this.#mailbox.size === 0;
      if (free && this.#deps.rules.mayStart(call.method.mode, this.#running)) {
        this.#begin(call, state.life);
        return;
      }
    }
    if (!this.#mailbox.offer(call))
      call.reply(
        refused(
          "overloaded",
          `${this.kind.definition.maxQueue} calls wait for ${formatActor(this.address)}`,
        ),
      );
  }

  /** Ends the activation after the running turns. Waiting calls are answered `moved`. */
  deactivate(reason: DeactivationReason): void {
    const state = this.#state;
    if (state.kind === "starting" || state.kind === "activating")
      this.#deactivateWhenActive ??= reason;
    if (state.kind !== "active" && state.kind !== "gated") return;
    this.#state = { kind: "deactivating", life: state.life, reason };
    this.#finishWhenQuiet();
  }

  /** The actor is lost: nothing that this activation does counts any more (R25). */
  poison(reason: "lease-lost" | "fenced" | "failed", loss: CommitRefused): void {
    const state = this.#state;
    if (state.kind === "gone" || state.kind === "poisoned") return;
    this.#state = { kind: "poisoned", loss };
    this.#abort.abort(loss);
    if ("life" in state) {
      state.life.commits?.abandon(loss);
      if (state.kind === "activating") this.#reportFailure(loss.message);
      else this.#reportEnd(state.life, reason);
    }
    this.#leaveSlot();
  }

  // ---- starting --------------------------------------------------------------------------------------------------

  async #start(): Promise<void> {
    const stateful = this.kind.definition.state !== undefined;
    const started = await claimAndLoad(this.address, {
      ownership: this.#deps.ownership,
      rows: stateful ? this.#deps.rows : undefined,
      emit: this.#deps.emit,
    }).catch((error: unknown): Started => ({ kind: "unavailable", why: errorText(error) }));
    if (this.#state.kind !== "starting") return;
    if (started.kind !== "owned") {
      this.#fail(started);
      return;
    }
    try {
      await this.#activate(this.#makeLife(started));
    } catch (error) {
      const { kind } = this.#state;
      if (kind !== "starting" && kind !== "activating") return;
      void this.#deps.ownership.release(this.address, started.claim.token);
      this.#fail({ kind: "unreadable", why: errorText(error) });
    }
  }

  #makeLife(started: Extract<Started, { kind: "owned" }>): Life {
    const { claim, row } = started;
    const { definition } = this.kind;
    const cell =
      definition.state && row
        ? new StateCell(
            definition.state,
            row.parts.get(STATE_PART),
            definition.version,
            this.#deps.maxStateBytes,
          )
        : undefined;
    const commits = row && this.#makePipeline(claim, row.meta.etag);
    const context = actorContext({
      actor: this.address,
      silo: this.#deps.silo,
      generation: claim.generation,
      signal: this.#abort.signal,
      emit: this.#deps.emit,
      calls: this.#outgoing(commits),
      currentTurn: () => this.#turns.current(),
      deactivate: () => this.deactivate("requested"),
    });
    const actor = constructActor(this.kind.actorClass, {
      ctx: context,
      readState: () => this.#readState(cell),
      writeState: (value) => this.#writeState(cell, value),
    });
    const runner = new TurnRunner({
      actor,
      address: this.address,
      clock: this.#deps.clock,
      random: this.#deps.random,
      turns: this.#turns,
      cell,
      commits,
      keys: row && new KeyTable(row.parts, this.#deps.rules.keyRetentionMs),
      exposeStacks: this.#deps.exposeStacks,
      loss: () => (this.#state.kind === "poisoned" ? this.#state.loss : undefined),
      fetchParts: (names) => this.#deps.rows.parts({ actor: this.address, names }),
    });
    return { claim, actor, commits, runner, sinceMs: this.#deps.clock.monotonicMs() };
  }

  #makePipeline(claim: Claim, etag: string): CommitPipeline {
    const { clock, random, emit, lease, rows } = this.#deps;
    return new CommitPipeline(
      {
        actor: this.address,
        claim,
        clock,
        random,
        emit,
        save: (request, late) => rows.save(request, late),
        whenHeld: () => lease.whenHeld(),
        undecided: (undecided) => this.#gate(undecided),
        refused: (refusal) => this.#commitRefused(claim, refusal),
      },
      etag,
    );
  }

  async #activate(life: Life): Promise<void> {
    this.#state = { kind: "activating", life };
    this.#running.write += 1;
    const failed = await life.runner.hook("onActivate", () => life.actor.onActivate());
    this.#running.write -= 1;
    if (this.#state.kind !== "activating") return;
    if (failed) throw failed.error;
    this.#state = { kind: "active", life };
    this.#deps.emit({
      type: "activation.activated",
      actor: this.address,
      generation: life.claim.generation,
    });
    this.#serveWaiting();
    if (this.#deactivateWhenActive) this.deactivate(this.#deactivateWhenActive);
  }

  #fail(started: Exclude<Started, { kind: "owned" }>): void {
    this.#state = { kind: "gone" };
    this.#abort.abort();
    const answer =
      started.kind === "elsewhere"
        ? refused("moved", "the actor lives on another silo", started.silo, started.generation)
        : started.kind === "unavailable"
          ? refused("unavailable", `the actor could not be activated: ${started.why}`)
          : refused("activation-failed", `the actor could not be activated: ${started.why}`);
    if (started.kind === "unreadable") this.#reportFailure(started.why);
    this.#leaveSlot(answer);
  }

  // ---- serving ---------------------------------------------------------------------------------------------------

  /** Calls start from now on. Those that may interleave do not go on waiting behind the others. */
  #serveWaiting(): void {
    this.#pump();
    for (const call of this.#mailbox.take((waiting) => waiting.method.mode === "interleave"))
      if (this.#state.kind === "active") this.#begin(call, this.#state.life);
      else call.reply(MOVED);
  }

  #pump(): void {
    while (this.#state.kind === "active") {
      const call = this.#mailbox.peek();
      if (!call || !this.#deps.rules.mayStart(call.method.mode, this.#running)) return;
      this.#mailbox.shift();
      this.#begin(call, this.#state.life);
    }
  }

  #begin(call: IncomingCall, life: Life): void {
    if (!this.#deps.lease.holds()) {
      call.reply(refused("paused", "the silo's lease has run out; it is paused"));
      return;
    }
    if (call.deadlineMs <= this.#deps.clock.monotonicMs()) {
      call.reply(refused("expired", "its deadline passed while it waited"));
      return;
    }
    void this.#serve(call, life);
  }

  async #serve(call: IncomingCall, life: Life): Promise<void> {
    const { mode } = call.method;
    this.#running[mode] += 1;
    const { result, barrier, turn } = await life.runner
      .call(call)
      .catch((error: unknown) => this.#brokenBy(error));
    this.#running[mode] -= 1;
    this.lastCallMs = this.#deps.clock.monotonicMs();
    this.#pump();
    this.#finishWhenQuiet();
    if (barrier === undefined && this.#state.kind !== "poisoned" && this.#deps.lease.holds())
      call.reply(result);
    else await this.#replyWhenSafe(call, result, barrier, turn);
  }

  async #replyWhenSafe(
    call: IncomingCall,
    result: CallResult,
    barrier: Promise<void> | undefined,
    turn: Turn | undefined,
  ): Promise<void> {
    try {
      await barrier;
      for (let held = this.#deps.lease.whenHeld(); held; held = this.#deps.lease.whenHeld())
        await held;
      if (this.#state.kind === "poisoned") throw this.#state.loss;
    } catch (error) {
      call.reply(this.#deps.rules.lossResult(error, turn));
      return;
    }
    call.reply(result);
  }

  // The user's code cannot get here: a rule of ours is broken, and this activation must not go on wrongly.
  #brokenBy(error: unknown): TurnOutcome {
    const message = errorText(error);
    this.#deps.emit({ type: "task.failed", task: formatActor(this.address), error: message });
    this.poison("failed", new CommitRefused("SILO_UNAVAILABLE", message, false));
    const result = { status: "failed", code: "SILO_UNAVAILABLE", message } as const;
    return { result, barrier: undefined, turn: undefined };
  }

  /** The call was made, directly or through others, by a turn that is running here. */
  #isOfOwnChain(call: IncomingCall, life: Life): boolean {
    return call.chain.some((link) => life.runner.runs(link));
  }

  #deadlock(call: IncomingCall): CallResult {
    const path = [
      ...call.chain.map((link) => `${link.type}/${link.id}.${link.method}`),
      `${formatActor(this.address)}.${call.method.name}`,
    ].join(" → ");
    return refused("deadlock", `the call waits for itself: ${path}`);
  }

  // ---- state and outgoing calls ------------------------------------------------------------------------------------

  #readState(cell: StateCell | undefined): unknown {
    if (!cell) return undefined;
    // Work that a turn does not await is not part of it: what it changed would be shown before it is ever saved.
    return this.#turns.current()?.mode === "write" ? cell.value : readonlyView(cell.value);
  }

  #writeState(cell: StateCell | undefined, value: unknown): void {
    if (!cell)
      throw new TypeError(
        `${this.kind.definition.type} has no state; declare it with state: () => (…)`,
      );
    if (this.#turns.current()?.mode !== "write") throw new ReadOnlyStateError("assigning state");
    cell.value = value;
  }

  /** Calls that this actor makes: part of the current turn's chain, behind its output gate (R17). */
  #outgoing(commits: CommitPipeline | undefined): ReferenceTarget {
    return {
      call: (actor, method, args, options: CallOptions, known) => {
        if (this.#state.kind === "poisoned") return Promise.reject(this.#lostError());
        const turn = this.#turns.current();
        if (turn) turn.outgoing += 1;
        return this.#deps.invoker.call(actor, method, args, options, known, {
          chain: turn?.chain ?? [],
          deadlineMs: turn?.deadlineMs ?? Infinity,
          gate: () => this.#outgoingGate(commits),
          mayLeave: () => this.#state.kind !== "poisoned" && this.#deps.lease.holds(),
        });
      },
    };
  }

  /** Asked before every attempt of a call: what it must wait for, which is refused when the actor is lost (R17, R25). */
  #outgoingGate(commits: CommitPipeline | undefined): Promise<void> | undefined {
    const committed = commits?.barrier();
    if (!committed && this.#state.kind !== "poisoned" && this.#deps.lease.holds()) return undefined;
    const gate = this.#mayLeave(committed);
    // A call that is over by then does not look at its gate any more.
    gate.catch(() => undefined);
    return gate;
  }

  async #mayLeave(committed: Promise<void> | undefined): Promise<void> {
    try {
      await committed;
      // Asked again after each wait: the lease may have run out meanwhile (R6).
      for (let held = this.#deps.lease.whenHeld(); held; held = this.#deps.lease.whenHeld())
        await held;
    } catch {
      throw this.#lostError();
    }
    if (this.#state.kind === "poisoned") throw this.#lostError();
  }

  #lostError(): FencedError {
    return new FencedError(`${formatActor(this.address)} has lost its actor`, {
      outcome: "not-executed",
    });
  }

  // ---- commits ---------------------------------------------------------------------------------------------------

  #gate(undecided: boolean): void {
    const state = this.#state;
    if (undecided && state.kind === "active") this.#state = { kind: "gated", life: state.life };
    if (!undecided && state.kind === "gated") {
      this.#state = { kind: "active", life: state.life };
      this.#serveWaiting();
    }
  }

  #commitRefused(claim: Claim, refusal: CommitRefused): void {
    this.#deps.emit({
      type: "activation.fenced",
      actor: this.address,
      generation: claim.generation,
      storedGeneration: refusal.storedGeneration,
      operation: "save",
      error: "FencedError",
    });
    this.poison("fenced", refusal);
  }

  // ---- ending ----------------------------------------------------------------------------------------------------

  #finishWhenQuiet(): void {
    const state = this.#state;
    const { write, read, interleave } = this.#running;
    if (state.kind === "deactivating" && write + read + interleave === 0)
      void this.#finish(state.life, state.reason);
  }

  async #finish(life: Life, reason: DeactivationReason): Promise<void> {
    // Held by this count, a second finish cannot begin.
    this.#running.write += 1;
    const failed = await life.runner.hook("onDeactivate", () => life.actor.onDeactivate(reason));
    if (failed)
      this.#deps.emit({
        type: "task.failed",
        task: `${formatActor(this.address)}.onDeactivate`,
        error: errorText(failed.error),
      });
    // A refused commit poisons the activation, which ends it too.
    await life.commits?.barrier()?.catch(() => undefined);
    if (this.#state.kind !== "deactivating") return;
    await this.#deps.ownership.release(this.address, life.claim.token);
    if (this.#state.kind !== "deactivating") return;
    this.#state = { kind: "gone" };
    this.#abort.abort();
    this.#reportEnd(life, reason);
    this.#leaveSlot();
  }

  #leaveSlot(answer: CallResult = MOVED): void {
    this.#deps.gone(this);
    for (const call of this.#mailbox.drain()) call.reply(answer);
    this.#markEnded();
  }

  #reportFailure(error: string): void {
    this.#deps.emit({ type: "activation.failed", actor: this.address, error });
  }

  #reportEnd(life: Life, reason: DeactivationReason): void {
    this.#deps.emit({
      type: "activation.deactivated",
      actor: this.address,
      generation: life.claim.generation,
      reason,
      activeMs: this.#deps.clock.monotonicMs() - life.sinceMs,
    });
  }
}
