// A test of the checks: each rule that can be switched off is, and its absence is noticed; nobody tells the checks which.
// The same seeds with the rules on are seeds.it.ts' business.
import { expect, test } from "vitest";
import { BUGS, UNSWITCHABLE } from "./bugs/bank.ts";
import { findBug, runAll, seedsFrom } from "./cli.ts";

const FIRST = 1;
const MOST = 2_000;

test.each(BUGS)("$rule off is found: $breaks", { timeout: 400_000 }, async ({ rule, workload }) => {
  const found = await findBug(rule, FIRST, MOST);
  expect(found, `${rule} was not found in ${MOST} seeds`).toBeDefined();
  console.log(`${rule}: found after ${found!.seeds} seeds: ${found!.what}`);
  const { reports } = await runAll(seedsFrom(found!.seed, 1), { workload });
  expect(reports, "the same seed with the rule on").toEqual([]);
});

test("every rule from R1 to R27 that a silo without reminders has is switched off, or has a reason not to be", () => {
  const named = new Set(
    [...BUGS, ...UNSWITCHABLE].flatMap(({ rule }) => rule.match(/R\d+/g) ?? []),
  );
  const all = Array.from({ length: 27 }, (_, i) => `R${i + 1}`);
  expect(all.filter((rule) => !named.has(rule))).toEqual([]);
});
