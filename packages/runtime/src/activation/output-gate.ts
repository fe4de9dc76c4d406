// The output gate of an activation: replies and calls leave through it, and nothing else does (R17).
//   G1. Nothing passes before what it may show is durable (I9).
//   G2. Nothing passes while the lease does not hold (R6); after each wait it is asked again.
//   G3. Nothing passes after the activation has been lost (R25).
import type { LeaseKeeper } from "@tenure/directory/internal";
import type { Commit, CommitRefused } from "./commit.ts";

/** An activation. The gate is no object of its own: each call of each actor would have to look for it in memory. */
export interface Gated {
  readonly lease: Pick<LeaseKeeper, "holds" | "whenHeld">;
  readonly loss: CommitRefused | undefined;
}

/** Whether something that waits for no commit may pass now, which is `nowMs` on the monotonic clock. */
export function gateOpen({ lease, loss }: Gated, nowMs?: number): boolean {
  return loss === undefined && lease.holds(nowMs);
}

/** Resolves when something that waits for `commit` may leave; rejects with the reason when it never may. */
export async function passGate(gated: Gated, commit: Commit | undefined): Promise<void> {
  await commit?.done;
  const { lease } = gated;
  for (let held = lease.whenHeld(); held; held = lease.whenHeld()) await held;
  const { loss } = gated;
  if (loss) throw loss;
}
