// Questions that a store answers in batches (gatherer.ts): each gets its own answer.
import { assert, type Clock, StoreUnavailableError } from "@tenure/core/internal";
import { Gatherer, type GathererOptions } from "./gatherer.ts";

interface Asked<Q, A> {
  readonly request: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher<Q, A> {
  readonly #run: (batch: readonly Q[]) => Promise<readonly A[]>;
  readonly #asked: Gatherer<Asked<Q, A>>;

  constructor(
    clock: Clock,
    run: (batch: readonly Q[]) => Promise<readonly A[]>,
    options: GathererOptions = {},
  ) {
    this.#run = run;
    this.#asked = new Gatherer(clock, (batch) => this.#send(batch), options);
  }

  /** Rejects when the store gave no answer, or so many wait already that it was not asked. */
  ask(request: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      if (!this.#asked.add({ request, resolve, reject }))
        reject(
          new StoreUnavailableError(`${this.#asked.maxWaiting} operations wait for the store`),
        );
    });
  }

  async #send(batch: readonly Asked<Q, A>[]): Promise<void> {
    try {
      const answers = await this.#run(batch.map((asked) => asked.request));
      assert(answers.length === batch.length, "a store answers each request of a batch (D4)");
      for (const [i, asked] of batch.entries()) asked.resolve(answers[i]!);
    } catch (error) {
      for (const asked of batch) asked.reject(error);
    }
  }
}
