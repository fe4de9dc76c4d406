// Where actors were last seen: hints that make calls go straight, and never decide anything (§8).
//   L1. Bounded: the oldest entries make room (I12).
//   L2. Evidence only moves forward: an older generation never replaces a newer one.
//   L3. Where a silo has just died nobody is: whoever still says so has not heard of it. For a moment only; a store that forgot
//       a death may bring the silo back.
import type { Clock, Incarnation } from "@tenure/core/internal";

/** Longer than the news of a death takes to all silos. */
const DEAD_MS = 1_000;
const MAX_DEAD = 100;

export interface Location {
  readonly silo: Incarnation;
  readonly generation: number;
}

export class LocationCache {
  readonly #capacity: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #byActor = new Map<string, Location>();
  /** When we heard of each death. */
  readonly #dead = new Map<Incarnation, number>();

  constructor(clock: Pick<Clock, "monotonicMs">, capacity = 100_000) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get(actorKey: string): Location | undefined {
    return this.#byActor.get(actorKey);
  }

  /** False when nobody can be there (L3). */
  set(actorKey: string, location: Location): boolean {
    const diedMs = this.#dead.get(location.silo);
    if (diedMs !== undefined && this.#clock.monotonicMs() - diedMs < DEAD_MS) return false;
    const known = this.#byActor.get(actorKey);
    if (known && known.generation > location.generation) return true;
    if (!known && this.#byActor.size >= this.#capacity) {
      const oldest = this.#byActor.keys().next();
      if (!oldest.done) this.#byActor.delete(oldest.value);
    }
    this.#byActor.set(actorKey, location);
    return true;
  }

  /** The silo is dead, and whatever was there is not. */
  died(silo: Incarnation): void {
    this.forgetSilo(silo);
    this.#dead.delete(silo);
    const oldest = this.#dead.keys().next();
    if (this.#dead.size >= MAX_DEAD && !oldest.done) this.#dead.delete(oldest.value);
    this.#dead.set(silo, this.#clock.monotonicMs());
  }

  /** Forgets where the actor is, if that is still believed to be `silo`. */
  forget(actorKey: string, silo: Incarnation | undefined): void {
    if (silo === undefined || this.#byActor.get(actorKey)?.silo === silo)
      this.#byActor.delete(actorKey);
  }

  forgetSilo(silo: Incarnation): void {
    for (const [key, location] of this.#byActor)
      if (location.silo === silo) this.#byActor.delete(key);
  }

  clear(): void {
    this.#byActor.clear();
  }
}
