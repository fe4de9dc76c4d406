// The calls of one activation: which wait, which run, and how each is answered.
//   V1. A call of the chain of a turn that runs here cannot wait for that turn: it is let in, or is a deadlock (admission.ts). It
//       starts as long as that turn may run, also when no new ones do.
//   V2. All others start in the order in which they came, and only while the activation is active; those that interleave
//       pass the ones that wait.
//   V3. Lease and deadline are asked again at the moment of starting (R6, R20).
//   V4. A reply leaves through the output gate (R17); when that is refused, the call is answered as lost (R24).
//   V5. Where strict reads are asked for, a reply that no save vouches for leaves only when the store has confirmed that the
//       actor is still this activation's; if it is not, the activation is lost.
//   V6. A turn counts until its reply has left: an actor is not given up before, or its next owner might serve first (I4).
//   V7. A call that its sender gives up leaves the mailbox at once, and nothing of it runs. If it runs, its turn is told
//       (call-signal.ts) and goes on. Nobody else's cancellation, and none that comes too early or too late, does anything.
import {
  type Address,
  type CallResult,
  type Clock,
  errorText,
  formatActor,
  type MethodMode,
  type Reentrancy,
} from "@tenure/core/internal";
import type { LeaseKeeper } from "@tenure/directory/internal";
import type { LocalWait } from "../deadlocks/wait-states.ts";
import { overloaded } from "../messaging/overloaded.ts";
import { CommitRefused } from "./commit.ts";
import { deadlock, type IncomingCall, MOVED, refused } from "./incoming-call.ts";
import type { Life } from "./life.ts";
import { type Gated, gateOpen, passGate } from "./output-gate.ts";
import { RunningTurns } from "./running-turns.ts";
import { Unverified } from "./strict-reads.ts";
import type { Turn } from "./turn-context.ts";
import type { TurnOutcome } from "./turn-runner.ts";
import type { TurnRules } from "./turn-rules.ts";
import { WaitingCalls } from "./waiting-calls.ts";

export interface ServingHost extends Gated {
  readonly clock: Clock;
  readonly lease: LeaseKeeper;
  readonly rules: TurnRules;
  readonly maxQueue: number;
  readonly reentrancy: Reentrancy;
  /** Of the class or of the silo; a call may ask for it, too. */
  readonly strictReads: boolean;
  /** The life in which turns run; undefined while there is none. */
  life(): Life | undefined;
  /** The same, while new turns may start. */
  active(): Life | undefined;
  /** Turns start one after another, but for a save that is undecided. */
  startsTurns(): boolean;
  turnEnded(nowMs: number): void;
  /** The store has the actor as another's. */
  disowned(life: Life): void;
  /** A rule of ours is broken: the activation must not go on wrongly. What its call is answered. */
  broken(error: unknown): CallResult;
}

/** How long a full mailbox asks to be left alone, at least and at most. */
const MIN_RETRY_MS = 10;
const MAX_RETRY_MS = 10_000;

const NONE: readonly Turn[] = [];

export class Serving {
  readonly #host: ServingHost;
  readonly #waiting: WaitingCalls;
  readonly #running: RunningTurns;
  /** Turns that have ended, whose replies wait at the gate. */
  #replying = 0;
  #serviceMs = 0;
  #pumping = false;

  constructor(host: ServingHost) {
    this.#host = host;
    this.#running = new RunningTurns(host.reentrancy, host.rules.mayStart);
    this.#waiting = new WaitingCalls(host.maxQueue, host.reentrancy !== "full");
  }

