import { expect, test } from "vitest";
import { mayStart } from "./admission.ts";

test.each([
  // mode, write, read, interleave running → may start
  ["write", 0, 0, 0, true],
  ["write", 1, 0, 0, false],
  ["write", 0, 1, 0, false],
  ["write", 0, 0, 3, true],
  ["read", 0, 0, 0, true],
  ["read", 0, 5, 0, true],
  ["read", 1, 0, 0, false],
  ["read", 0, 0, 1, true],
  ["interleave", 1, 0, 0, true],
  ["interleave", 0, 2, 1, true],
] as const)(
  "%s beside %d writes, %d reads, %d interleaves: %s",
  (mode, write, read, interleave, may) => {
    expect(mayStart(mode, { write, read, interleave })).toBe(may);
  },
);
