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
  type Clock,
  type DeactivationReason,
  errorText,
  type EventSink,
  hasHook,
  type Incarnation,
  type Reentrancy,
} from "@tenure/core/internal";
import type { Claim, LeaseKeeper } from "@tenure/directory/internal";
import type { ActorLoad } from "../messaging/hot-actors.ts";
import type { LocalWait } from "../deadlocks/wait-states.ts";
import type { ActivationDeps } from "./activation-deps.ts";
import { ActivationReports } from "./activation-reports.ts";
import { CommitRefused } from "./commit.ts";
import { type IncomingCall, MOVED, refused } from "./incoming-call.ts";
import { Life, type LifeHost } from "./life.ts";
import { openState } from "./open-state.ts";
import { Moment } from "./moment.ts";
import { Serving, type ServingHost } from "./serving.ts";
import type { RowStore } from "./row-store.ts";
import { claimAndLoad, type StartDeps, type Started } from "./start-activation.ts";
import type { TurnRules } from "./turn-rules.ts";
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

/** Of all activations that nobody waited for: most of a million have nothing else to tell. */
const STARTED = new Moment<CallResult | undefined>();
STARTED.reach(undefined);

export class Activation implements LifeHost, ServingHost, StartDeps {
  /** Of its slot in the catalog. */
  readonly key: string;
  readonly address: ActorAddress;
  readonly kind: ActorKind;
  /** Monotonic milliseconds of the last call. */
  lastCallMs: number;
  readonly #deps: ActivationDeps;
  readonly #serving: Serving;
  readonly turns: TurnTracker;
  /** Made when it is looked at. */
  #abort: AbortController | undefined;
  #state: State = { kind: "starting" };
  /** Asked for while it was still starting. */
  #endWhenActive: Ending | undefined;
  #ended: Moment<void> | undefined;
  #started: Moment<CallResult | undefined> | undefined;

