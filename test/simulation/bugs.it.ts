// A test of the checks: each rule that can be switched off is, and its absence is noticed; nobody tells the checks which.
import { expect, test } from "vitest";
import { BUGS, UNSWITCHABLE } from "./bugs/bank.ts";
import { amnesiaOf, findBug, runAll, seedsFrom } from "./cli.ts";

const FIRST = 1;
const MOST = 2_000;
/** What each run is of, and the last seed that one of its bugs was found by. */
const found = new Map<string, number>();

test.concurrent.each(BUGS)(
  "$rule off is found: $breaks",
  { timeout: 400_000 },
  async ({ rule, workload, amnesia }) => {
    const one = await findBug(rule, FIRST, MOST, { processes: 1 });
    expect(one === undefined ? `not found in ${MOST} seeds` : "found").toBe("found");
    if (!one) return;
    console.log(`${rule}: found after ${one.seeds} seeds: ${one.what}`);
    const kind = JSON.stringify({ workload, amnesia: amnesiaOf(amnesia) });
    found.set(kind, Math.max(one.seeds, found.get(kind) ?? 0));
  },
);

test("the seeds that found them are green with every rule on", { timeout: 200_000 }, async () => {
  expect(found.size).toBeGreaterThan(0);
  for (const [kind, seeds] of found) {
    const options = JSON.parse(kind) as NonNullable<Parameters<typeof runAll>[1]>;
    const { reports } = await runAll(seedsFrom(FIRST, seeds), options);
    expect(reports.join("\n\n")).toBe("");
  }
});

test("every rule from R1 to R27 is switched off, or has a reason not to be", () => {
  const named = new Set(
    [...BUGS, ...UNSWITCHABLE].flatMap(({ rule }) => rule.match(/R\d+/g) ?? []),
  );
  const all = Array.from({ length: 27 }, (_, i) => `R${i + 1}`);
  expect(all.filter((rule) => !named.has(rule))).toEqual([]);
});
