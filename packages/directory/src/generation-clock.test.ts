import { expect, test } from "vitest";
import { GENERATION_EPOCH_MS, GenerationClock } from "./generation-clock.ts";

function clockAt(start: number): { now: number; wallMs(): number } {
  const clock = { now: GENERATION_EPOCH_MS + start, wallMs: () => clock.now };
  return clock;
}

test("a floor is never below a generation that was seen, whatever the wall clock does (G1)", () => {
  const clock = clockAt(1_000);
  const generations = new GenerationClock(clock);
  generations.saw(5_000);
  generations.saw(4_000);
  expect(generations.floor()).toBe(5_000);
  clock.now -= 10_000_000;
  expect(generations.floor()).toBe(5_000);
});

test("two silos that remember nothing of each other go on above what either was granted before (G2)", () => {
  const clock = clockAt(7_000);
  const first = new GenerationClock(clock).floor() + 1;
  clock.now += 1;
  expect(new GenerationClock(clock).floor() + 1).toBeGreaterThan(first);
});

test("a wall clock before the epoch, or one that is no whole number, makes a floor that can be stored", () => {
  expect(new GenerationClock(clockAt(-5_000)).floor()).toBe(0);
  expect(new GenerationClock(clockAt(12.75)).floor()).toBe(12);
});
