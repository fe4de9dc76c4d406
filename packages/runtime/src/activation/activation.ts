// One life of an actor in this silo's memory.
//   T1. No user code runs before the actor is owned and loaded (I3).
//   T2. Turns overlap only as admission.ts allows; between turns of write methods nothing interleaves.
//   T3. A write turn ends with its changes staged for commit, or rolled back; never in between.
//   T4. A reply leaves when everything that it may show is durable (I9), the lease holds (R6) and the activation has not
//       been lost; else it is answered as lost, with an honest outcome (I11).
//   T5. Every call that comes in is answered exactly once, whatever way the activation ends (R25); but for one that its
//       caller takes back before it starts, to which there is no answer.
//   T6. After a loss (poisoned) nothing is served, saved or called any more.
import {
  type ActorAddress,
  type ActorKind,
  type Address,
  type CallResult,
  type DeactivationReason,
  errorText,
} from "@tenure/core/internal";
import type { Claim } from "@tenure/directory/internal";
import type { ActorLoad } from "../messaging/hot-actors.ts";
import type { LocalWait } from "../deadlocks/wait-states.ts";
import type { ActivationDeps } from "./activation-deps.ts";
import { ActivationReports } from "./activation-reports.ts";
import { CommitRefused } from "./commit-pipeline.ts";
import { type IncomingCall, MOVED, refused } from "./incoming-call.ts";
import { type Life, makeLife } from "./life.ts";
import { openState } from "./open-state.ts";
import { OutputGate } from "./output-gate.ts";
import { Serving } from "./serving.ts";
import { claimAndLoad, type Started } from "./start-activation.ts";
import type { StateCell } from "./state-cell.ts";
import { exclusiveTurns, overlappingTurns, type TurnTracker } from "./turn-context.ts";

type State =
  /** Claiming and loading. */
  | { readonly kind: "starting" }
  /** onActivate runs. */
  | { readonly kind: "activating"; readonly life: Life }
  | { readonly kind: "active"; readonly life: Life }
  /** A save is undecided: what is running ends, nothing new starts. */
  | { readonly kind: "gated"; readonly life: Life }
  | ({ readonly kind: "deactivating"; readonly life: Life } & Ending)
  /** The actor is released, and its successor is on its way to life: who calls it here meanwhile is sent there. */
  | { readonly kind: "handing-over" }
  | { readonly kind: "poisoned"; readonly loss: CommitRefused }
  | { readonly kind: "gone" };

export type ActivationState = State["kind"];

/** What all that wait are answered, when the actor has been released. */
export type HandOver = () => Promise<CallResult>;

interface Ending {
  readonly reason: DeactivationReason;
  readonly handOver: HandOver | undefined;
}

export class Activation {
  readonly address: ActorAddress;
  readonly kind: ActorKind;
  /** Monotonic milliseconds of the last call. */
  lastCallMs: number;
  readonly #deps: ActivationDeps;
  readonly #serving: Serving;
  readonly #ended: Promise<void>;
  readonly #turns: TurnTracker;
  readonly #gate: OutputGate;
  readonly #reports: ActivationReports;
  readonly #abort = new AbortController();
  #state: State = { kind: "starting" };
  /** Asked for while it was still starting. */
  #endWhenActive: Ending | undefined;
  #markEnded!: () => void;
  readonly #started: Promise<CallResult | undefined>;
  #markStarted!: (failure: CallResult | undefined) => void;

