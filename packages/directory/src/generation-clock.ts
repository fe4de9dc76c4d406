// The generation clock: what a silo adds to the numbers that order an actor's claims (Joshi, Generation Clock; hybrid with
// the wall clock as in Kulkarni et al., Logical Physical Clocks, 2014).
//   G1. A claim's floor is never below a generation that this silo was granted or told of, in any of its incarnations.
//   G2. Nor below its wall clock. So a directory that lost its newest writes, was lost whole or restored from a backup does
//       not grant again what was granted longer ago than the silos' wall clocks differ: nobody remembers it but time.
//   G3. It decides nothing. A wall clock that is wrong makes the numbers jump, and costs no more; the token decides (R1).
import type { Clock } from "@tenure/core/internal";

/** Generations count milliseconds from here, at the least: 2026-01-01T00:00:00Z. It keeps them short for people. */
export const GENERATION_EPOCH_MS = 1_767_225_600_000;

export class GenerationClock {
  readonly #clock: Pick<Clock, "wallMs">;
  #highest = 0;

  constructor(clock: Pick<Clock, "wallMs">) {
    this.#clock = clock;
  }

  /** A generation that was granted to this silo, or that a store named (G1). */
  saw(generation: number): void {
    this.#highest = Math.max(this.#highest, generation);
  }

  /** What the next claim must be above. */
  floor(): number {
    return Math.max(this.#highest, Math.floor(this.#clock.wallMs()) - GENERATION_EPOCH_MS);
  }
}
