// Which actors are hot: those whose callers wait longest, by queue length × service time.
//   H1. Told at most once in REPORT_MS, the worst first, at most MOST of them, and only of such whose callers wait HOT_MS.
//   H2. Of all that were looked at in between, each at its worst: one that is hot for a moment only is told, too.
import { type ActorAddress, type EventSink, formatActor } from "@tenure/core/internal";

const REPORT_MS = 10_000;
const HOT_MS = 500;
const MOST = 5;

export interface ActorLoad {
  readonly actor: ActorAddress;
  /** Calls that wait. */
  readonly waiting: number;
  /** How long a turn takes, as of late. */
  readonly serviceMs: number;
}

export class HotActors {
  readonly #emit: EventSink;
  readonly #worst = new Map<string, ActorLoad>();
  #reportedMs: number;

  constructor(nowMs: number, emit: EventSink) {
    this.#reportedMs = nowMs;
    this.#emit = emit;
  }

  see(load: ActorLoad): void {
    if (waitMs(load) < HOT_MS) return;
    const key = formatActor(load.actor);
    const before = this.#worst.get(key);
    if (!before || waitMs(before) < waitMs(load)) this.#worst.set(key, load);
    // No more are kept than matter (I12).
    if (this.#worst.size > 2 * MOST)
      for (const { actor } of this.#ranked().slice(MOST)) this.#worst.delete(formatActor(actor));
  }

  /** Called now and then. */
  report(nowMs: number): void {
    if (this.#worst.size === 0 || nowMs - this.#reportedMs < REPORT_MS) return;
    this.#reportedMs = nowMs;
    const actors = this.#ranked()
      .slice(0, MOST)
      .map(({ actor, waiting, serviceMs }) => ({
        actor,
        waiting,
        serviceMs: Math.round(serviceMs * 100) / 100,
      }));
    this.#worst.clear();
    this.#emit({ type: "actors.hot", actors });
  }

  #ranked(): readonly ActorLoad[] {
    return [...this.#worst.values()].toSorted((a, b) => waitMs(b) - waitMs(a));
  }
}

/** How long a call that comes now waits. */
function waitMs({ waiting, serviceMs }: ActorLoad): number {
  return waiting * serviceMs;
}
