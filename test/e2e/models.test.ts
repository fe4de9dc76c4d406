// scripts/models.mjs: what is checked of a model, and what Spin said of it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { declaredIn, runsOf, verdictOf } from "../../scripts/models.mjs";

const TEXT = `
#define I1_ONE 1 /* I1: one */
#define I2_TWO 2 /* I2: two */
#define SCENE_GOES 100   /* it goes */
#define SILOS 3
/*
 * Broken twins:
 *   TWIN_BROKEN I1_ONE I2_TWO
 *   TWIN_OTHER  I2_TWO
 */
#ifdef TWIN_BROKEN
#endif
#ifndef TWIN_OTHER
#ifdef TWIN_BROKEN
`;

test("a model declares properties, scenes, and twins with what they break", () => {
  expect(declaredIn(TEXT)).toEqual({
    properties: [
      { name: "I1_ONE", number: 1, says: "I1: one" },
      { name: "I2_TWO", number: 2, says: "I2: two" },
    ],
    scenes: [{ name: "SCENE_GOES", number: 100, says: "it goes" }],
    twins: [
      { name: "TWIN_BROKEN", breaks: ["I1_ONE", "I2_TWO"] },
      { name: "TWIN_OTHER", breaks: ["I2_TWO"] },
    ],
  });
});

test("it has to hold in each of its sizes; each scene, and each property that a twin breaks, has to be found in one of them", () => {
  const runs = runsOf({ name: "m", text: TEXT, sizes: [["-DA=1"], ["-DA=2"]] });
  expect(runs.map(({ what, wanted, tries }) => [what, wanted, tries.length])).toEqual([
    ["holds -DA=1", "holds", 1],
    ["holds -DA=2", "holds", 1],
    ["SCENE_GOES", "violated", 2],
    ["TWIN_BROKEN I1_ONE", "violated", 2],
    ["TWIN_BROKEN I2_TWO", "violated", 2],
    ["TWIN_OTHER I2_TWO", "violated", 2],
  ]);
  expect(runs[2]!.tries).toEqual([
    ["-DA=1", "-DCHECKED=100"],
    ["-DA=2", "-DCHECKED=100"],
  ]);
  expect(runs[4]!.tries[0]).toEqual(["-DA=1", "-DTWIN_BROKEN", "-DCHECKED=2"]);
});

test.each<readonly [string, string, string]>([
  [
    "a twin that does not say what it breaks",
    TEXT.replace(" *   TWIN_OTHER  I2_TWO\n", ""),
    "m: TWIN_OTHER does not say what it breaks",
  ],
  [
    "a twin that breaks what is no property",
    TEXT.replace("TWIN_OTHER  I2_TWO", "TWIN_OTHER  I3_NONE"),
    "m: TWIN_OTHER breaks I3_NONE, which is no property",
  ],
  [
    "a property that no twin breaks",
    TEXT.replace("TWIN_BROKEN I1_ONE I2_TWO", "TWIN_BROKEN I2_TWO"),
    "m: no twin breaks I1_ONE",
  ],
])("%s is an error", (_what, text, message) => {
  expect(() => runsOf({ name: "m", text, sizes: [[]] })).toThrow(message);
});

test("every model has properties, scenes, and the twins that the protocol's rules ask for", () => {
  const textOf = (name: string) =>
    readFileSync(
      fileURLToPath(new URL(`../../docs/protocol/model/${name}.pml`, import.meta.url)),
      "utf8",
    );
  for (const name of ["fence", "lease", "patience"]) {
    const { properties, scenes } = declaredIn(textOf(name));
    expect(properties.length).toBeGreaterThan(1);
    expect(scenes.length).toBeGreaterThan(3);
    expect(() => runsOf({ name, text: textOf(name), sizes: [[]] })).not.toThrow();
  }
  const twinsOf = (name: string) => declaredIn(textOf(name)).twins.map((twin) => twin.name);
  expect(twinsOf("fence")).toContain("TWIN_NUMBERS");
  expect(twinsOf("lease")).toContain("TWIN_NO_CAS");
  expect(twinsOf("patience")).toContain("TWIN_NO_RESTART");
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
