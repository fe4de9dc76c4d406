// Deadlines of many calls with one timer: calls rarely expire, so what matters is that adding and removing cost nothing.
//   E1. An item expires at most SWEEP_MS after its deadline, and never before.
//
// The items stand in a list, and each knows its place. In a Set every call would outlive the garbage collector's young
// generation: the set makes itself a new table each few hundred items, an old table points to the next, and once one of them
// is old all that follow are kept, with whatever they held (docs/PERFORMANCE.md).
import type { Clock, Timer } from "@tenure/core/internal";

const SWEEP_MS = 4;
/** The slot of an item that is in no list. */
export const NO_SLOT = -1;

/** `slot`: its place in the list. It is the list's own. */
export interface Item {
  readonly deadlineMs: number;
  slot: number;
}

export class Deadlines<T extends Item> {
  readonly #clock: Clock;
  readonly #expired: (item: T) => void;
  readonly #items: T[] = [];
  #timer: Timer | undefined;
  #wakeMs = Infinity;

  constructor(clock: Clock, expired: (item: T) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Those that are there now, without those that are taken out meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const item of this.#items.slice()) if (item.slot !== NO_SLOT) yield item;
  }

  /** An item that is in no list. */
  add(item: T): void {
    item.slot = this.#items.length;
    this.#items.push(item);
    if (item.deadlineMs < this.#wakeMs) this.#wakeAt(item.deadlineMs);
  }

  /** False when it is not there, or not any more. */
  delete(item: T): boolean {
    const { slot } = item;
    if (slot === NO_SLOT) return false;
    const last = this.#items.pop()!;
    if (last !== item) {
      this.#items[slot] = last;
      last.slot = slot;
    }
    item.slot = NO_SLOT;
    return true;
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
    for (const item of this) {
      if (item.deadlineMs > nowMs) nextMs = Math.min(nextMs, item.deadlineMs);
      else {
        this.delete(item);
        this.#expired(item);
      }
    }
    if (nextMs < this.#wakeMs) this.#wakeAt(nextMs);
  }
}
