// Where actors were last seen: hints that make calls go straight, and never decide anything (§8).
//   L1. Bounded: the oldest entries make room (I12).
//   L2. Evidence only moves forward: an older generation never replaces a newer one.
import type { Incarnation } from "@tenure/core/internal";

export interface Location {
  readonly silo: Incarnation;
  readonly generation: number;
}

export class LocationCache {
  readonly #capacity: number;
  readonly #byActor = new Map<string, Location>();

  constructor(capacity = 100_000) {
    this.#capacity = capacity;
  }

  get(actorKey: string): Location | undefined {
    return this.#byActor.get(actorKey);
  }

  set(actorKey: string, location: Location): void {
    const known = this.#byActor.get(actorKey);
    if (known && known.generation > location.generation) return;
    if (!known && this.#byActor.size >= this.#capacity) {
      const oldest = this.#byActor.keys().next();
      if (!oldest.done) this.#byActor.delete(oldest.value);
    }
    this.#byActor.set(actorKey, location);
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
