// What the model suites share: draws sequences of commands, plays each on a fresh cluster of the store, with the model
// beside it, and reports the first sequence in which they part.
//   MR1. One seed draws the same sequences again: a failure names it, and TENURE_SEED sets it.
//   MR2. What occurred is counted, because sequences whose requests are all refused alike would prove little.
import { type OwnershipRules, systemRandom } from "@tenure/core/internal";
import fc from "fast-check";

/** One sequence on its way: both methods throw where the store is not what the model says. */
export interface Play<Command> {
  step(command: Command): Promise<void>;
  /** After the last command: reads back all that there is. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Counts an occurrence. */
export type Note = (what: string) => void;

export interface ModelRun<Command> {
  readonly command: fc.Arbitrary<Command>;
  /** Sequences for what is too rare to be drawn in time; played first. */
  readonly examples: readonly (readonly Command[])[];
  readonly runs: number;
  readonly seed: number;
  /** Whether a failing sequence is made shorter before it is reported. */
  readonly shrink: boolean;
  readonly start: (note: Note) => Promise<Play<Command>>;
}

export interface ModelReport {
  /** Why the store is not what the model says, with the sequence and the seed. */
  readonly failure: Error | undefined;
  /** How many sequences were played before the one that failed. */
  readonly passed: number;
  readonly met: ReadonlyMap<string, number>;
}

export interface PlayOptions extends Pick<ModelRun<unknown>, "seed" | "shrink"> {
  /** What the model decides by: a test hands in broken ones. */
  readonly rules?: OwnershipRules;
}

export const DEFAULT_RUNS = 200;

/** The seed of TENURE_SEED, or a new one. */
export function seedOfRun(given: string | undefined = process.env["TENURE_SEED"]): number {
  // fast-check takes 32 bits.
  if (given === undefined) return Math.floor(systemRandom().next() * 2 ** 31);
  const seed = Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`TENURE_SEED is no whole number: ${given}`);
  return seed;
}

export async function runModel<Command>(run: ModelRun<Command>): Promise<ModelReport> {
  const met = new Map<string, number>();
  const note = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1);
  // `size`: otherwise most sequences would be short.
  const sequences = fc.array(run.command, { minLength: 20, maxLength: 80, size: "max" });
  const property = fc.asyncProperty(sequences, (commands) => playAll(run, commands, note));
  const result = await fc.check(property, {
    seed: run.seed,
    numRuns: run.runs,
    endOnFailure: !run.shrink,
    examples: run.examples.map((commands) => [[...commands]]),
  });
  if (!result.failed) return { failure: undefined, passed: result.numRuns, met };
  const [commands] = result.counterexample ?? [[]];
  const cause = result.errorInstance;
  const failure = new Error(
    `${cause instanceof Error ? cause.message : String(cause)}\n\nin the sequence\n` +
      commands.map((command, i) => `  ${i}: ${fc.stringify(command)}\n`).join("") +
      `seed ${run.seed}: TENURE_SEED=${run.seed} draws the same sequences again`,
    { cause },
  );
  return { failure, passed: result.numRuns - 1, met };
}

async function playAll<Command>(
  run: ModelRun<Command>,
  commands: readonly Command[],
  note: Note,
): Promise<void> {
  const play = await run.start(note);
  let at = "at the start";
  try {
    for (const [i, command] of commands.entries()) {
      at = `at command ${i}`;
      await play.step(command);
    }
    at = "after the last command";
    await play.finish();
  } catch (error) {
    throw new Error(`${at}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await play.close();
  }
}
