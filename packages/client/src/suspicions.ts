// Asking after silos that do not answer. Whoever marks a silo dead announces it, and callers fail what they have there at
// once; but an announcement may be lost, as any message, and a machine that is gone may swallow what is still sent to it.
//   U1. While a call waits at a silo for longer than SUSPECT_MS, some serving silo is asked whether that one is dead: once
//       per SUSPECT_MS and silo, however many calls wait (I12).
//   U2. Only a silo that has read it in the directory says so. No answer, or none that says dead, proves nothing: a method
//       may take as long as it likes.
// (A silo's own calls need no such question: it reads the member records itself.)
import type { Clock, Incarnation, Timer } from "@tenure/core/internal";

export const SUSPECT_MS = 750;
const LOOK_EVERY_MS = 250;

export interface SuspicionHost {
  /** Where calls have waited since before this time, on the monotonic clock. */
  waitingSince(beforeMs: number): Iterable<Incarnation>;
  /** Asks some serving silo. */
  ask(silo: Incarnation): void;
}

export class Suspicions {
  readonly #clock: Clock;
  readonly #host: SuspicionHost;
  /** When each silo that calls wait at was last asked after. */
  #asked = new Map<Incarnation, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, host: SuspicionHost) {
    this.#clock = clock;
    this.#host = host;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => {
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    const asked = new Map<Incarnation, number>();
    for (const silo of this.#host.waitingSince(nowMs - SUSPECT_MS)) {
      const lastMs = this.#asked.get(silo) ?? -Infinity;
      const again = nowMs - lastMs >= SUSPECT_MS;
      if (again) this.#host.ask(silo);
      asked.set(silo, again ? nowMs : lastMs);
    }
    // Whoever nobody waits at any more is forgotten.
    this.#asked = asked;
  }
}
