// Deadlines of many calls with one timer: calls rarely expire, so what matters is that adding and removing cost nothing.
//   E1. An item expires at most SWEEP_MS after its deadline, and never before.
import type { Clock, Timer } from "@tenure/core/internal";

const SWEEP_MS = 4;

export class Deadlines<T extends { readonly deadlineMs: number }> {
  readonly #clock: Clock;
  readonly #expired: (item: T) => void;
  readonly #items = new Set<T>();
  #timer: Timer | undefined;
  #wakeMs = Infinity;

  constructor(clock: Clock, expired: (item: T) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  get size(): number {
    return this.#items.size;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }

  add(item: T): void {
    this.#items.add(item);
    if (item.deadlineMs < this.#wakeMs) this.#wakeAt(item.deadlineMs);
  }

  delete(item: T): boolean {
    return this.#items.delete(item);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wakeMs = Infinity;
  }

  #wakeAt(deadlineMs: number): void {
    this.#timer?.cancel();
    this.#wakeMs = deadlineMs;
    this.#timer = this.#clock.after(
      Math.max(0, deadlineMs - this.#clock.monotonicMs()) + SWEEP_MS,
      () => this.#sweep(),
    );
  }

  #sweep(): void {
    this.#timer = undefined;
    this.#wakeMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Infinity;
    for (const item of this.#items) {
      if (item.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, item.deadlineMs);
        continue;
      }
      this.#items.delete(item);
      this.#expired(item);
    }
    if (nextMs < this.#wakeMs) this.#wakeAt(nextMs);
  }
}
