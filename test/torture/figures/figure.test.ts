import { expect, test } from "vitest";
import { percentile } from "./figure.ts";

test("a percentile is one of the values, by nearest rank", () => {
  const values = Array.from({ length: 20 }, (_, i) => 20 - i);
  expect(percentile(values, 50)).toBe(10);
  expect(percentile(values, 99)).toBe(20);
  expect(percentile([7], 50)).toBe(7);
  expect(percentile([], 50)).toBeNaN();
});
