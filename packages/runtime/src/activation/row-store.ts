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

export class RowStore {
  readonly #loads: Batcher<LoadRequest, LoadAnswer>;
  readonly #saves: Batcher<SaveRequest, SaveAnswer>;
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
    this.#saves = new Batcher(
      clock,
      async (batch) => (await bounded(clock, operationMs, "save", storage.save(batch))).answer,
    );
  }

  load(request: LoadRequest): Promise<LoadAnswer> {
    return this.#loads.ask(request);
  }

  save(request: SaveRequest): Promise<SaveAnswer> {
    return this.#saves.ask(request);
  }

  parts(request: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>> {
    return bounded(this.#clock, this.#operationMs, "parts", this.#storage.parts(request));
  }
}
