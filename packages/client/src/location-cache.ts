// Where actors were last seen: hints that make calls go straight, and never decide anything (§8).
//   L1. Bounded: what has neither been learnt nor asked for lately makes room (I12). Two halves, and no order: to look for the oldest
//       key of a `Map` takes the longer the more have been deleted before it, up to 30 µs for each new one here.
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
  readonly #half: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Learnt or asked for since it was begun. When it is full it becomes the older one, and what that had is forgotten. */
  #newer = new Map<string, Location>();
  #older = new Map<string, Location>();
  /** When we heard of each death. */
  readonly #dead = new Map<Incarnation, number>();

  constructor(clock: Pick<Clock, "monotonicMs">, capacity = 100_000) {
    this.#clock = clock;
    this.#half = Math.ceil(capacity / 2);
  }

  get(actorKey: string): Location | undefined {
    const location = this.#newer.get(actorKey);
    return location || this.#older.size === 0 ? location : this.#takeOver(actorKey);
  }

  /** False when nobody can be there (L3). */
  set(actorKey: string, location: Location): boolean {
    const diedMs = this.#dead.get(location.silo);
    if (diedMs !== undefined && this.#clock.monotonicMs() - diedMs < DEAD_MS) return false;
    const known = this.get(actorKey);
    if (known && known.generation > location.generation) return true;
    this.#keep(actorKey, location);
    return true;
  }

  #takeOver(actorKey: string): Location | undefined {
    const location = this.#older.get(actorKey);
    if (location) {
      this.#older.delete(actorKey);
      this.#keep(actorKey, location);
    }
    return location;
  }

  #keep(actorKey: string, location: Location): void {
    if (this.#newer.size >= this.#half && !this.#newer.has(actorKey)) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(actorKey, location);
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
    for (const half of [this.#newer, this.#older])
      if (silo === undefined || half.get(actorKey)?.silo === silo) half.delete(actorKey);
  }

  forgetSilo(silo: Incarnation): void {
    for (const half of [this.#newer, this.#older])
      for (const [key, location] of half) if (location.silo === silo) half.delete(key);
  }

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }
}
