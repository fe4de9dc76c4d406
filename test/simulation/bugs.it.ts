// A test of the checks: each rule that can be switched off is, and its absence is noticed; nobody tells the checks which.
import { expect, test } from "vitest";
import { BUGS, UNSWITCHABLE } from "./bugs/bank.ts";
import { amnesiaOf, findBug, runAll } from "./cli.ts";

const FIRST = 1;
const MOST = 2_000;
/** From a seed that has shown it: a change of the code may have moved it a little. */
const NEAR = 20;
/** What each run is of, and the seeds that bugs were found by in such runs. */
const found = new Map<string, Set<number>>();

test.concurrent.each(BUGS)(
  "$rule off is found: $breaks",
  { timeout: 400_000 },
  async ({ rule, workload, amnesia, shownBy }) => {
    const one =
      (shownBy === undefined ? undefined : await findBug(rule, shownBy, NEAR, { processes: 1 })) ??
      (await findBug(rule, FIRST, MOST, { processes: 1 }));
    expect(one === undefined ? `not found in ${MOST} seeds` : "found").toBe("found");
    if (!one) return;
    console.log(`${rule}: found by seed ${one.seed}: ${one.what}`);
    const kind = JSON.stringify({ workload, amnesia: amnesiaOf(amnesia) });
    found.set(kind, (found.get(kind) ?? new Set()).add(one.seed));
  },
);

test("the seeds that found them are green with every rule on", { timeout: 200_000 }, async () => {
  expect(found.size).toBeGreaterThan(0);
  for (const [kind, seeds] of found) {
    const options = JSON.parse(kind) as NonNullable<Parameters<typeof runAll>[1]>;
    const { reports } = await runAll([...seeds], options);
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
