// One machine's clocks over the true time of a virtual clock: they run fast or slow, the machine sleeps, its event loop is
// blocked, somebody sets its wall clock.
//   DC1. Asleep, the monotonic clock stands still and so do timers; boot time and wall time go on.
//   DC2. Blocked, all clocks go on; timers that are due fire when it is over.
import type { Clock, Instant, Timer } from "@tenure/core/internal";

export class DriftingClock implements Clock {
  readonly #truth: Clock;
  readonly #rate: number;
  #sleptMs = 0;
  #wallOffMs = 0;
  /** True time until which nothing runs here. */
  #stillUntilMs = 0;

  constructor(truth: Clock, rate = 1) {
    this.#truth = truth;
    this.#rate = rate;
  }

  /** Whether code of this machine can run now. */
  get runs(): boolean {
    return this.#truth.monotonicMs() >= this.#stillUntilMs;
  }

  wallMs(): number {
    return this.#truth.wallMs() + this.#wallOffMs;
  }

  monotonicMs(): number {
    return this.#bootMs() - this.#sleptMs;
  }

  instant(): Instant {
    return { monotonicMs: this.monotonicMs(), bootMs: this.#bootMs() };
  }

  elapsedMs(start: Instant): number {
    return Math.max(this.monotonicMs() - start.monotonicMs, this.#bootMs() - start.bootMs);
  }

  after(ms: number, fn: () => void): Timer {
    const atMs = this.monotonicMs() + Math.max(0, ms);
    let armed: Timer;
    const arm = (): void => {
      const dueMs = Math.max(0, (atMs - this.monotonicMs()) / this.#rate);
      armed = this.#truth.after(Math.max(dueMs, this.#stillMs()), fire);
    };
    const fire = (): void => {
      if (!this.runs || this.monotonicMs() < atMs - 1e-6) arm();
      else fn();
    };
    arm();
    return { cancel: () => armed.cancel() };
  }

  afterTurn(fn: () => void): void {
    this.#truth.afterTurn(fn);
  }

  /** The machine is suspended for that long. Time in which nothing ran here anyway is not slept twice. */
  sleep(trueMs: number): void {
    const stillMs = this.#stillMs();
    this.block(trueMs);
    this.#sleptMs += (this.#stillMs() - stillMs) * this.#rate;
  }

  /** The event loop does nothing for that long. */
  block(trueMs: number): void {
    this.#stillUntilMs = Math.max(this.#stillUntilMs, this.#truth.monotonicMs() + trueMs);
  }

  /** Somebody sets the wall clock. */
  jumpWall(ms: number): void {
    this.#wallOffMs += ms;
  }

  #stillMs(): number {
    return Math.max(0, this.#stillUntilMs - this.#truth.monotonicMs());
  }

  #bootMs(): number {
    return this.#truth.monotonicMs() * this.#rate;
  }
}
