// Nobody has to wait for the lease of a silo that says itself that it is gone. If the store does not answer, they do.
import type { Clock, Directory, Incarnation } from "@tenure/core/internal";
import { bounded, type LeaseTiming } from "@tenure/directory/internal";

const GOODBYE_TRIES = 3;

/** Marks the own record dead. True when it is. `rev` is the newest that the silo knows of. */
export async function sayGoodbye(
  incarnation: Incarnation,
  rev: number,
  directory: Directory,
  clock: Clock,
  timing: LeaseTiming,
): Promise<boolean> {
  let expectedRev = rev;
  for (let tries = 0; tries < GOODBYE_TRIES; tries++) {
    try {
      const goodbye = directory.markDead({ incarnation, expectedRev });
      const { answer } = await bounded(clock, timing.roundMs, "goodbye", goodbye);
      if (answer.ok) return true;
      if (answer.refusal === "absent") return false;
      // A renewal that was still on its way moved the rev.
      expectedRev = answer.member.rev;
    } catch {
      return false;
    }
  }
  return false;
}
