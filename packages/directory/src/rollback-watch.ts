// How a silo sees that the directory lost writes that it had acknowledged (R14): the counter in the silo's own member
// record, raised by each of its renewals and claims, is below what it must be.
//   B1. Compared is what had been acknowledged when the renewal was *sent*: answers of claims may overtake a renewal's.
//   B2. One loss is reported once: afterwards the record as it is now is the new measure.
import type { MemberRecord } from "@tenure/core/internal";

export class RollbackWatch {
  #acknowledged: number;
  #rev: number;

  constructor(registered: MemberRecord) {
    this.#acknowledged = registered.counter;
    this.#rev = registered.rev;
  }

  /** The highest counter in an answer so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** A claim was granted. True when the counter in its answer proves that acknowledged writes are gone. */
  claimed(counter: number, acknowledgedAtSend: number): boolean {
    return this.#compare(counter, acknowledgedAtSend);
  }

  /**
   * A renewal was answered with the record as it is; `applied`: the renewal raised it by one. True when the record
   * proves that acknowledged writes are gone.
   */
  renewed(record: MemberRecord, acknowledgedAtSend: number, applied: boolean): boolean {
    const wentBack = record.rev < this.#rev;
    this.#rev = record.rev;
    const lost = this.#compare(record.counter, acknowledgedAtSend + (applied ? 1 : 0));
    return lost || wentBack;
  }

  #compare(counter: number, least: number): boolean {
    const lost = counter < least;
    this.#acknowledged = lost ? counter : Math.max(this.#acknowledged, counter);
    return lost;
  }
}
