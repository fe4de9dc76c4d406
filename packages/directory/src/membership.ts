// The membership view: who is in the cluster as of the newest poll, and the observer that marks the dead.
//   V1. The view is a hint for placement and routing; only the store's answers decide (R2, R3).
//   V2. Death is made durable first, by compare-and-set on the rev that was watched, and announced after (R3).
//   V3. A serving silo polls each TTL/3, and once more when a wait ends.
import {
  type Clock,
  delay,
  type Directory,
  type EventSink,
  type Incarnation,
  type Instant,
  type MemberRecord,
  type Sentinel,
} from "@tenure/core/internal";
import { bounded } from "./bounded.ts";
import type { LeaseTiming } from "./lease.ts";
import {
  expired,
  nextExpiryMs,
  type Sighting,
  sightings,
  type Watches,
  watchesAfterPoll,
} from "./observation.ts";

export interface MembershipHost {
  /** An incarnation is dead, as the store says. Called once for each. */
  died(member: MemberRecord, markedHere: boolean): void;
  /** Whether this observer may act: a paused silo's watching is broken (W2). */
  serving(): boolean;
}

export interface MembershipOptions {
  readonly self: Incarnation;
  readonly timing: LeaseTiming;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly host: MembershipHost;
  readonly emit: EventSink;
}

export class Membership {
  readonly #o: MembershipOptions;
  readonly #dead = new Set<Incarnation>();
  readonly #missing = new Set<Incarnation>();
  readonly #damaged = new Set<string>();
  #members = new Map<Incarnation, MemberRecord>();
  #watches: Watches = new Map();
  #sentinel: Sentinel | undefined;
  #closedSince: Instant | undefined;
  #lastPoll: Instant | undefined;
  #polledWhileServing = false;
  #wake: (() => void) | undefined;

  constructor(options: MembershipOptions) {
    this.#o = options;
  }

  get members(): Iterable<MemberRecord> {
    return this.#members.values();
  }

  get(incarnation: Incarnation): MemberRecord | undefined {
    return this.#members.get(incarnation);
  }

  isDead(incarnation: Incarnation): boolean {
    return this.#dead.has(incarnation);
  }

  /** Silos that take new actors, as of the newest poll. */
  alive(): readonly MemberRecord[] {
    return [...this.#members.values()].filter((member) => member.state === "alive");
  }

  /** An entry names an incarnation that has no record: watch it, then make it dead (R16). */
  suspectMissing(incarnation: Incarnation): void {
    if (this.#dead.has(incarnation)) return;
    this.#missing.add(incarnation);
  }

  /** Somebody announced a death: look now instead of at the next round. The announcement itself decides nothing. */
  look(): void {
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#o;
    while (!signal.aborted) {
      await this.poll();
      const next = nextExpiryMs(this.#watches, timing.watchMs, (since) => clock.elapsedMs(since));
      // A little after the end of the wait, never before it.
      const waitMs = Math.min(timing.roundMs, next === undefined ? Infinity : Math.max(next, 1) + 1);
      const early = new AbortController();
      this.#wake = () => early.abort();
      await delay(clock, waitMs, AbortSignal.any([signal, early.signal])).catch(() => undefined);
      this.#wake = undefined;
    }
  }

  /** One poll of the member records, and what follows from it. */
  async poll(): Promise<void> {
    const { clock, timing, directory, host, self } = this.#o;
    const asked = clock.instant();
    let answer;
    try {
      ({ answer } = await bounded(clock, timing.roundMs, "members", directory.members()));
    } catch (error) {
      this.#watches = new Map();
      this.#lastPoll = undefined;
      this.#o.emit({
        type: "store.unavailable",
        store: "directory",
        error: error instanceof Error ? error.message : String(error),
      });
      return;
    }
    this.#reportDamaged(answer.damaged);
    this.#members = new Map(answer.members.map((member) => [member.incarnation, member]));
    this.#sentinel = answer.sentinel;
    for (const member of answer.members) if (member.state === "dead") this.#noteDeath(member, false);

    const serving = host.serving();
    const unbroken =
      serving &&
      this.#polledWhileServing &&
      this.#lastPoll !== undefined &&
      clock.elapsedMs(this.#lastPoll) <= timing.maxPollGapMs;
    this.#lastPoll = asked;
    this.#polledWhileServing = serving;
    // The wait counts from when the poll was asked to when the next one is: the record was unchanged at both.
    this.#watches = watchesAfterPoll(
      this.#watches,
      sightings(answer.members, self, this.#missing),
      unbroken,
      clock.instant(),
    );
    if (!serving) return;
    const due = expired(
      this.#watches,
      timing.watchMs,
      // What was seen now was so when the poll was asked, not later.
      (since) => clock.elapsedMs(since) - clock.elapsedMs(asked),
    );
    for (const suspect of due) await this.#markDead(suspect);
    await this.#openDirectory();
  }

  async #markDead(suspect: Sighting): Promise<void> {
    const { clock, timing, directory } = this.#o;
    try {
      const { answer } = await bounded(
        clock,
        timing.roundMs,
        "marking a death",
        directory.markDead({ incarnation: suspect.incarnation, expectedRev: suspect.rev }),
      );
      if (answer.ok) this.#noteDeath(answer.member, true);
      // It renewed after all: the next poll sees its new rev and starts a new wait.
    } catch (error) {
      this.#watches = new Map();
      this.#o.emit({
        type: "store.unavailable",
        store: "directory",
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  // R13: an absent entry cannot be trusted until somebody has watched the directory for a whole TTL, so that every live
  // silo had the time to say what it owns.
  async #openDirectory(): Promise<void> {
    const { clock, timing, directory } = this.#o;
    const sentinel = this.#sentinel;
    if (!sentinel || sentinel.open) {
      this.#closedSince = undefined;
      return;
    }
    this.#closedSince ??= clock.instant();
    if (clock.elapsedMs(this.#closedSince) < timing.watchMs) return;
    const opened = await bounded(
      clock,
      timing.roundMs,
      "opening",
      directory.open(sentinel.storeId),
    ).catch(() => undefined);
    if (opened?.answer)
      this.#o.emit({
        type: "directory.opened",
        storeId: sentinel.storeId,
        reason: "watched for a whole lease",
      });
  }

  #noteDeath(member: MemberRecord, markedHere: boolean): void {
    this.#members.set(member.incarnation, member);
    if (this.#dead.has(member.incarnation)) return;
    this.#dead.add(member.incarnation);
    this.#missing.delete(member.incarnation);
    this.#o.host.died(member, markedHere);
  }

  #reportDamaged(damaged: readonly { readonly key: string; readonly problem: string }[]): void {
    for (const { key, problem } of damaged) {
      if (this.#damaged.has(key)) continue;
      this.#damaged.add(key);
      this.#o.emit({ type: "store.damaged", key, problem });
    }
  }
}
