// The clocks of a machine that violates A3: it is frozen, with all of its clocks, and goes on without any sign of it, as a
// snapshot of a virtual machine that is restored. Nothing tells it that time has passed elsewhere.
import type { Clock, Instant, Timer } from "@tenure/core/internal";

export class StoppingClock implements Clock {
  readonly #truth: Clock;
  readonly #waiting = new Set<() => void>();
  #lostMs = 0;
  #stoppedAtMs: number | undefined;

  constructor(truth: Clock) {
    this.#truth = truth;
  }

  stop(): void {
    this.#stoppedAtMs ??= this.monotonicMs();
  }

  goOn(): void {
    if (this.#stoppedAtMs === undefined) return;
    this.#lostMs = this.#truth.monotonicMs() - this.#stoppedAtMs;
    this.#stoppedAtMs = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const rearm of waiting) rearm();
  }

  wallMs(): number {
    return this.#truth.wallMs() - (this.#truth.monotonicMs() - this.monotonicMs());
  }

  monotonicMs(): number {
    return this.#stoppedAtMs ?? this.#truth.monotonicMs() - this.#lostMs;
  }

  instant(): Instant {
    return { monotonicMs: this.monotonicMs(), bootMs: this.monotonicMs() };
  }

  elapsedMs(start: Instant): number {
    return this.monotonicMs() - start.monotonicMs;
  }

  after(ms: number, fn: () => void): Timer {
    const atMs = this.monotonicMs() + Math.max(0, ms);
    let armed: Timer | undefined;
    const arm = (): void => {
      armed = this.#truth.after(atMs - this.monotonicMs(), fire);
    };
    const fire = (): void => {
      if (this.#stoppedAtMs !== undefined) this.#waiting.add(arm);
      else if (this.monotonicMs() < atMs - 1e-6) arm();
      else fn();
    };
    arm();
    return {
      cancel: () => {
        armed?.cancel();
        this.#waiting.delete(arm);
      },
    };
  }

  afterTurn(fn: () => void): void {
    this.#truth.afterTurn(fn);
  }
}
