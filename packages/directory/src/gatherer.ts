// What is asked for in one turn of the event loop leaves as one batch, or as a few.
//   B1. At most `maxInFlight` batches are undecided at once (R27).
//   B2. At most `maxWaiting` items wait for their batch; one more is refused, and has provably not left (I12). A batch that is
//       never answered holds nothing up for ever: see bounded.ts.
//   B3. A batch that is worth its way leaves within the turn: the store decides it while the next is being gathered.
import type { Clock } from "@tenure/core/internal";

export interface GathererOptions {
  readonly maxBatch?: number;
  readonly leavesAt?: number;
  readonly maxInFlight?: number;
  readonly maxWaiting?: number;
}

/** An activation waits for one claim, load, save or release at a time, and a silo has at most so many activations. */
const MAX_WAITING = 1_000_000;
/** B3. Half of it costs a store more, twice as much has it wait for longer (docs/PERFORMANCE.md). */
const LEAVES_AT = 64;

export class Gatherer<T> {
  readonly maxWaiting: number;
  readonly #clock: Clock;
  readonly #send: (batch: readonly T[]) => Promise<void>;
  readonly #maxBatch: number;
  readonly #leavesAt: number;
  readonly #maxInFlight: number;
  #waiting: T[] = [];
  #inFlight = 0;
  #scheduled = false;

  /** `send` resolves when all of its batch has been told; it rejects never. */
  constructor(
    clock: Clock,
    send: (batch: readonly T[]) => Promise<void>,
    options: GathererOptions = {},
  ) {
    this.#clock = clock;
    this.#send = send;
    this.#maxBatch = options.maxBatch ?? 256;
    this.#leavesAt = options.leavesAt ?? LEAVES_AT;
    this.#maxInFlight = options.maxInFlight ?? 8;
    this.maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  /** False when it is refused (B2). */
  add(item: T): boolean {
    if (this.#waiting.length >= this.maxWaiting) return false;
    this.#waiting.push(item);
    if (this.#waiting.length < this.#leavesAt) this.#schedule();
    else this.#flush(); // B3
    return true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#inFlight >= this.#maxInFlight)
      return;
    this.#scheduled = true;
    this.#clock.afterTurn(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#maxInFlight) {
      this.#inFlight += 1;
      void this.#send(this.#waiting.splice(0, this.#maxBatch)).then(() => {
        this.#inFlight -= 1;
        this.#schedule();
      });
    }
  }
}