  constructor(key: string, address: ActorAddress, kind: ActorKind, deps: ActivationDeps) {
    this.key = key;
    this.address = address;
    this.kind = kind;
    this.#deps = deps;
    this.turns = kind.exclusive ? exclusiveTurns() : overlappingTurns();
    this.#serving = new Serving(this);
    this.lastCallMs = deps.clock.monotonicMs();
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

  /** Set when the activation has been lost. */
  get loss(): CommitRefused | undefined {
    return this.#state.kind === "poisoned" ? this.#state.loss : undefined;
  }

  /** Aborts when the activation is lost or ends. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      const { kind } = this.#state;
      if (kind === "poisoned") this.#abort.abort(this.loss);
      else if (kind === "gone" || kind === "handing-over") this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** It has ended, in whichever way. */
  get over(): boolean {
    const { kind } = this.#state;
    return kind === "gone" || kind === "poisoned";
  }

  /** Resolves when the activation has ended, in whichever way. */
  get ended(): Promise<void> {
    return (this.#ended ??= new Moment()).reached();
  }

  /** Resolves when the activation is active, or with what its first calls were answered because it is not. */
  get started(): Promise<CallResult | undefined> {
    return (this.#started ??= new Moment()).reached();
  }

  /** The methods whose turns run now. */
  get runningMethods(): readonly string[] {
    if (!("life" in this.#state)) return [];
    return [...this.#state.life.runner.turns()].map((turn) => turn.call.method);
  }

  enqueue(call: IncomingCall, nowMs: number): void {
    const { kind } = this.#state;
    if (kind === "gone" || kind === "poisoned") call.reply(MOVED);
    else this.#serving.take(call, nowMs);
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
    this.#abort?.abort(loss);
    if ("life" in state) {
      state.life.commits?.abandon(loss);
      if (state.kind === "activating") this.#reports.failed(loss.message);
      else this.#reports.ended(state.life, reason);
      state.life.runner.lose(loss);
    }
    this.#leaveSlot();
  }

  /** Made for each report: nearly all have one, when they start. */
  get #reports(): ActivationReports {
    return new ActivationReports(this.address, this.#deps.clock, this.#deps.emit);
  }

  // ---- starting --------------------------------------------------------------------------------------------------

  async #start(): Promise<void> {
    let started: Started;
    try {
      started = await claimAndLoad(this.address, this);
    } catch (error) {
      started = { kind: "unavailable", why: errorText(error) };
    }
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
      else {
        const life = new Life(started, cell, this.#deps, this);
        if (hasHook(life.actor, "onActivate")) await this.#runOnActivate(life);
        else this.#activate(life);
      }
    } catch (error) {
      const { kind } = this.#state;
      if (kind !== "starting" && kind !== "activating") return;
      void this.#deps.ownership.release(this.address, started.claim.token);
      this.#fail({ kind: "unreadable", why: errorText(error) });
    }
  }

  async #runOnActivate(life: Life): Promise<void> {
    this.#state = { kind: "activating", life };
    this.#serving.occupy("write");
    const failed = await life.runner.hook("onActivate", () => life.actor.onActivate());
    this.#serving.vacate("write");
    if (this.#state.kind !== "activating") return;
    if (failed) throw failed.error;
    this.#activate(life);
  }

  #activate(life: Life): void {
    this.#state = { kind: "active", life };
    this.#reports.activated(life);
    if (this.#started) this.#started.reach(undefined);
    else this.#started = STARTED;
    this.#serving.serveWaiting();
    const ending = this.#endWhenActive;
    if (ending) this.deactivate(ending.reason, ending.handOver);
  }

  #fail(started: Exclude<Started, { kind: "owned" }>): void {
    this.#state = { kind: "gone" };
    this.#abort?.abort();
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

  // ---- what its start needs of it -----------------------------------------------------------------------------------

  get ownership(): StartDeps["ownership"] {
    return this.#deps.ownership;
  }

  get stateful(): boolean {
    return this.kind.definition.state !== undefined;
  }

  get rows(): RowStore {
    return this.#deps.rows;
  }

  get emit(): EventSink {
    return this.#deps.emit;
  }

  get version(): number {
    return this.kind.definition.version;
  }

  knowing(actor: ActorAddress, version: number | undefined): Promise<Incarnation | undefined> {
    return this.#deps.knowing(actor, version);
  }

  wanted(): boolean {
    return this.#state.kind === "starting";
  }

  // ---- what its calls need of it ------------------------------------------------------------------------------------

  get clock(): Clock {
    return this.#deps.clock;
  }

  get lease(): LeaseKeeper {
    return this.#deps.lease;
  }

  get rules(): TurnRules {
    return this.#deps.rules;
  }

  get maxQueue(): number {
    return this.kind.definition.maxQueue;
  }

  get reentrancy(): Reentrancy {
    return this.kind.definition.turns.reentrancy;
  }

  get strictReads(): boolean {
    return this.#deps.strictReads || this.kind.definition.strictReads;
  }

  /** The life in which turns run; undefined while there is none. */
  life(): Life | undefined {
    return "life" in this.#state ? this.#state.life : undefined;
  }

  /** The same, while new turns may start. */
  active(): Life | undefined {
    return this.#state.kind === "active" ? this.#state.life : undefined;
  }

  startsTurns(): boolean {
    return this.#state.kind === "active" || this.#state.kind === "gated";
  }

  // ---- while it is active -----------------------------------------------------------------------------------------

  turnEnded(nowMs: number): void {
    this.lastCallMs = nowMs;
    this.#finishWhenQuiet();
  }

  // The user's code cannot get here: a rule of ours is broken, and this activation must not go on wrongly.
  broken(error: unknown): CallResult {
    const message = errorText(error);
    this.#reports.broken(message);
    this.poison("failed", new CommitRefused("SILO_UNAVAILABLE", message, false));
    return { status: "failed", code: "SILO_UNAVAILABLE", message };
  }

  /** A save's answer was lost, or is settled. */
  undecided(undecided: boolean): void {
    const state = this.#state;
    if (undecided && state.kind === "active") this.#state = { kind: "gated", life: state.life };
    if (!undecided && state.kind === "gated") {
      this.#state = { kind: "active", life: state.life };
      this.#serving.serveWaiting();
    }
  }

  /** The store has the actor as another's. What of the undecided saves was applied before, nobody knows. */
  disowned({ claim }: Life): void {
    if (this.loss) return;
    const loss = new CommitRefused(
      "FENCED",
      "the store has another activation as the actor's owner",
      false,
    );
    this.#reports.fenced(claim, loss, "verify");
    this.poison("fenced", loss);
  }

  /** The store refused something of this activation. */
  refused(claim: Claim, refusal: CommitRefused, operation: "save" | "parts"): void {
    if (refusal.code === "NOT_SERIALIZABLE") {
      // The actor is still this silo's.
      this.#reports.broken(refusal.message);
      this.poison("failed", refusal.forOthers);
      return;
    }
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
    if (hasHook(life.actor, "onDeactivate")) {
      const failed = await life.runner.hook("onDeactivate", () => life.actor.onDeactivate(reason));
      if (failed) this.#reports.broken(errorText(failed.error), "onDeactivate");
    }
    // A refused commit poisons the activation, which ends it too.
    await life.commits?.barrier()?.done.catch(() => undefined);
    if (this.#state.kind !== "deactivating") return;
    await this.#deps.ownership.release(this.address, life.claim.token);
    if (this.#state.kind !== "deactivating") return;
    this.#state = { kind: handOver ? "handing-over" : "gone" };
    this.#abort?.abort();
    this.#reports.ended(life, reason);
    const answer = handOver && (await handOver());
    if (this.loss) return;
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
    this.#deps.gone(this);
    this.#serving.leave(answer);
    (this.#started ??= new Moment()).reach(answer);
    (this.#ended ??= new Moment()).reach();
  }
}
