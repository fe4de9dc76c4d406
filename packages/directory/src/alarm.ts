// A loop's wait that can be cut short.
//   A1. A ring is never lost: rung while nobody waits, it ends the next wait at once.
//   A2. One waits at a time: the loop that owns it.
//   A3. It keeps the process alive, as a listening server does: a silo runs until it is stopped.
import type { Clock } from "@tenure/core/internal";

export class Alarm {
  #rung = false;
  #cut: (() => void) | undefined;

  ring(): void {
    if (this.#cut) this.#cut();
    else this.#rung = true;
  }

  /** True when it was rung, false when `ms` have passed; rejects when `signal` aborts. */
  wait(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#rung) {
      this.#rung = false;
      return Promise.resolve(true);
    }
    // Not AbortSignal.any(): in Node 20 each use leaves something behind on a signal that lives as long as the silo.
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        this.#cut = undefined;
        timer.cancel();
        signal.removeEventListener("abort", abort);
        act();
      };
      const abort = (): void => end(() => reject(signal.reason as Error));
      const timer = clock.after(ms, () => end(() => resolve(false)), { keepAlive: true });
      this.#cut = () => end(() => resolve(true));
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}
