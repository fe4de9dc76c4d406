// The membership view: who is in the cluster as of the newest poll, and the observer that marks the dead.
//   V1. The view is a hint for placement and routing; only the store's answers decide (R2, R3).
//   V2. Death is made durable first, by compare-and-set on the rev that was watched, and announced after (R3).
//   V3. A serving silo polls each TTL/3, and once more when a wait ends.
//   V4. One poll at a time: whoever asks while one is under way shares the next (R27), and views never go back.
//   V5. Anyone can announce a death, so announcements make at most one poll each TTL/12, however many there are (I12).
import type {
  Clock,
  Directory,
  EventSink,
  Incarnation,
  Instant,
  MemberRecord,
  MembersAnswer,
  Sentinel,
} from "@tenure/core/internal";
import { Alarm } from "./alarm.ts";
import { bounded } from "./bounded.ts";
import type { LeaseTiming } from "./lease.ts";
import {
  expired,
  nextExpiryMs,
  type Rev,
  type Sighting,
  sightings,
  type Watch,
  watchesAfterPoll,
  watchOn,
} from "./observation.ts";

export interface MembershipHost {
  /** An incarnation is dead, as the store says. Called once for each. */
  died(member: MemberRecord, markedHere: boolean): void;
  /** Numbers the periods in which this observer's own lease went on; undefined while it may not judge others (W2, L2). */
  witnessPeriod(): number | undefined;
  /** The directory is not the one that this silo registered in: nothing that it was granted is known there (R14). */
  replaced(): void;
}

export interface MembershipOptions {
  readonly self: Incarnation;
  /** The id of the store in which this silo is registered. */
  readonly storeId: string;
  readonly timing: LeaseTiming;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly host: MembershipHost;
  readonly emit: EventSink;
}

/** Of how many dead it is remembered that they are: many times as many as are listed. */
const MAX_DEAD = 10_000;
/** Anyone can suspect anything: of so many without a record at a time it is found out what became of them (I12). */
const MAX_SUSPECTED = 16;

/** What the store says of an incarnation. `missing`: it has no record, or the store did not answer. */
export type Standing = "lives" | "dead" | "missing";

/** The newest poll that was answered, as far as the next one continues it. */
interface Polled {
  readonly asked: Instant;
  readonly period: number | undefined;
}

export class Membership {
  readonly #o: MembershipOptions;
  readonly #early = new Alarm();
  readonly #dead = new Set<Incarnation>();
  readonly #missing = new Set<Incarnation>();
  /** Marked dead by a request whose answer was lost. */
  readonly #accused = new Set<Incarnation>();
  readonly #damaged = new Set<string>();
  #members = new Map<Incarnation, MemberRecord>();
  #watches = new Map<Incarnation, Watch<Rev>>();
  #closed: Watch<string> | undefined;
  #polled: Polled | undefined;
  #polling: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  /** When an announcement made this loop poll. */
  #lookedMs = -Infinity;
  #stopped = false;

  constructor(options: MembershipOptions) {
    this.#o = options;
  }

  isDead(incarnation: Incarnation): boolean {
    return this.#dead.has(incarnation);
  }

