// The arithmetic of leases, as tables.
import { describe, expect, test } from "vitest";
import { CLOCK_DRIFT, leaseState, leaseTiming } from "./lease.ts";

const TIMING = leaseTiming(4_000);

test.each([300, 1_000, 4_000, 30_000, 600_000])(
  "with a lease of %i ms the owner has stopped before an observer may call it dead, whatever their clocks (L1, L2)",
  (ttlMs) => {
    const { serveMs, watchMs } = leaseTiming(ttlMs);
    // The owner's clock is as slow as A3 allows, the observer's as fast.
    const served = serveMs / (1 - CLOCK_DRIFT);
    const watched = watchMs / (1 + CLOCK_DRIFT);
    expect(served).toBeLessThan(watched);
    expect(leaseTiming(ttlMs).maxPollGapMs).toBeLessThan(watchMs);
  },
);

test("at the shortest lease that a silo takes, one round without an answer does not pause it", () => {
  const { serveMs, roundMs, retryMs } = leaseTiming(1_000);
  // The next renewal, an unanswered one of a round's length, and the one after it.
  expect(2 * roundMs + retryMs).toBeLessThanOrEqual(serveMs + 2);
});

describe("leaseState", () => {
  const { serveMs, marginMs } = TIMING;
  test.each([
    ["just renewed", 0, 0, 0, "holds"],
    ["just before the deadline", serveMs - 1, serveMs - 1, serveMs - 1, "holds"],
    ["at the deadline", serveMs, serveMs, serveMs, "lapsed"],
    ["asleep past it, one second on the monotonic clock (R5)", 30_000, 1_000, 30_000, "lapsed"],
    ["asleep for less, with a wall clock that knows it", 2_000, 500, 2_000, "holds"],
    ["asleep for less, with a wall clock that does not", 2_000, 500, 500, "holds"],
    ["the wall clock ahead by the margin", 100, 100, 100 + marginMs, "holds"],
    ["the wall clock ahead by more", 100, 100, 101 + marginMs, "wall-clock-jumped"],
    ["the wall clock back by the margin", 100, 100, 100 - marginMs, "holds"],
    ["the wall clock back by more", 100, 100, 99 - marginMs, "wall-clock-jumped"],
    ["both", serveMs, serveMs, 0, "lapsed"],
  ] as const)("%s", (_what, elapsedMs, monotonicMs, wallMs, expected) => {
    expect(leaseState({ elapsedMs, monotonicMs, wallMs }, TIMING)).toBe(expected);
  });
});
