// scripts/guarantees.mjs: which titles of docs/GUARANTEES.md ran.
import { expect, test } from "vitest";
import { notRun, titlesOf } from "../../scripts/guarantees.mjs";

const PAGE = `
## I1 Fenced writes

- a plain one (R1) — \`test/a.test.ts\`
- with %s and %i of them — \`test/b.test.ts\`
- in \${SEEDS} seeds, $what else — \`test/c.it.ts\`

Text - that is no title — and a list item
- without a file
`;

test("the titles of the page are its list items that end in a file", () => {
  expect(titlesOf(PAGE)).toEqual([
    "a plain one (R1)",
    "with %s and %i of them",
    "in ${SEEDS} seeds, $what else",
  ]);
});

test("a title has run when a test of that title passed, whatever stood for its parameters", () => {
  const passed = ["a plain one (R1)", "with two and 2 of them", "in 1500 seeds, nothing else"];
  expect(notRun(PAGE, passed)).toEqual([]);
  expect(notRun(PAGE, passed.slice(1))).toEqual(["a plain one (R1)"]);
  expect(notRun(PAGE, [])).toEqual(titlesOf(PAGE));
});

test("a title that only looks like one has not run", () => {
  const passed = ["a plain one (R1", "a plain one (R1) and more", "a plain one .R1.", "with two"];
  expect(notRun(PAGE, passed)).toEqual(titlesOf(PAGE));
});
