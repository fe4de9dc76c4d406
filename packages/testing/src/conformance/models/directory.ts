// The model suite of the directory port: generated sequences of operations, against the store and against a model.
//   DM1. Every operation is answered as ownership-rules decides, whichever session is asked: batches item by item, requests
//        that come again, and requests that come late.
//   DM2. What is read back is what these decisions left, also after every session was closed and the store opened again.
//   DM3. The sequence never goes back, and moves with every change.
//   DM4. Over every step the protocol's invariants hold (O1 to O3, O6), also where store and rules agree.
// That all answers occur is a promise of suite.ts (MS1).
import { ownershipRules } from "@tenure/core/internal";
import { Bench, type ConformanceOptions } from "../suite.ts";
import { directoryCommand, REFUSED_TWICE } from "./directory-commands.ts";
import {
  DirectoryPlay,
  type DirectoryTraits,
  type OpenedModelDirectory,
} from "./directory-play.ts";
import { DEFAULT_RUNS, type ModelReport, type PlayOptions, runModel } from "./run.ts";
import { type ModelConformanceOptions, modelSuite, wantedList } from "./suite.ts";

export type { DirectoryState } from "./directory-model.ts";
export type { DirectoryTraits, OpenedModelDirectory } from "./directory-play.ts";
export type DirectoryModelOptions = ModelConformanceOptions<OpenedModelDirectory> & DirectoryTraits;

export const DIRECTORY_WANTED: readonly string[] = wantedList(`
  register: ok dead name-taken protocol
  renew: ok absent dead conflict
  markDead: ok absent conflict
  sweep: ok absent not-dead
  swept: resent asked
  open: true false
  claim: ok resent owned owner-absent changed token-used claimant-not-alive closed
  release: ok not-owner
  owner: displaced
  history: full
  refused: twice
  batch: mixed
  again: sent
  store: reopened`);

/**
 * Declares the tests of a directory against its model, in the calling test file. A failure names its seed; TENURE_SEED
 * runs it again.
 * @example directoryModelConformance({ name: "memory", startsOpen: true, open: async () => ({ provider: memoryDirectory(), dispose: async () => {} }) })
 */
export function directoryModelConformance(options: DirectoryModelOptions): void {
  modelSuite(
    {
      port: "directory",
      title: "answers and keeps what the rules decide, whatever is asked (DM1, DM2, DM3, DM4)",
      wanted: DIRECTORY_WANTED,
      play: (seed) => playDirectory(options, { seed, shrink: true }),
    },
    options,
  );
}

export async function playDirectory(
  options: Pick<ConformanceOptions<OpenedModelDirectory>, "open"> &
    Pick<DirectoryModelOptions, "runs"> &
    DirectoryTraits,
  { seed, shrink, rules = ownershipRules }: PlayOptions,
): Promise<ModelReport> {
  const store = await options.open();
  try {
    return await runModel({
      command: directoryCommand,
      examples: [REFUSED_TWICE],
      runs: options.runs ?? DEFAULT_RUNS,
      seed,
      shrink,
      start: (note) =>
        DirectoryPlay.start({ bench: new Bench(store), traits: options, rules, note }),
    });
  } finally {
    await store.dispose();
  }
}
