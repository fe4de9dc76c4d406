// Sweeping: dead members are taken off the list, so that it does not grow by one with every start of a silo (R16).
//   S1. Only the dead are swept, and only after they have been dead for SWEEP_TTLS leases by this observer's own clock: until
//       then whoever waits for news of them finds them in the list.
//   S2. One silo does it, the one with the least incarnation of those that live; if two do, it is done once all the same.
//   S3. A few in each lease: nobody waits for it (R27).
//   What they own stays as it is. To a claim the entry of a dead owner is as good as a free one, and a swept owner is found
//   dead by name (D7).
import {
  type Clock,
  delay,
  type Directory,
  type EventSink,
  type Incarnation,
  type MemberRecord,
} from "@tenure/core/internal";
import { bounded } from "./bounded.ts";
import type { LeaseTiming } from "./lease.ts";

const SWEEP_TTLS = 4;
const SWEPT_AT_ONCE = 16;

export interface SweeperOptions {
  readonly self: Incarnation;
  readonly clock: Clock;
  readonly timing: LeaseTiming;
  readonly directory: Pick<Directory, "sweep">;
  readonly emit: EventSink;
  /** The members that are listed, as of the newest poll. */
  members(): Iterable<MemberRecord>;
}

export class Sweeper {
  readonly #o: SweeperOptions;
  /** Since when each dead member was seen so. */
  #deadSince = new Map<Incarnation, number>();

  constructor(options: SweeperOptions) {
    this.#o = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#o;
    for (;;) {
      await delay(clock, timing.ttlMs, signal);
      await this.#sweepSome(signal);
    }
  }

  async #sweepSome(signal: AbortSignal): Promise<void> {
    const { self, clock, timing, directory, emit } = this.#o;
    const nowMs = clock.monotonicMs();
    const due: MemberRecord[] = [];
    const deadSince = new Map<Incarnation, number>();
    let first = self;
    for (const member of this.#o.members()) {
      const { incarnation, state } = member;
      if (state === "alive" && incarnation < first) first = incarnation;
      if (state !== "dead") continue;
      const sinceMs = this.#deadSince.get(incarnation) ?? nowMs;
      deadSince.set(incarnation, sinceMs);
      if (nowMs - sinceMs >= SWEEP_TTLS * timing.ttlMs) due.push(member);
    }
    this.#deadSince = deadSince;
    if (first !== self) return;
    for (const { incarnation, name } of due.slice(0, SWEPT_AT_ONCE)) {
      if (signal.aborted) return;
      try {
        const { answer } = await bounded(
          clock,
          timing.roundMs,
          "sweeping",
          directory.sweep({ incarnation }),
        );
        if (answer.ok) emit({ type: "member.swept", incarnation, name });
      } catch {
        // The next round comes, and it is in no hurry.
        return;
      }
    }
  }
}
