// The output gate of one activation: replies and calls leave through it, and nothing else does (R17).
//   G1. Nothing passes before what it may show is durable (I9).
//   G2. Nothing passes while the lease does not hold (R6); after each wait it is asked again.
//   G3. Nothing passes after the activation has been lost (R25).
import type { LeaseKeeper } from "@tenure/directory/internal";
import type { CommitRefused } from "./commit-pipeline.ts";

interface Losable {
  readonly loss: CommitRefused | undefined;
}

export class OutputGate {
  readonly #lease: Pick<LeaseKeeper, "holds" | "whenHeld">;
  readonly #activation: Losable;

  constructor(lease: Pick<LeaseKeeper, "holds" | "whenHeld">, activation: Losable) {
    this.#lease = lease;
    this.#activation = activation;
  }

  /** Whether something that waits for no commit may pass now, which is `nowMs` on the monotonic clock. */
  open(nowMs?: number): boolean {
    return this.#activation.loss === undefined && this.#lease.holds(nowMs);
  }

  /** Resolves when something that waits for `durable` may leave; rejects with the reason when it never may. */
  async pass(durable: Promise<void> | undefined): Promise<void> {
    await durable;
    for (let held = this.#lease.whenHeld(); held; held = this.#lease.whenHeld()) await held;
    const { loss } = this.#activation;
    if (loss) throw loss;
  }
}
