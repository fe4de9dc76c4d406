// scripts/models.mjs: what is checked of a model, and what Spin said of it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { declaredIn, runsOf, verdictOf } from "../../scripts/models.mjs";

const TEXT = `
#define I1_ONE 1 /* I1: one */
#define SCENE_GOES 100   /* it goes */
#define SILOS 3
#ifdef TWIN_BROKEN
#endif
#ifndef TWIN_OTHER
#ifdef TWIN_BROKEN
`;

test("a model declares properties, scenes and twins", () => {
  expect(declaredIn(TEXT)).toEqual({
    properties: [{ name: "I1_ONE", number: 1, says: "I1: one" }],
    scenes: [{ name: "SCENE_GOES", number: 100, says: "it goes" }],
    twins: ["TWIN_BROKEN", "TWIN_OTHER"],
  });
});

test("it has to hold in each of its sizes; each scene and each twin has to be found in one of them", () => {
  const runs = runsOf({ name: "m", text: TEXT, sizes: [["-DA=1"], ["-DA=2"]] });
  expect(runs.map(({ what, wanted, tries }) => [what, wanted, tries.length])).toEqual([
    ["holds -DA=1", "holds", 1],
    ["holds -DA=2", "holds", 1],
    ["SCENE_GOES", "violated", 2],
    ["TWIN_BROKEN", "violated", 2],
    ["TWIN_OTHER", "violated", 2],
  ]);
  expect(runs[2]!.tries).toEqual([
    ["-DA=1", "-DCHECKED=100"],
    ["-DA=2", "-DCHECKED=100"],
  ]);
});

test("every model has properties, scenes, and the twins that the protocol's rules ask for", () => {
  const of = (name: string) =>
    declaredIn(
      readFileSync(
        fileURLToPath(new URL(`../../docs/protocol/model/${name}.pml`, import.meta.url)),
        "utf8",
      ),
    );
  for (const name of ["fence", "lease", "patience"]) {
    expect(of(name).properties.length).toBeGreaterThan(1);
    expect(of(name).scenes.length).toBeGreaterThan(3);
  }
  expect(of("fence").twins).toContain("TWIN_NUMBERS");
  expect(of("lease").twins).toContain("TWIN_NO_CAS");
  expect(of("patience").twins).toContain("TWIN_NO_RESTART");
});

const SEARCHED = `
State-vector 20 byte, depth reached 406, errors: 0
    28676 states, stored
`;

test.each<readonly [string, string, string]>([
  ["all was searched, and nothing found", SEARCHED, "holds"],
  [
    "an assertion is violated",
    `pan:1: assertion violated ((x==1)) (at depth 3)\n${SEARCHED.replace("errors: 0", "errors: 1")}`,
    "violated",
  ],
  [
    "memory ran out",
    `pan: reached -DMEMLIM bound\nWarning: Search not completed\n${SEARCHED}`,
    "unfinished",
  ],
  ["it went too deep", `error: max search depth too small\n${SEARCHED}`, "unfinished"],
  ["another error was found", SEARCHED.replace("errors: 0", "errors: 1"), "unfinished"],
  ["it was killed", "", "unfinished"],
])("when %s the verdict says so", (_when, output, verdict) => {
  expect(verdictOf(output).verdict).toBe(verdict);
});

test("a verdict has the size of what was searched", () => {
  expect(verdictOf(SEARCHED)).toMatchObject({ states: 28_676, depth: 406, assertion: undefined });
});
