// How a silo sees that the directory lost writes that it had acknowledged (R14). Each renewal and each claim of an
// incarnation raises the counter in its member record, and its answer says to what: its place among the incarnation's
// writes. A store that keeps what it acknowledged gives no place twice, and none below one that it acknowledged before
// the write was sent.
//   B1. A write's place is above every place that had been acknowledged when it was *sent*: answers may overtake each other.
//   B2. No place is acknowledged twice: what was written since a loss takes the places of what was lost (H41).
//   B3. A renewal that was applied without an answer has a place too: above what had been acknowledged when it was sent, not
//       above the counter of the record that shows it, and nobody else's. Where all of those are taken, it took that of a
//       write that is gone (H42).
//   B4. One loss is reported once: afterwards the record as it is now is the new measure.
import type { MemberRecord } from "@tenure/core/internal";

/** Whether a number that never goes back has gone back. */
export function wentBack(number: number, least: number): boolean {
  return number < least;
}

/** The decision as a value: a simulation can hand in a broken one. */
export interface RollbackRules {
  readonly wentBack: typeof wentBack;
}

export const rollbackRules: RollbackRules = { wentBack };

/** Far more than an incarnation ever has under way: an older place cannot be given again without B1 seeing it. */
const PLACES_KEPT = 8_192;

/** Where the place of a renewal without an answer is: above `after`, and not above `upTo`. */
interface Unplaced {
  readonly after: number;
  readonly upTo: number;
}

export class RollbackWatch {
  readonly #rules: RollbackRules;
  #acknowledged: number;
  #rev: number;
  readonly #places = new Set<number>();
  #unplaced: readonly Unplaced[] = [];

  constructor(registered: MemberRecord, rules: RollbackRules = rollbackRules) {
    this.#rules = rules;
    this.#acknowledged = registered.counter;
    this.#rev = registered.rev;
  }

  /** The highest place in an answer so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** A claim was granted, at this place. True when that proves that acknowledged writes are gone. */
  claimed(place: number, acknowledgedAtSend: number): boolean {
    return this.#took(place, acknowledgedAtSend);
  }

  /**
   * A renewal was answered with the record as it is. `applied`: by this renewal; else by an earlier one, without an answer,
   * that was sent when `acknowledgedAtSend` was acknowledged. True when the record proves that acknowledged writes are gone.
   */
  renewed(record: MemberRecord, acknowledgedAtSend: number, applied: boolean): boolean {
    const { counter, rev } = record;
    const before = this.#rev;
    this.#rev = rev;
    if (this.#rules.wentBack(rev, before)) return this.#beginAnew(counter);
    if (applied) return this.#took(counter, acknowledgedAtSend);
    const unplaced = { after: acknowledgedAtSend, upTo: counter };
    if (this.#isCrowdedOut(unplaced)) return this.#beginAnew(counter);
    // Claims whose answers are under way may take the places that are free now.
    this.#unplaced = [
      ...this.#unplaced.filter(({ upTo }) => upTo > counter - PLACES_KEPT),
      unplaced,
    ];
    this.#acknowledged = Math.max(this.#acknowledged, counter);
    return false;
  }

  #took(place: number, acknowledgedAtSend: number): boolean {
    // B1, B2. A place that was given before is one that went back below itself.
    const least = this.#places.has(place) ? place + 1 : acknowledgedAtSend + 1;
    if (this.#rules.wentBack(place, least)) return this.#beginAnew(place);
    this.#places.add(place);
    this.#places.delete(place - PLACES_KEPT);
    this.#acknowledged = Math.max(this.#acknowledged, place);
    const crowded = this.#unplaced.some(
      (unplaced) =>
        unplaced.after < place && place <= unplaced.upTo && this.#isCrowdedOut(unplaced),
    );
    return crowded && this.#beginAnew(place);
  }

  /** B3 */
  #isCrowdedOut({ after, upTo }: Unplaced): boolean {
    let highestFree = upTo;
    while (highestFree > after && this.#places.has(highestFree)) highestFree -= 1;
    return this.#rules.wentBack(highestFree, after + 1);
  }

  /** B4. */
  #beginAnew(place: number): true {
    this.#places.clear();
    this.#places.add(place);
    this.#unplaced = [];
    this.#acknowledged = place;
    return true;
  }
}
