// The lease keeper: renews one incarnation's lease, on the main loop, and says whether the silo may serve.
//   L4. A round renews only after the silo's own message to itself came back through the transport: a lease must prove
//       that its holder can make progress (Davis and Demirbas, LeaseGuard). A hung or cut-off silo does not renew.
//   L5. The time of a renewal is taken before it is sent; a reply that never comes changes nothing (R6). Renewals are sent
//       by the rounds alone, so that there is never more than one whose answer counts.
//   L6. A renewal that finds its own record ahead proves nothing about time: it adopts that rev and sends again.
//   L7. A lapse is not death: past its deadline the silo is paused; a renewal that succeeds resumes it at once. Only a
//       record that says dead, or a pause beyond the limit, ends the incarnation.
//   L8. A timer is not a lease check: `holds` reads the clocks at every question.
import {
  type Clock,
  type Directory,
  type EventSink,
  type Incarnation,
  type Instant,
  type MemberRecord,
  type RenewAnswer,
} from "@tenure/core/internal";
import { Alarm } from "./alarm.ts";
import { bounded } from "./bounded.ts";
import {
  leaseRules,
  type LeaseRules,
  type LeaseState,
  type LeaseTiming,
  PAUSE_LIMIT_MS,
} from "./lease.ts";

export interface LeaseHost {
  /** Sends the silo a message to itself; `probeArrived(round)` is called when it comes. */
  sendProbe(round: number): void;
  /** Activations held now. */
  load(): number;
  /** What the directory has acknowledged of this silo's writes, asked when a renewal is sent (R14). */
  acknowledged(): number;
  /**
   * A renewal's answer: the record, whether this renewal was applied or an earlier one, and what `acknowledged` said when the
   * one that was applied was sent.
   */
  renewed(member: MemberRecord, applied: boolean, acknowledgedAtSend: number): void;
  /** The incarnation is over: its record is dead or gone, or it was paused too long. Called once. */
  lost(reason: string): void;
}

export interface LeaseKeeperOptions {
  readonly incarnation: Incarnation;
  readonly timing: LeaseTiming;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly host: LeaseHost;
  readonly emit: EventSink;
  /** @default the shipped ones */
  readonly rules?: LeaseRules | undefined;
}

/** When the newest acknowledged renewal was sent (L5). */
interface Sent {
  readonly at: Instant;
  readonly wallMs: number;
}

type State =
  /** Before the first acknowledged renewal. */
  | { readonly kind: "joining" }
  | { readonly kind: "held"; readonly sent: Sent }
  /** `noticed` may be later than the lapse itself, by `lateMs`: nobody asked meanwhile, or the machine slept. */
  | { readonly kind: "paused"; readonly noticed: Instant; readonly lateMs: number }
  | { readonly kind: "over"; readonly reason: string };

export class LeaseKeeper {
  readonly #o: LeaseKeeperOptions;
  readonly #rules: LeaseRules;
  readonly #early = new Alarm();
  #rev: number;
  #state: State = { kind: "joining" };
  #announce: "alive" | "draining" = "alive";
  #gaps = 0;
  /** Until then the lease holds as far as this turn of the event loop can know; 0 when that has not been asked yet. */
  #heldUntilMs = 0;
  #round = 0;
  /** What `acknowledged` said when the first of the renewals since the last answer was sent: one of them may be applied. */
  #unanswered: number | undefined;
  #probe: { readonly round: number; readonly arrived: Alarm } | undefined;
  #waiters: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  /** Those who want to know how the next round went. */
  #asked: ((renewed: boolean) => void)[] = [];

  constructor(options: LeaseKeeperOptions, registered: MemberRecord) {
    this.#o = options;
    this.#rules = options.rules ?? leaseRules;
    this.#rev = registered.rev;
  }

