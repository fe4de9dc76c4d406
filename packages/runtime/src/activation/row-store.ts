// The storage port as activations use it: requests of one turn of all actors travel as one batch, and none hangs.
import { Batcher, bounded } from "@tenure/directory/internal";
import type {
  Clock,
  LoadAnswer,
  LoadRequest,
  PartsRequest,
  SaveAnswer,
  SaveRequest,
  Storage,
} from "@tenure/core/internal";

interface AskedSave {
  readonly request: SaveRequest;
  late(answer: SaveAnswer): void;
}

export class RowStore {
  readonly #loads: Batcher<LoadRequest, LoadAnswer>;
  readonly #saves: Batcher<AskedSave, SaveAnswer>;
  readonly #verifications: Batcher<LoadRequest, boolean>;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #operationMs: number;

  constructor(storage: Storage, clock: Clock, operationMs: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#operationMs = operationMs;
    this.#loads = new Batcher(
      clock,
      async (batch) => (await bounded(clock, operationMs, "load", storage.load(batch))).answer,
    );
    this.#saves = new Batcher(clock, (batch) => {
      const answers = storage
        .save(batch.map((asked) => asked.request))
        .then(({ answer }) => answer);
      answers.then(
        (all) => all.forEach((answer, i) => batch[i]?.late(answer)),
        () => undefined,
      );
      return bounded(clock, operationMs, "save", answers);
    });
    this.#verifications = new Batcher(clock, async (batch) => {
      // A claim that many reads ask about is asked about once: all of them had ended before this is sent.
      const claims = new Map(batch.map((request) => [request.token, request]));
      const asked = storage.verify([...claims.values()]).then(({ answer }) => answer);
      const answers = await bounded(clock, operationMs, "verify", asked);
      const held = new Map([...claims.keys()].map((token, i) => [token, answers[i] === true]));
      return batch.map(({ token }) => held.get(token) === true);
    });
  }

  /** Whether the row still holds the claim, at some moment after this was asked. Rejects when no answer came in time. */
  verify(request: LoadRequest): Promise<boolean> {
    return this.#verifications.ask(request);
  }

  load(request: LoadRequest): Promise<LoadAnswer> {
    return this.#loads.ask(request);
  }

  /** Rejects when no answer came in time. `late` is told the answer whenever it comes: it is definitive all the same (R7). */
  save(request: SaveRequest, late: (answer: SaveAnswer) => void): Promise<SaveAnswer> {
    return this.#saves.ask({ request, late });
  }

  parts(request: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>> {
    return bounded(this.#clock, this.#operationMs, "parts", this.#storage.parts(request));
  }
}
