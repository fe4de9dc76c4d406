import { seededRandom } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { place } from "./placement.ts";

const silos = [
  { incarnation: "a", load: 10 },
  { incarnation: "b", load: 0 },
  { incarnation: "c", load: 5 },
];
const draws = (
  placement: "local" | "random" | "balanced",
  self: string,
): Record<string, number> => {
  const random = seededRandom(7);
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let i = 0; i < 3_000; i++) counts[place(placement, silos, self, () => random.next())!]! += 1;
  return counts;
};

test("local is the asked silo when it has the type, else another", () => {
  expect(draws("local", "c")).toEqual({ a: 0, b: 0, c: 3_000 });
  const elsewhere = draws("local", "x");
  expect(Math.min(...Object.values(elsewhere))).toBeGreaterThan(800);
});

test("random reaches every silo alike", () => {
  expect(Math.min(...Object.values(draws("random", "a")))).toBeGreaterThan(900);
});

test("balanced prefers the less loaded, and starves nobody", () => {
  const counts = draws("balanced", "a");
  expect(counts["b"]!).toBeGreaterThan(counts["c"]!);
  expect(counts["c"]!).toBeGreaterThan(counts["a"]!);
  expect(counts["a"]!).toBeGreaterThan(100);
});

test("nobody to choose from is said, not guessed", () => {
  expect(place("balanced", [], "a", () => 0)).toBeUndefined();
});