  constructor(address: ActorAddress, kind: ActorKind, deps: ActivationDeps) {
    this.address = address;
    this.kind = kind;
    this.#deps = deps;
    this.#turns = kind.exclusive ? exclusiveTurns() : overlappingTurns();
    this.#gate = new OutputGate(deps.lease, () => this.#loss);
    this.#reports = new ActivationReports(address, deps.clock, deps.emit);
    this.#serving = new Serving({
      clock: deps.clock,
      lease: deps.lease,
      rules: deps.rules,
      gate: this.#gate,
      maxQueue: kind.definition.maxQueue,
      reentrancy: kind.definition.turns.reentrancy,
      life: () => ("life" in this.#state ? this.#state.life : undefined),
      active: () => (this.#state.kind === "active" ? this.#state.life : undefined),
      strictReads: deps.strictReads || kind.definition.strictReads,
      disowned: (life) => this.#disowned(life),
      startsTurns: () => this.#state.kind === "active" || this.#state.kind === "gated",
      turnEnded: () => this.#turnEnded(),
      broken: (error) => this.#brokenBy(error),
    });
    this.lastCallMs = deps.clock.monotonicMs();
    this.#ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    this.#started = new Promise((resolve) => {
      this.#markStarted = resolve;
    });
    void this.#start();
  }

  get state(): ActivationState {
    return this.#state.kind;
  }

  get generation(): number | undefined {
    return "life" in this.#state ? this.#state.life.claim.generation : undefined;
  }

  get load(): ActorLoad {
    return {
      actor: this.address,
      waiting: this.#serving.waiting,
      serviceMs: this.#serving.serviceMs,
    };
  }

  get waiting(): number {
    return this.#serving.waiting;
  }

  /** Neither running nor waiting calls. */
  get quiet(): boolean {
    return this.#state.kind === "active" && this.#serving.idle && this.#serving.waiting === 0;
  }

  get #loss(): CommitRefused | undefined {
    return this.#state.kind === "poisoned" ? this.#state.loss : undefined;
  }

  /** Resolves when the activation has ended, in whichever way. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Resolves when the activation is active, or with what its first calls were answered because it is not. */
  get started(): Promise<CallResult | undefined> {
    return this.#started;
  }

  /** The methods whose turns run now. */
  get runningMethods(): readonly string[] {
    if (!("life" in this.#state)) return [];
    return [...this.#state.life.runner.turns()].map((turn) => turn.call.method);
  }

  enqueue(call: IncomingCall): void {
    this.lastCallMs = this.#deps.clock.monotonicMs();
    const { kind } = this.#state;
    if (kind === "gone" || kind === "poisoned") call.reply(MOVED);
    else this.#serving.take(call);
  }

  /** What a call that came here is doing, if it is here. */
  wait(request: number): LocalWait | undefined {
    return this.#serving.wait(request);
  }

  /** Answers a call, if it waits here. */
  refuseWaiting(request: number, answer: CallResult): void {
    this.#serving.refuseWaiting(request, answer);
  }

  /** The sender of a call gives it up. True when it had not started, and never will. */
  cancel(request: number, from: Address): boolean {
    return this.#serving.cancel(request, from);
  }

  /** Ends the activation after the running turns. Waiting calls are answered `moved`, or what `handOver` says. */
  deactivate(reason: DeactivationReason, handOver?: HandOver): void {
    const state = this.#state;
    if (state.kind === "starting" || state.kind === "activating")
      this.#endWhenActive ??= { reason, handOver };
    if (state.kind !== "active" && state.kind !== "gated") return;
    this.#state = { kind: "deactivating", life: state.life, reason, handOver };
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
      if (state.kind === "activating") this.#reports.failed(loss.message);
      else this.#reports.ended(state.life, reason);
      state.life.runner.lose(loss);
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
      version: this.kind.definition.version,
      knowing: (actor, version) => this.#deps.knowing(actor, version),
      wanted: () => this.#state.kind === "starting",
    }).catch((error: unknown): Started => ({ kind: "unavailable", why: errorText(error) }));
    if (this.#state.kind !== "starting") return;
    if (started.kind !== "owned") {
      this.#fail(started);
      return;
    }
    try {
      const opened = openState(this.address, this.kind, started.row, this.#deps.maxStateBytes);
      const cell = opened instanceof Promise ? await opened : opened;
      // Lost while a schema took its time: no user code of the actor may run any more.
      if (this.#state.kind !== "starting")
        void this.#deps.ownership.release(this.address, started.claim.token);
      else await this.#activate(this.#makeLife(started, cell));
    } catch (error) {
      const { kind } = this.#state;
      if (kind !== "starting" && kind !== "activating") return;
      void this.#deps.ownership.release(this.address, started.claim.token);
      this.#fail({ kind: "unreadable", why: errorText(error) });
    }
  }

  #makeLife(started: Extract<Started, { kind: "owned" }>, cell: StateCell | undefined): Life {
    return makeLife(started, cell, this.#deps, {
      address: this.address,
      kind: this.kind,
      turns: this.#turns,
      gate: this.#gate,
      signal: this.#abort.signal,
      loss: () => this.#loss,
      deactivate: () => this.deactivate("requested"),
      undecided: (undecided) => this.#undecided(undecided),
      refused: (claim, refusal, operation) => this.#refused(claim, refusal, operation),
    });
  }

  async #activate(life: Life): Promise<void> {
    this.#state = { kind: "activating", life };
    this.#serving.occupy("write");
    const failed = await life.runner.hook("onActivate", () => life.actor.onActivate());
    this.#serving.vacate("write");
    if (this.#state.kind !== "activating") return;
    if (failed) throw failed.error;
    this.#state = { kind: "active", life };
    this.#reports.activated(life);
    this.#markStarted(undefined);
    this.#serving.serveWaiting();
    const ending = this.#endWhenActive;
    if (ending) this.deactivate(ending.reason, ending.handOver);
  }

  #fail(started: Exclude<Started, { kind: "owned" }>): void {
    this.#state = { kind: "gone" };
    this.#abort.abort();
    const answer =
      started.kind === "elsewhere"
        ? refused(
            "moved",
            started.why ?? "the actor lives on another silo",
            started.silo,
            started.generation,
          )
        : started.kind === "unavailable"
          ? refused("unavailable", `the actor could not be activated: ${started.why}`)
          : refused("activation-failed", `the actor could not be activated: ${started.why}`);
    if (started.kind === "unreadable") this.#reports.failed(started.why);
    this.#leaveSlot(answer);
  }

  // ---- while it is active -----------------------------------------------------------------------------------------

  #turnEnded(): void {
    this.lastCallMs = this.#deps.clock.monotonicMs();
    this.#finishWhenQuiet();
  }

  // The user's code cannot get here: a rule of ours is broken, and this activation must not go on wrongly.
  #brokenBy(error: unknown): CallResult {
    const message = errorText(error);
    this.#reports.broken(message);
    this.poison("failed", new CommitRefused("SILO_UNAVAILABLE", message, false));
    return { status: "failed", code: "SILO_UNAVAILABLE", message };
  }

  #undecided(undecided: boolean): void {
    const state = this.#state;
    if (undecided && state.kind === "active") this.#state = { kind: "gated", life: state.life };
    if (!undecided && state.kind === "gated") {
      this.#state = { kind: "active", life: state.life };
      this.#serving.serveWaiting();
    }
  }

  /** The store has the actor as another's. What of the undecided saves was applied before, nobody knows. */
  #disowned({ claim }: Life): void {
    if (this.#loss) return;
    const loss = new CommitRefused(
      "FENCED",
      "the store has another activation as the actor's owner",
      false,
    );
    this.#reports.fenced(claim, loss, "verify");
    this.poison("fenced", loss);
  }

  #refused(claim: Claim, refusal: CommitRefused, operation: "save" | "parts"): void {
    this.#reports.fenced(claim, refusal, operation);
    this.poison("fenced", refusal);
  }

  // ---- ending ----------------------------------------------------------------------------------------------------

  #finishWhenQuiet(): void {
    const state = this.#state;
    if (state.kind === "deactivating" && this.#serving.idle) void this.#finish(state.life, state);
  }

  async #finish(life: Life, { reason, handOver }: Ending): Promise<void> {
    // While this turn occupies it, a second finish cannot begin.
    this.#serving.occupy("write");
    const failed = await life.runner.hook("onDeactivate", () => life.actor.onDeactivate(reason));
    if (failed) this.#reports.broken(errorText(failed.error), "onDeactivate");
    // A refused commit poisons the activation, which ends it too.
    await life.commits?.barrier()?.catch(() => undefined);
    if (this.#state.kind !== "deactivating") return;
    await this.#deps.ownership.release(this.address, life.claim.token);
    if (this.#state.kind !== "deactivating") return;
    this.#state = { kind: handOver ? "handing-over" : "gone" };
    this.#abort.abort();
    this.#reports.ended(life, reason);
    const answer = handOver && (await handOver());
    if (this.#loss) return;
    this.#state = { kind: "gone" };
    this.#leaveSlot(answer ?? (reason === "drain" ? this.#handedOver(life) : MOVED));
  }

  /** All that wait are sent to one silo: the first of them activates the actor there, and the others join it. */
  #handedOver({ claim }: Life): CallResult {
    const successor = this.#deps.successor(this.address);
    return successor === undefined
      ? MOVED
      : // Above the generation that ends here, as every later one is: newer than what their callers know (R26).
        refused("moved", "the actor's silo is draining", successor, claim.generation + 1);
  }

  #leaveSlot(answer: CallResult = MOVED): void {
    this.#deps.gone();
    this.#serving.leave(answer);
    this.#markStarted(answer);
    this.#markEnded();
  }
}
