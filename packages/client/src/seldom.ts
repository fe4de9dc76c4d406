// For what may happen at every call and is worth an event: at most one each `everyMs`.
import type { Clock } from "@tenure/core/internal";

export class Seldom {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #nextMs = -Infinity;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Whether this time is one of them. */
  now(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#everyMs;
    return true;
  }
}
