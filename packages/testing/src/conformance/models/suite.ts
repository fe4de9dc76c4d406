// Declares a model suite: one test that plays all sequences, and one for each thing that some sequence has to meet.
//   MS1. Whatever the rules can answer occurs in some sequence: a comparison of requests that are all refused alike would
//        prove little.
//   MS2. What a store cannot reach is skipped with a reason, which is shown. A skip of what the suite does not know, or of
//        what occurred after all, fails.
import { describe, expect, test } from "vitest";
import type { ConformanceOptions, OpenedStore } from "../suite.ts";
import { type ModelReport, seedOfRun } from "./run.ts";

export interface ModelConformanceOptions<
  Opened extends OpenedStore<unknown>,
> extends ConformanceOptions<Opened> {
  /** How many sequences. Each is played on a cluster of its own, in one store. @default 200 */
  readonly runs?: number;
}

export interface ModelSuite {
  readonly port: string;
  /** The title of the test that plays. */
  readonly title: string;
  /** What some sequence has to meet, as the plays note it. */
  readonly wanted: readonly string[];
  readonly play: (seed: number) => Promise<ModelReport>;
}

/** Some hundred sequences against a server, on a machine that is busy with other things: it only has to end some time. */
const TIMEOUT_MS = 400_000;

export function modelSuite<Opened extends OpenedStore<unknown>>(
  suite: ModelSuite,
  options: ModelConformanceOptions<Opened>,
): void {
  const skips = new Map(options.skip?.map(({ rule, reason }) => [rule, reason]));
  describe(`${suite.port} model: ${options.name}`, { timeout: TIMEOUT_MS }, () => {
    // Played once, by whichever test comes first: each can be run by itself.
    let played: Promise<ModelReport> | undefined;
    const report = (): Promise<ModelReport> => (played ??= suite.play(seedOfRun()));

    test(`${suite.title}`, async () => {
      const { failure, passed } = await report();
      if (failure) throw failure;
      expect(passed).toBeGreaterThan(0);
    });

    for (const what of suite.wanted) {
      const reason = skips.has(what) ? `; skipped: ${skips.get(what)}` : "";
      test.skipIf(skips.has(what))(
        `some sequence meets "${what}" (MS1)${reason}`,
        async (context) => {
          const { failure, met } = await report();
          context.skip(failure !== undefined, "the sequences were not played to their end");
          expect(met.get(what) ?? 0).toBeGreaterThan(0);
        },
      );
    }

    test("what is skipped is known to this suite and did not occur (MS2)", async () => {
      const { met } = await report();
      const wrong = [...skips.keys()].filter(
        (what) => !suite.wanted.includes(what) || met.has(what),
      );
      expect(wrong).toEqual([]);
    });
  });
}

/** `what: a b` for each line, as `what a` and `what b`. */
export function wantedList(lines: string): string[] {
  return lines
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [what, outcomes] = line.trim().split(": ");
      return outcomes!.split(" ").map((outcome) => `${what} ${outcome}`);
    });
}