  /** Whether the silo may serve at this very moment, which is `nowMs` on the monotonic clock (L1, L3, L8). */
  holds(nowMs: number = this.#o.clock.monotonicMs()): boolean {
    if (this.#state.kind !== "held") return false;
    if (nowMs < this.#heldUntilMs) return true;
    const { sent } = this.#state;
    const found = this.#check(sent);
    if (found === "holds") {
      this.#remember(sent);
      return true;
    }
    this.#pause(sent, found);
    return false;
  }

  // The clocks that only jump are read once per turn of the event loop, as the clock itself does with boot time (clock.ts): what
  // moves within a turn is monotonic time. Three times per call all of them would be a third of the call.
  #remember({ at }: Sent): void {
    const { clock, timing } = this.#o;
    const nowMs = clock.monotonicMs();
    if (this.#heldUntilMs === 0) clock.afterTurn(() => this.#forgetHeld());
    this.#heldUntilMs = nowMs + timing.serveMs - clock.elapsedMs(at);
  }

  #forgetHeld(): void {
    this.#heldUntilMs = 0;
  }

  /**
   * Numbers the periods in which this silo's own renewals went on, one after each gap; undefined in a gap. Who watches
   * others takes a gap for its own blindness (L2).
   */
  witnessPeriod(): number | undefined {
    return this.holds() && !this.#lags() ? this.#gaps : undefined;
  }

  get over(): boolean {
    return this.#state.kind === "over";
  }

  /** The rev that the member record had as of the newest answer. */
  get rev(): number {
    return this.#rev;
  }

  /** Undefined while the lease holds; else a promise for when it does again. Rejects when the incarnation is over. */
  whenHeld(): Promise<void> | undefined {
    if (this.holds()) return undefined;
    if (this.#state.kind === "over") return Promise.reject(new LeaseLostError(this.#state.reason));
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  probeArrived(round: number): void {
    if (this.#probe?.round === round) this.#probe.arrived.ring();
  }

  /** From the next renewal on the record says that this silo takes no new actors. */
  drain(): void {
    this.#announce = "draining";
  }

  /** A round as soon as the one under way has ended, for example to publish that the silo drains; whether it renewed. */
  renewNow(): Promise<boolean> {
    if (this.over) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#early.ring();
    });
  }

  /** The first renewal, then rounds until `signal` aborts or the incarnation is over. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#o;
    while (!this.over) {
      const beganMs = clock.monotonicMs();
      // Who asks from now on wants a round that begins later.
      const asked = this.#asked.length;
      const renewed = await this.#renewalRound(signal);
      for (const tell of this.#asked.splice(0, asked)) tell(renewed);
      this.#endLongPause();
      if (this.over) return;
      const tookMs = clock.monotonicMs() - beganMs;
      await this.#early.wait(
        clock,
        renewed ? Math.max(0, timing.roundMs - tookMs) : timing.retryMs,
        signal,
      );
    }
  }

  /** Ends the incarnation: nothing is served any more. */
  end(reason: string): void {
    if (this.over) return;
    this.stop(reason);
    this.#o.host.lost(reason);
  }

  /** The same without telling the host: it is the host that stops. */
  stop(reason = "the silo has stopped"): void {
    if (this.over) return;
    this.#state = { kind: "over", reason };
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new LeaseLostError(reason));
    for (const tell of this.#asked.splice(0)) tell(false);
  }

  // ---- a round ---------------------------------------------------------------------------------------------------

  async #renewalRound(signal: AbortSignal): Promise<boolean> {
    if (!(await this.#probeSelf(signal))) return false;
    const first = await this.#renew();
    return (first === "ahead" ? await this.#renew() : first) === "renewed";
  }

  async #probeSelf(signal: AbortSignal): Promise<boolean> {
    const { clock, timing, host } = this.#o;
    const probe = { round: ++this.#round, arrived: new Alarm() };
    this.#probe = probe;
    host.sendProbe(probe.round);
    const came = await probe.arrived.wait(clock, timing.probeMs, signal);
    this.#probe = undefined;
    return came;
  }

  async #renew(): Promise<"renewed" | "ahead" | "failed"> {
    if (this.over) return "failed";
    const { clock, timing, directory, host, incarnation } = this.#o;
    const sent: Sent = { at: clock.instant(), wallMs: clock.wallMs() };
    const acknowledgedAtSend = host.acknowledged();
    const firstUnanswered = (this.#unanswered ??= acknowledgedAtSend);
    let answer: RenewAnswer;
    try {
      const renewal = directory.renew({
        incarnation,
        expectedRev: this.#rev,
        load: host.load(),
        state: this.#announce,
      });
      ({ answer } = await bounded(clock, timing.roundMs, "renewal", renewal));
    } catch (error) {
      this.#o.emit({
        type: "store.unavailable",
        store: "directory",
        error: error instanceof Error ? error.message : String(error),
      });
      return "failed";
    }
    this.#unanswered = undefined;
    if (this.over) return "failed";
    if (answer.ok) {
      this.#rev = answer.member.rev;
      host.renewed(answer.member, true, acknowledgedAtSend);
      return this.#acknowledged(sent) ? "renewed" : "failed";
    }
    switch (answer.refusal) {
      case "conflict":
        // An earlier renewal was applied and its answer lost (L6), or the store lost one (R14).
        this.#rev = answer.member.rev;
        host.renewed(answer.member, false, firstUnanswered);
        return "ahead";
      case "dead":
        this.end("its member record was marked dead");
        return "failed";
      case "absent":
        this.end("its member record is gone");
        return "failed";
    }
  }

  // ---- holding and pausing ---------------------------------------------------------------------------------------

  #check(sent: Sent): LeaseState {
    const { clock, timing } = this.#o;
    return this.#rules.leaseState(
      {
        elapsedMs: clock.elapsedMs(sent.at),
        monotonicMs: clock.monotonicMs() - sent.at.monotonicMs,
        wallMs: clock.wallMs() - sent.wallMs,
      },
      timing,
    );
  }

