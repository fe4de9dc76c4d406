// Time that moves only when a test says so.
//   V1. Timers fire in the order of their times, each in a turn of its own: what one causes is done before the next fires.
//   V2. Nothing fires late: a timer sees exactly its own time.
//   V3. Work that waits for no time (messages, batches) goes on by itself between turns.
import type { Clock, Instant, Timer } from "@tenure/core/internal";
import { type Duration, durationMs } from "@tenure/core/internal";

interface Armed {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #timers = new Set<Armed>();
  readonly #startMs: number;

  /** `startMs`: the wall time at which it starts. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  wallMs(): number {
    return this.#startMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  instant(): Instant {
    return { monotonicMs: this.#nowMs, bootMs: this.#nowMs };
  }

  elapsedMs(start: Instant): number {
    return this.#nowMs - start.monotonicMs;
  }

  after(ms: number, fn: () => void): Timer {
    const timer: Armed = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, fn };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  afterTurn(fn: () => void): void {
    setImmediate(fn);
  }

  /** Moves time forward, firing every timer on the way, and resolves when what they caused has come to rest. */
  async advance(duration: Duration): Promise<void> {
    const endMs = this.#nowMs + durationMs("advance", duration);
    await this.settle();
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
      await this.settle();
    }
    this.#nowMs = endMs;
    await this.settle();
  }

  /** Moves time forward at once, as for a process that was suspended: timers fire late, all at their turn. */
  async suspend(duration: Duration): Promise<void> {
    this.#nowMs += durationMs("suspend", duration);
    for (let next = this.#next(this.#nowMs); next; next = this.#next(this.#nowMs)) {
      this.#timers.delete(next);
      next.fn();
      await this.settle();
    }
  }

  /** Lets event-loop turns pass until what is under way without any timer has had its time. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < SETTLE_TURNS; turns++)
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
  }

  #next(endMs: number): Armed | undefined {
    let next: Armed | undefined;
    for (const timer of this.#timers)
      if (
        timer.atMs <= endMs &&
        (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
      )
        next = timer;
    return next;
  }
}

/** The longest chain of batches and messages that one timer causes is far shorter than this. */
const SETTLE_TURNS = 24;