  /**
   * Somebody waits at an incarnation in vain. One that has no record is watched as if an entry named it (R16): where the store
   * has lost its record, it may have lost every entry that names it, too, and nobody else would ever find out that it is dead.
   */
  suspected(incarnation: Incarnation): void {
    if (this.#members.has(incarnation) || this.#dead.has(incarnation)) return;
    if (this.#missing.size < MAX_SUSPECTED) this.#missing.add(incarnation);
  }

  /** Silos that take new actors, as of the newest poll. */
  alive(): readonly MemberRecord[] {
    return [...this.#members.values()].filter((member) => member.state === "alive");
  }

  /** Whether an incarnation that an entry names lives. One without a record is watched from now on, then made dead (R16). */
  // Of one that is not listed the store is asked by name: it may have been swept (D7).
  async standing(incarnation: Incarnation): Promise<Standing> {
    const known = (): boolean => this.#dead.has(incarnation) || this.#members.has(incarnation);
    if (!known()) {
      // Before the poll: it is the first to see that there is no record, and the wait is counted from it.
      this.#missing.add(incarnation);
      await this.poll();
      if (!known() && (await this.#wasSwept(incarnation))) return "dead";
    }
    if (this.#dead.has(incarnation)) return "dead";
    return this.#members.has(incarnation) ? "lives" : "missing";
  }

  async #wasSwept(incarnation: Incarnation): Promise<boolean> {
    const { clock, timing, directory } = this.#o;
    try {
      const asked = directory.sweep({ incarnation });
      const { answer } = await bounded(clock, timing.roundMs, "asking after a silo", asked);
      if (!answer.ok) return false;
      this.#missing.delete(incarnation);
      this.#dead.add(incarnation);
      this.#forgetOldest();
      return true;
    } catch (error) {
      this.#unavailable(error);
      return false;
    }
  }

  // Who is swept is not asked after often; the oldest may be asked after again.
  #forgetOldest(): void {
    const oldest = this.#dead.values().next();
    if (this.#dead.size > MAX_DEAD && !oldest.done) this.#dead.delete(oldest.value);
  }

  /** Whether an incarnation is a member that is not dead, as of the newest poll. */
  lists(incarnation: Incarnation): boolean {
    const member = this.#members.get(incarnation);
    return member !== undefined && member.state !== "dead";
  }

  /** Everybody who is listed, as of the newest poll. */
  records(): Iterable<MemberRecord> {
    return this.#members.values();
  }

  /**
   * The store has just decided that an incarnation is not dead, although a poll had said so: it lost that write (A2). What it
   * says now counts, and the incarnation is watched like any other. (A poll that says so is not enough: it may be stale.)
   */
  reconsider(incarnation: Incarnation): void {
    if (!this.#dead.delete(incarnation)) return;
    this.#members.delete(incarnation);
    this.#early.ring();
  }

  /** Somebody announced a death: look now instead of at the next round. The announcement itself decides nothing. */
  look(incarnation: Incarnation): void {
    if (!this.#dead.has(incarnation)) this.#early.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#o;
    while (!this.#stopped) {
      const askedMs = clock.monotonicMs();
      await this.poll();
      if (this.#stopped) return;
      const waits = [...this.#watches.values(), ...(this.#closed ? [this.#closed] : [])];
      // A little after the end of a wait, never before it.
      const nextMs = Math.min(askedMs + timing.roundMs, nextExpiryMs(waits, timing.watchMs) + 1);
      const waitMs = Math.max(1, nextMs - clock.monotonicMs());
      if (await this.#early.wait(clock, waitMs, signal)) await this.#mayLook(nextMs, signal);
    }
  }

  // V5. Until then further announcements change nothing: the poll that follows is for all of them.
  async #mayLook(nextMs: number, signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#o;
    const waitMs = Math.min(nextMs, this.#lookedMs + timing.retryMs) - clock.monotonicMs();
    if (waitMs > 0) await new Alarm().wait(clock, waitMs, signal);
    this.#lookedMs = clock.monotonicMs();
  }

  /** Nothing is decided or announced from here any more, whatever is still under way. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads the member records anew, and does what follows from them. Never rejects because of the store. */
  poll(): Promise<void> {
    if (!this.#polling) return this.#begin();
    this.#queued ??= this.#afterThis();
    return this.#queued;
  }

  #begin(): Promise<void> {
    this.#polling = this.#pollOnce().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  async #afterThis(): Promise<void> {
    while (this.#polling) await this.#polling.catch(() => undefined);
    this.#queued = undefined;
    await this.#begin();
  }

  async #pollOnce(): Promise<void> {
    const { clock, timing, directory, host, self } = this.#o;
    const asked = clock.instant();
    const gapMs = this.#polled ? clock.elapsedMs(this.#polled.asked) : Infinity;
    let answer: MembersAnswer;
    try {
      ({ answer } = await bounded(clock, timing.roundMs, "members", directory.members()));
    } catch (error) {
      this.#polled = undefined;
      this.#watches.clear();
      this.#closed = undefined;
      this.#unavailable(error);
      return;
    }
    if (this.#stopped) return;
    this.#see(answer);
    if (answer.sentinel && answer.sentinel.storeId !== this.#o.storeId) {
      host.replaced();
      return;
    }

    const period = host.witnessPeriod();
    const unbroken =
      period !== undefined && this.#polled?.period === period && gapMs <= timing.maxPollGapMs;
    this.#polled = { asked, period };
    const nowMs = clock.monotonicMs();
    const seen = sightings(answer.members, self, this.#missing);
    this.#watches = watchesAfterPoll(this.#watches, seen, unbroken, nowMs);
    this.#closed =
      answer.sentinel && !answer.sentinel.open
        ? watchOn(this.#closed, answer.sentinel.storeId, unbroken, nowMs)
        : undefined;
    if (period === undefined) return;
    const due = expired(this.#watches, timing.watchMs, asked.monotonicMs);
    await Promise.all([
      ...due.map((suspect) => this.#markDead(suspect)),
      this.#openDirectory(answer.sentinel, asked.monotonicMs),
    ]);
  }

  #see({ members, damaged }: MembersAnswer): void {
    this.#members = new Map(members.map((member) => [member.incarnation, member]));
    for (const member of members) {
      this.#missing.delete(member.incarnation);
      if (member.state === "dead") this.#noteDeath(member, this.#accused.has(member.incarnation));
    }
    for (const { key, problem } of damaged) {
      if (this.#damaged.has(key)) continue;
      this.#damaged.add(key);
      this.#o.emit({ type: "store.damaged", key, problem });
    }
  }

  async #markDead({ incarnation, rev }: Sighting): Promise<void> {
    const { clock, timing, directory } = this.#o;
    // Whatever comes of it, this wait has ended.
    this.#watches.delete(incarnation);
    try {
      const marked = directory.markDead({ incarnation, expectedRev: rev });
      const { answer } = await bounded(clock, timing.roundMs, "marking a death", marked);
      if (this.#stopped) return;
      if (answer.ok) this.#noteDeath(answer.member, true);
      else if (answer.refusal === "conflict")
        // It renewed after all: a new wait begins with what the answer shows (W1).
        this.#watches.set(incarnation, { seen: answer.member.rev, sinceMs: clock.monotonicMs() });
    } catch (error) {
      this.#accused.add(incarnation);
      this.#unavailable(error);
    }
  }

  // R13: an absent entry cannot be trusted until somebody has watched the directory for a whole lease: whoever owned an
  // actor by an entry that was lost has stopped by then, or has said anew what it owns.
  async #openDirectory(sentinel: Sentinel | undefined, askedMs: number): Promise<void> {
    const { clock, timing, directory } = this.#o;
    if (!sentinel || !this.#closed || askedMs - this.#closed.sinceMs < timing.watchMs) return;
    this.#closed = undefined;
    const { storeId } = sentinel;
    try {
      const { answer } = await bounded(clock, timing.roundMs, "opening", directory.open(storeId));
      if (answer && !this.#stopped)
        this.#o.emit({
          type: "directory.opened",
          storeId,
          reason: "watched for a whole lease",
        });
    } catch (error) {
      this.#unavailable(error);
    }
  }

  #noteDeath(member: MemberRecord, markedHere: boolean): void {
    this.#members.set(member.incarnation, member);
    this.#accused.delete(member.incarnation);
    this.#missing.delete(member.incarnation);
    if (this.#dead.has(member.incarnation)) return;
    this.#dead.add(member.incarnation);
    this.#forgetOldest();
    this.#o.host.died(member, markedHere);
  }

  #unavailable(error: unknown): void {
    if (this.#stopped) return;
    this.#o.emit({
      type: "store.unavailable",
      store: "directory",
      error: error instanceof Error ? error.message : String(error),
    });
  }
}
