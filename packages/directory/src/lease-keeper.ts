// The lease keeper: renews one incarnation's lease, on the main loop, and says whether the silo may serve.
//   L3. A round renews only after the silo's own message to itself came back through the transport: a lease must prove
//       that its holder can make progress (Davis and Demirbas, LeaseGuard). A hung or cut-off silo does not renew.
//   L4. The time of a renewal is taken before it is sent; a reply that never comes changes nothing (R6).
//   L5. A lapse is not death: past its deadline the silo is paused; a renewal that succeeds resumes it at once. Only a
//       record that says dead, or a pause beyond the limit, ends the incarnation.
//   L6. A timer is not a lease check: `holds` reads the clock at every question.
import {
  type Clock,
  delay,
  type Directory,
  type EventSink,
  type Incarnation,
  type Instant,
  type MemberRecord,
  type RenewAnswer,
} from "@tenure/core/internal";
import { bounded } from "./bounded.ts";
import { type LeaseTiming, PAUSE_LIMIT_MS } from "./lease.ts";

export interface LeaseHost {
  /** Sends the silo a message to itself; `probeArrived(round)` is called when it comes. */
  sendProbe(round: number): void;
  /** Activations held now. */
  load(): number;
  /** A renewal's answer: the record, for R14. */
  renewed(member: MemberRecord): void;
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
}

export class LeaseKeeper {
  readonly #o: LeaseKeeperOptions;
  #rev: number;
  /** When the newest acknowledged renewal was sent; undefined before the first, and after the end. */
  #sentAt: Instant | undefined;
  #state: "alive" | "draining" = "alive";
  #over = false;
  #round = 0;
  #probe: { round: number; arrived: () => void } | undefined;
  #pausedAt: Instant | undefined;
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(options: LeaseKeeperOptions, registered: MemberRecord) {
    this.#o = options;
    this.#rev = registered.rev;
  }

  /** Whether the silo may serve at this very moment (L1, L6). */
  holds(): boolean {
    if (this.#sentAt === undefined) return false;
    if (this.#o.clock.elapsedMs(this.#sentAt) < this.#o.timing.serveMs) return true;
    this.#pause();
    return false;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Undefined while the lease holds; else a promise for when it does again. Rejects when the incarnation is over. */
  whenHeld(): Promise<void> | undefined {
    if (this.holds()) return undefined;
    if (this.#over) return Promise.reject(new LeaseLostError());
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  probeArrived(round: number): void {
    if (this.#probe?.round === round) this.#probe.arrived();
  }

  /** From the next renewal on the record says that this silo takes no new actors. */
  drain(): void {
    this.#state = "draining";
  }

  /** The first renewal, then rounds until `signal` aborts or the incarnation is over. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#o;
    while (!this.#over) {
      const renewed = await this.#renewalRound(signal);
      if (this.#over) return;
      this.holds();
      if (this.#pausedAt && clock.elapsedMs(this.#pausedAt) > PAUSE_LIMIT_MS) {
        this.end(`paused for more than ${PAUSE_LIMIT_MS / 1_000} s`);
        return;
      }
      await delay(clock, renewed ? timing.roundMs : timing.retryMs, signal);
    }
  }

  /** One renewal outside the rounds, for example to publish that the silo drains. */
  async renewNow(): Promise<boolean> {
    const { clock, timing, directory, host } = this.#o;
    const sentAt = clock.instant();
    let answer: RenewAnswer;
    try {
      answer = (
        await bounded(
          clock,
          timing.roundMs,
          "renewal",
          directory.renew({
            incarnation: this.#o.incarnation,
            expectedRev: this.#rev,
            load: host.load(),
            state: this.#state,
          }),
        )
      ).answer;
    } catch (error) {
      this.#o.emit({
        type: "store.unavailable",
        store: "directory",
        error: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
    if (this.#over) return false;
    if (answer.ok) {
      this.#rev = answer.member.rev;
      this.#sentAt = sentAt;
      host.renewed(answer.member);
      this.#resume();
      return true;
    }
    switch (answer.refusal) {
      case "conflict":
        // An earlier renewal was applied and its answer lost (or the store lost it): go on from what is there.
        this.#rev = answer.member.rev;
        host.renewed(answer.member);
        return false;
      case "dead":
        this.end("its member record was marked dead");
        return false;
      case "absent":
        this.end("its member record is gone");
        return false;
    }
  }

  /** Ends the incarnation: nothing is served any more. */
  end(reason: string): void {
    if (this.#over) return;
    this.stop();
    this.#o.host.lost(reason);
  }

  /** The same without telling the host: it is the host that stops. */
  stop(): void {
    this.#over = true;
    this.#sentAt = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(new LeaseLostError());
  }

  async #renewalRound(signal: AbortSignal): Promise<boolean> {
    if (!(await this.#probeSelf(signal))) return false;
    // A conflict is settled by sending once more from the rev that the record has.
    return (await this.renewNow()) || (!this.#over && (await this.renewNow()));
  }

  async #probeSelf(signal: AbortSignal): Promise<boolean> {
    this.#round += 1;
    const round = this.#round;
    const arrived = new Promise<boolean>((resolve) => {
      this.#probe = { round, arrived: () => resolve(true) };
    });
    this.#o.host.sendProbe(round);
    const stopWaiting = new AbortController();
    const late = delay(
      this.#o.clock,
      this.#o.timing.probeMs,
      AbortSignal.any([signal, stopWaiting.signal]),
    ).then(
      () => false,
      () => false,
    );
    const came = await Promise.race([arrived, late]);
    stopWaiting.abort();
    signal.throwIfAborted();
    return came;
  }

  #pause(): void {
    if (this.#pausedAt || this.#over) return;
    this.#pausedAt = this.#o.clock.instant();
    this.#o.emit({
      type: "silo.paused",
      incarnation: this.#o.incarnation,
      reason: "the lease ran out before it could be renewed",
    });
  }

  #resume(): void {
    if (!this.holds()) return;
    if (this.#pausedAt) {
      const pausedMs = this.#o.clock.elapsedMs(this.#pausedAt);
      this.#pausedAt = undefined;
      this.#o.emit({ type: "silo.resumed", incarnation: this.#o.incarnation, pausedMs });
    }
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.resolve();
  }
}

/** The incarnation is over: whatever waited for its lease must not go on. */
export class LeaseLostError extends Error {
  constructor() {
    super("the silo's incarnation is over");
  }
}
