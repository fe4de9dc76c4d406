// Torture in CI's form: a few short rounds on drawn seeds, which are printed. `pnpm torture` is the long form (docs/TORTURE.md).
import { describe, expect, test } from "vitest";
import { repeat } from "./cli.ts";
import { namespacesUnavailable } from "./network-namespaces.ts";
import { failureReport, summary } from "./report.ts";
import { runRound } from "./round.ts";

// The shortest that has a fault of every length, and two at once.
const SETTINGS = { strikes: 2, ttlMs: 2_000 };
/** A round takes half a minute at most; silos that do not stop, and then a report, may take as long again. */
const TIMEOUT_MS = 150_000;
/** Histories that show nothing prove nothing. */
const FEWEST = 100;

/** How many calls were answered. Throws the report of a round that shows a violation. */
async function answered(seed: number, namespaces: boolean): Promise<number> {
  const round = await runRound({ ...SETTINGS, seed, namespaces });
  if (round.violations.length > 0)
    throw new Error(failureReport(round, repeat(seed, { ...SETTINGS, namespaces })));
  console.log(summary(round));
  return round.records.filter(({ outcome }) => outcome === "ok").length;
}

function drawnSeed(): number {
  return Math.floor(Math.random() * 1_000_000);
}

describe.sequential("rounds", () => {
  test.each([drawnSeed(), drawnSeed()])(
    "two faults at once, of processes, servers and connections: no history shows a broken promise, and all recovers (seed %d)",
    { timeout: TIMEOUT_MS },
    async (seed) => expect(await answered(seed, false)).toBeGreaterThan(FEWEST),
  );

  const unavailable = namespacesUnavailable();
  describe(`in network namespaces${unavailable === undefined ? "" : `; skipped: ${unavailable}`}`, () => {
    test.skipIf(unavailable !== undefined).each([drawnSeed()])(
      "real partitions: no history shows a broken promise, and all recovers (seed %d)",
      { timeout: TIMEOUT_MS },
      async (seed) => expect(await answered(seed, true)).toBeGreaterThan(FEWEST),
    );
  });
});