  /** False when the answer came too late to be of use. */
  #acknowledged(sent: Sent): boolean {
    // A lapse that nobody has noticed yet is still one: it is told, and it may have been too long.
    this.#endLongPause();
    if (this.over || this.#check(sent) !== "holds") return false;
    const before = this.#state;
    if (this.#lags()) this.#gaps += 1;
    this.#state = { kind: "held", sent };
    if (before.kind === "paused")
      this.#o.emit({
        type: "silo.resumed",
        incarnation: this.#o.incarnation,
        pausedMs: this.#pausedMs(before),
      });
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
    return true;
  }

  /** Whether there is no acknowledged renewal, or none for too long for this silo to judge others. */
  #lags(): boolean {
    const { clock, timing } = this.#o;
    return this.#state.kind !== "held" || clock.elapsedMs(this.#state.sent.at) > timing.witnessMs;
  }

  #pause(sent: Sent, found: Exclude<LeaseState, "holds">): void {
    const { clock, timing, incarnation } = this.#o;
    const lapsed = found === "lapsed";
    this.#state = {
      kind: "paused",
      noticed: clock.instant(),
      lateMs: lapsed ? clock.elapsedMs(sent.at) - timing.serveMs : 0,
    };
    this.#o.emit({
      type: "silo.paused",
      incarnation,
      reason: lapsed
        ? "the lease ran out before it could be renewed"
        : "the wall clock jumped: the lease counts again after a renewal",
    });
    if (!lapsed) this.#early.ring();
  }

  #endLongPause(): void {
    this.holds();
    if (this.#state.kind === "paused" && this.#pausedMs(this.#state) > PAUSE_LIMIT_MS)
      this.end(`paused for more than ${PAUSE_LIMIT_MS / 1_000} s`);
  }

  #pausedMs(paused: Extract<State, { kind: "paused" }>): number {
    return this.#o.clock.elapsedMs(paused.noticed) + paused.lateMs;
  }
}

/** The incarnation is over: whatever waited for its lease must not go on. */
export class LeaseLostError extends Error {
  constructor(reason: string) {
    super(`the silo's incarnation is over: ${reason}`);
  }
}
