// The model suite of the storage port: generated sequences of operations, against the store and against a model.
//   SM1. Every operation is answered as ownership-rules decides, whichever session is asked: batches item by item, requests
//        that come again, and requests that come late.
//   SM2. What is read back is what these decisions left: rows, parts (those under `k/` by their headers), the due index;
//        also after every session was closed and the store opened again. A row of a newer format is left as it is.
//   SM3. The sequence never goes back, and moves with every change.
//   SM4. Over every step the protocol's invariants hold (O4 to O6), also where store and rules agree.
// That all answers occur is a promise of suite.ts (MS1).
import { ownershipRules } from "@tenure/core/internal";
import { Bench, type ConformanceOptions } from "../suite.ts";
import { DEFAULT_RUNS, type ModelReport, type PlayOptions, runModel } from "./run.ts";
import { storageCommand } from "./storage-commands.ts";
import { type OpenedModelStorage, StoragePlay } from "./storage-play.ts";
import { type ModelConformanceOptions, modelSuite, wantedList } from "./suite.ts";

export type { StorageState } from "./storage-model.ts";
export type { OpenedModelStorage } from "./storage-play.ts";
export type StorageModelOptions = ModelConformanceOptions<OpenedModelStorage>;

export const STORAGE_WANTED: readonly string[] = wantedList(`
  load: ok resent fenced newer-format
  save: ok resent fenced conflict rowless
  verify: true false
  row: created cleared
  fence: raised
  part: deleted replaced
  header: only
  due: found several moved withdrawn
  batch: mixed
  again: sent
  store: reopened`);

/**
 * Declares the tests of a storage against its model, in the calling test file. A failure names its seed; TENURE_SEED runs
 * it again.
 * @example storageModelConformance({ name: "memory", open: async () => ({ provider: memoryStorage(), dispose: async () => {} }) })
 */
export function storageModelConformance(options: StorageModelOptions): void {
  modelSuite(
    {
      port: "storage",
      title: "answers and keeps what the rules decide, whatever is asked (SM1, SM2, SM3, SM4)",
      wanted: STORAGE_WANTED,
      play: (seed) => playStorage(options, { seed, shrink: true }),
    },
    options,
  );
}

export async function playStorage(
  options: Pick<ConformanceOptions<OpenedModelStorage>, "open"> & Pick<StorageModelOptions, "runs">,
  { seed, shrink, rules = ownershipRules }: PlayOptions,
): Promise<ModelReport> {
  const store = await options.open();
  try {
    return await runModel({
      command: storageCommand,
      examples: [],
      runs: options.runs ?? DEFAULT_RUNS,
      seed,
      shrink,
      start: (note) => StoragePlay.start({ bench: new Bench(store), rules, note }),
    });
  } finally {
    await store.dispose();
  }
}