  /** No turn runs, and no reply waits (V6). */
  get idle(): boolean {
    return this.#running.none && this.#replying === 0;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** How long a turn takes, as of late: the newest counts for a tenth. */
  get serviceMs(): number {
    return this.#serviceMs;
  }

  take(call: IncomingCall, nowMs: number): void {
    const life = this.#host.life();
    const own = life?.runner.turnsOf(call.chain) ?? NONE;
    const verdict = this.#running.verdict(call, own);
    if (verdict === "deadlock" || verdict === "deadlock-keyed")
      call.reply(deadlock(call, verdict === "deadlock-keyed"));
    // What a running turn waits for starts as long as that turn may run (V1).
    else if (life && own.length > 0 && verdict === "start") this.#begin(call, life, nowMs);
    else {
      const active = this.#host.active();
      if (active && verdict === "start" && this.#passes(call)) this.#begin(call, active, nowMs);
      else this.#wait(call, verdict === "wait-ahead");
    }
  }

  /** Calls start from now on. Those that may interleave do not go on waiting behind the others. */
  serveWaiting(): void {
    this.#pump();
    for (const call of this.#waiting.take((each) => each.method.mode === "interleave")) {
      const active = this.#host.active();
      if (active) this.#begin(call, active, this.#host.clock.monotonicMs());
      else call.reply(MOVED);
    }
  }

  /** What a call that came here is doing; undefined when it is not here any more, or waits for no turn. */
  wait(request: number): LocalWait | undefined {
    const life = this.#host.life();
    if (!life) return undefined;
    const turn = life.runner.turnOf(request);
    if (turn) return { kind: "runs", turn };
    const ahead = this.#waiting.upTo(request);
    if (ahead.length === 0) return undefined;
    // Before its first turn and after its last, an activation starts nothing while anything runs, but what that waits for.
    const nested = life.runner.turnsOf(ahead.at(-1)!.chain).length > 0;
    const any = !nested && !this.#host.startsTurns();
    const behind = [...life.runner.turns()].filter(
      (each) => any || ahead.some((call) => this.#running.isInTheWayOf(call, each)),
    );
    return { kind: "waits", behind };
  }

  /** Answers a call that waits, and only while it waits. */
  refuseWaiting(request: number, answer: CallResult): void {
    for (const call of this.#waiting.take((each) => each.request === request)) call.reply(answer);
    this.#pump();
  }

  /** The sender of a call gives it up (V7). True when it waited: it never starts. */
  cancel(request: number, from: Address): boolean {
    const waited = this.#waiting.remove((call) => call.request === request && call.from === from);
    if (!waited) {
      this.#host.life()?.runner.cancel(request, from);
      return false;
    }
    waited.abandon();
    // Those behind it may be able to start beside what runs.
    this.#pump();
    return true;
  }

  /** A turn that no call asked for begins: a hook of the actor's life. */
  occupy(mode: MethodMode): void {
    this.#running.begin(mode);
  }

  vacate(mode: MethodMode): void {
    this.#running.end(mode);
  }

  /** Answers everything that waits: nothing of it will start here. */
  leave(answer: CallResult): void {
    for (const call of this.#waiting.drain()) call.reply(answer);
  }

  /** Until a tenth of what waits has been served. */
  #someRoomMs(): number {
    const ms = (this.#waiting.size * this.#serviceMs) / 10;
    return Math.min(Math.max(Math.ceil(ms), MIN_RETRY_MS), MAX_RETRY_MS);
  }

  #wait(call: IncomingCall, nested: boolean): void {
    if (this.#waiting.offer(call, nested)) return;
    const what = `${this.#host.maxQueue} calls wait for ${formatActor(call.actor)}`;
    call.reply(overloaded(what, this.#someRoomMs()));
  }

  /** It need not stand behind those that wait. */
  #passes(call: IncomingCall): boolean {
    return (
      call.method.mode === "interleave" ||
      this.#host.reentrancy === "full" ||
      this.#waiting.size === 0
    );
  }

  // A turn that ends at once comes here while the one before it is still being started from here: the loop goes on with what
  // waits, and no stack grows with it.
  #pump(): void {
    if (this.#pumping || this.#waiting.size === 0) return;
    this.#pumping = true;
    try {
      this.#startThoseThatMay();
    } finally {
      this.#pumping = false;
    }
  }

  #startThoseThatMay(): void {
    for (;;) {
      const life = this.#host.life();
      const active = this.#host.active();
      const nested = life && this.#waiting.nextNested((call) => this.#mayStart(call, life, active));
      const call =
        nested ?? (active && this.#waiting.next((each) => this.#mayStart(each, active, active)));
      if (!call || !life) return;
      this.#begin(call, life, this.#host.clock.monotonicMs());
    }
  }

  /** Where no new turns start, only what a running one waits for does (V1). */
  #mayStart(call: IncomingCall, life: Life, active: Life | undefined): boolean {
    const own = life.runner.turnsOf(call.chain);
    if (!active && own.length === 0) return false;
    return this.#running.verdict(call, own) === "start";
  }

  #begin(call: IncomingCall, life: Life, nowMs: number): void {
    const refusal = this.#refusal(call, nowMs);
    if (refusal) call.reply(refusal);
    else this.#serve(call, life, nowMs);
  }

  /** The same at this moment, for a call whose arguments have taken their time. */
  refusalNow(call: IncomingCall): CallResult | undefined {
    return this.#refusal(call, this.#host.clock.monotonicMs());
  }

  /** Why the call must not start now (V3). */
  #refusal(call: IncomingCall, nowMs: number): CallResult | undefined {
    if (!this.#host.lease.holds(nowMs))
      return refused("paused", "the silo's lease has run out; it is paused");
    if (call.deadlineMs <= nowMs) return refused("expired", "its deadline passed while it waited");
    return undefined;
  }

  #serve(call: IncomingCall, life: Life, beganMs: number): void {
    this.#running.beginCall(call);
    let outcome: TurnOutcome | Promise<TurnOutcome>;
    try {
      outcome = life.runner.call(call, this);
    } catch (error) {
      outcome = this.#broken(error);
    }
    if (outcome instanceof Promise)
      void outcome
        .catch((error: unknown) => this.#broken(error))
        .then((later) => this.#served(call, life, later, beganMs));
    else this.#served(call, life, outcome, beganMs);
  }

  /** The user's code cannot throw here. */
  #broken(error: unknown): TurnOutcome {
    const result = this.#host.broken(error);
    return { result, barrier: undefined, saves: false, turn: undefined };
  }

  #served(call: IncomingCall, life: Life, outcome: TurnOutcome, beganMs: number): void {
    this.#running.endCall(call);
    const { clock, rules, strictReads } = this.#host;
    const nowMs = clock.monotonicMs();
    this.#serviceMs += (nowMs - beganMs - this.#serviceMs) / 10;
    const strict = rules.mustVerify(call.strict || strictReads, outcome);
    if (!strict && outcome.barrier === undefined && gateOpen(this.#host, nowMs)) {
      call.reply(outcome.result);
      this.#pump();
      this.#host.turnEnded(nowMs);
      return;
    }
    this.#replying += 1;
    if (strict || outcome.barrier === undefined)
      void this.#replyWhenSafe(call, outcome, strict ? life : undefined);
    else
      outcome.barrier.tell((refusal) => {
        if (refusal) this.#replied(call, rules.lossResult(refusal, outcome.turn));
        else this.#durable(call, outcome);
      });
    // Last: a turn that starts now may end now, and its reply must stand at the gate behind this one.
    this.#pump();
  }

  /** As #replyWhenSafe, without its promises where nothing but the commit was waited for: every write comes here. */
  #durable(call: IncomingCall, outcome: TurnOutcome): void {
    const nowMs = this.#host.clock.monotonicMs();
    if (gateOpen(this.#host, nowMs)) this.#replied(call, outcome.result, nowMs);
    else void this.#replyWhenSafe(call, outcome, undefined);
  }

  #replied(call: IncomingCall, result: CallResult, nowMs?: number): void {
    call.reply(result);
    this.#replying -= 1;
    this.#host.turnEnded(nowMs ?? this.#host.clock.monotonicMs());
  }

  async #replyWhenSafe(
    call: IncomingCall,
    { result, barrier, turn }: TurnOutcome,
    verified: Life | undefined,
  ): Promise<void> {
    try {
      // First, since the gate must be the last to be asked; beside the commits, which are on their way by now.
      if (verified) await this.#verify(verified);
      await passGate(this.#host, barrier);
    } catch (error) {
      this.#replied(call, this.#host.rules.lossResult(error, turn));
      return;
    }
    this.#replied(call, result);
  }

  async #verify(life: Life): Promise<void> {
    let held: boolean | undefined;
    try {
      held = await life.verify();
    } catch (error) {
      throw new Unverified(`the read could not be verified: ${errorText(error)}`);
    }
    if (held !== false) return;
    this.#host.disowned(life);
    // Of this turn nothing is anywhere: that is as definitive as a refused save (R24).
    throw new CommitRefused("FENCED", "the actor has another owner by now", true);
  }
}
