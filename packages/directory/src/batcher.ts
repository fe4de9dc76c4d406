// Operations of one event-loop turn go to the store as one batch, or as a few.
//   B1. At most `maxInFlight` batches are undecided at once (R27).
//   B2. At most `maxWaiting` operations wait for their batch; one more is refused as if the store had not answered, and
//       has provably not left (I12). A batch that is never answered holds nothing up for ever: see bounded.ts.
//   B3. A batch that is worth its way leaves within the turn: the store decides it while the next is being gathered.
import { assert, type Clock, StoreUnavailableError } from "@tenure/core/internal";

export interface BatcherOptions {
  readonly maxBatch?: number;
  readonly leavesAt?: number;
  readonly maxInFlight?: number;
  readonly maxWaiting?: number;
}

/** An activation waits for one claim, load, save or release at a time, and a silo has at most so many activations. */
const MAX_WAITING = 1_000_000;

/** B3. Half of it costs a store more, twice as much has it wait for longer (docs/PERFORMANCE.md). */
const LEAVES_AT = 64;

interface Asked<Q, A> {
  readonly request: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher<Q, A> {
  readonly #clock: Clock;
  readonly #run: (batch: readonly Q[]) => Promise<readonly A[]>;
  readonly #maxBatch: number;
  readonly #leavesAt: number;
  readonly #maxInFlight: number;
  readonly #maxWaiting: number;
  #waiting: Asked<Q, A>[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(
    clock: Clock,
    run: (batch: readonly Q[]) => Promise<readonly A[]>,
    options: BatcherOptions = {},
  ) {
    this.#clock = clock;
    this.#run = run;
    this.#maxBatch = options.maxBatch ?? 256;
    this.#leavesAt = options.leavesAt ?? LEAVES_AT;
    this.#maxInFlight = options.maxInFlight ?? 8;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  ask(request: Q): Promise<A> {
    if (this.#waiting.length >= this.#maxWaiting)
      return Promise.reject(
        new StoreUnavailableError(`${this.#maxWaiting} operations wait for the store`),
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (this.#waiting.length < this.#leavesAt) this.#schedule();
      else this.#flush(); // B3
    });
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
    while (this.#waiting.length > 0 && this.#inFlight < this.#maxInFlight)
      void this.#send(this.#waiting.splice(0, this.#maxBatch));
  }

  async #send(batch: readonly Asked<Q, A>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      const answers = await this.#run(batch.map((asked) => asked.request));
      assert(answers.length === batch.length, "a store answers each request of a batch (D4)");
      for (const [i, asked] of batch.entries()) asked.resolve(answers[i]!);
    } catch (error) {
      for (const asked of batch) asked.reject(error);
    } finally {
      this.#inFlight -= 1;
      this.#schedule();
    }
  }
}
