// The storage port as activations use it: requests of one turn of all actors travel as one batch, and none hangs.
import { Batcher, bounded, Gatherer } from "@tenure/directory/internal";
import {
  assert,
  type Clock,
  type LoadAnswer,
  type LoadRequest,
  type PartsRequest,
  type SaveAnswer,
  type SaveRequest,
  type Storage,
} from "@tenure/core/internal";

/** A save, and who is told what becomes of it. (No promise: every write would make several.) */
export interface AskedSave {
  readonly request: SaveRequest;
  /** Whenever an answer comes, also after `unanswered`: it is definitive all the same (R7). */
  answered(answer: SaveAnswer): void;
  /** No answer came in time, or it was never sent. */
  unanswered(): void;
}

export class RowStore {
  readonly #loads: Batcher<LoadRequest, LoadAnswer>;
  readonly #saves: Gatherer<AskedSave>;
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
    this.#saves = new Gatherer(clock, (batch) => this.#saveAll(batch));
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

  save(asked: AskedSave): void {
    if (!this.#saves.add(asked)) asked.unanswered();
  }

  parts(request: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>> {
    return bounded(this.#clock, this.#operationMs, "parts", this.#storage.parts(request));
  }

  async #saveAll(batch: readonly AskedSave[]): Promise<void> {
    try {
      await bounded(this.#clock, this.#operationMs, "save", this.#answerAll(batch));
    } catch {
      for (const asked of batch) asked.unanswered();
    }
  }

  async #answerAll(batch: readonly AskedSave[]): Promise<void> {
    const { answer } = await this.#storage.save(batch.map((asked) => asked.request));
    assert(answer.length === batch.length, "a store answers each request of a batch (D4)");
    for (let i = 0; i < batch.length; i++) batch[i]!.answered(answer[i]!);
  }
}
