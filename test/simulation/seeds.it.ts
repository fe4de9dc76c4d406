// The protocol under every fault, in simulated time: other seeds for each commit, and every seed that ever failed.
import { expect, test } from "vitest";
import { failedSeeds, firstSeedOf, runAll, seedsFrom } from "./cli.ts";
import { neverHappened } from "./sometimes.ts";

const SEEDS = Number(process.env["TENURE_SIM_SEEDS"] ?? 1_500);
const CROWDS = Math.ceil(SEEDS / 30);
const CLASSES = Math.ceil(SEEDS / 8);

test("every seed that ever failed passes", { timeout: 120_000 }, async () => {
  const failed = failedSeeds();
  for (const share of new Set(failed.map(({ amnesia }) => amnesia))) {
    const seeds = failed.filter(({ amnesia }) => amnesia === share).map(({ seed }) => seed);
    const { reports } = await runAll(seeds, { amnesia: share });
    expect(reports.join("\n\n")).toBe("");
  }
});

test(
  `crowds of calls send no more retries than their client's budget has, in ${CROWDS} seeds (R27, I12)`,
  { timeout: 300_000 },
  async () => {
    const seeds = seedsFrom(firstSeedOf(), CROWDS);
    const { reports, sometimes } = await runAll(seeds, { workload: "crowd" });
    expect(reports.slice(0, 3).join("\n\n")).toBe("");
    expect(sometimes.get("calls of a crowd fail")).toBeGreaterThan(0);
  },
);

test(
  `what classes say of themselves and what operators do keeps every invariant, in ${CLASSES} seeds (I1-I13)`,
  { timeout: 300_000 },
  async () => {
    const seeds = seedsFrom(firstSeedOf(), CLASSES);
    const { reports, sometimes } = await runAll(seeds, { workload: "classes" });
    expect(reports.slice(0, 3).join("\n\n")).toBe("");
    const must = [
      "an actor moved by an operator",
      "an actor ended by an operator",
      "arguments refused by a schema",
      "a pool at work",
      "a pool: DEADLOCK",
      "state of an older version migrated",
      "event activation.outdated",
    ];
    expect(must.filter((what) => !sometimes.has(what))).toEqual([]);
  },
);

test(
  `${SEEDS} seeds keep every invariant after every event, recover, and replay exactly (I1-I13)`,
  { timeout: 600_000 },
  async () => {
    const first = firstSeedOf();
    const { reports, sometimes, events, seconds } = await runAll(seedsFrom(first, SEEDS));
    console.log(
      `simulation: seeds ${first} to ${first + SEEDS - 1}, ${events} events, ${(SEEDS / seconds).toFixed(1)} seeds/s`,
    );
    expect(reports.slice(0, 3).join("\n\n")).toBe("");
    expect(neverHappened(sometimes), "what a run of this size must have seen").toEqual([]);
  },
);
