// The guard's decisions: GU1 to GU6 of guard.ts.
import { expect, test } from "vitest";
import { pairsOf, recordOf, type Recorded, type Tried, tryOf, verdictOf } from "./guard.ts";
import type { RowResult } from "./measure.ts";
import { spreadOf, type Unit } from "./statistics.ts";

const side = (name: string, ...figures: readonly number[]) => ({
  side: name,
  figure: spreadOf(figures),
  figures,
  cpuUs: {},
});

function row(unit: Unit, ours: readonly number[], raw: readonly number[], usual = 0): RowResult {
  return {
    id: "row",
    title: "a row",
    unit,
    ours: "tenure",
    measured: [side("raw", ...raw), side("tenure", ...ours)],
    goals: [],
    usual: usual === 0 ? {} : { raw: usual },
  };
}

const tried = (ratio: number, incomparable?: string): Tried => ({
  row: "row",
  against: "raw",
  ratio,
  incomparable,
});
const recorded = (median: number, leftOut?: string): Recorded => ({
  row: "row",
  against: "raw",
  ratio: { median, min: median, max: median },
  leftOut,
});

test("a ratio under three quarters of the recorded one has fallen, and one at three quarters is kept (GU2)", () => {
  expect(verdictOf(recorded(0.5), [tried(0.375)]).kind).toBe("kept");
  expect(verdictOf(recorded(0.5), [tried(0.374)]).kind).toBe("fallen");
});

test("one good try is enough: a busy machine makes ratios worse and none better (GU2)", () => {
  expect(verdictOf(recorded(0.4), [tried(0.1), tried(0.39)])).toEqual({
    kind: "kept",
    ratio: 0.39,
    part: 0.39 / 0.4,
  });
});

test("ratios are of rounds: a machine that slows down during a run changes none (GU1)", () => {
  const slowing = row("calls/s", [50, 25, 5], [100, 50, 10]);
  expect(tryOf(slowing, "raw").ratio).toBe(0.5);
});

test("no time decides: the same ratio at a hundredth of the speed is the same verdict (GU1)", () => {
  const fast = tryOf(row("calls/s", [5_000], [10_000]), "raw");
  const slow = tryOf(row("calls/s", [50], [100]), "raw");
  expect(verdictOf(recorded(0.5), [slow])).toEqual(verdictOf(recorded(0.5), [fast]));
});

test("a latency or a size that grows is a ratio that falls (GU1)", () => {
  expect(tryOf(row("ms", [2], [1]), "raw").ratio).toBe(0.5);
  expect(tryOf(row("bytes", [4_000], [200]), "raw").ratio).toBe(0.05);
});

test("a raw side below half of what is usual skips its pair, with the reason (GU3)", () => {
  const busy = tryOf(row("calls/s", [1], [40], 100), "raw");
  const verdict = verdictOf(recorded(0.9), [busy]);
  expect(verdict).toEqual({ kind: "left out", why: expect.stringContaining("not comparable") });
  // A later try in which it is one counts.
  expect(verdictOf(recorded(0.9), [busy, tried(0.1)]).kind).toBe("fallen");
});

test("what is not recorded guards nothing, and says so", () => {
  const verdict = verdictOf(undefined, [tried(1)]);
  expect(verdict).toEqual({ kind: "left out", why: expect.stringContaining("not recorded") });
});

test("a pair that swings by itself is recorded as left out, and is then never a failure (GU4)", () => {
  const noisy = recordOf([0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 0.3].map((ratio) => tried(ratio)));
  expect(noisy.leftOut).toMatch(/too noisy/);
  expect(verdictOf(noisy, [tried(0.01)]).kind).toBe("left out");
  // Two bad runs are made up for by a third try.
  const steady = recordOf([0.5, 0.5, 0.5, 0.52, 0.48, 0.2, 0.3].map((ratio) => tried(ratio)));
  expect(steady).toEqual({
    row: "row",
    against: "raw",
    ratio: { median: 0.5, min: 0.2, max: 0.52 },
  });
});

test("a recording that cannot compare a pair keeps what was recorded before (GU5)", () => {
  const tries = [tried(0.5), tried(0.1, "raw made 1 calls/s here")];
  expect(recordOf(tries, recorded(0.9))).toEqual(recorded(0.9));
  expect(recordOf(tries).leftOut).toMatch(/not comparable/);
  expect(recordOf([tried(0.5)], recorded(0.9)).ratio.median).toBe(0.5);
});

test("of recordings on several machines the lower stays, unless the row is recorded anew (GU6)", () => {
  expect(recordOf([tried(0.9)], recorded(0.5))).toEqual(recorded(0.5));
  expect(recordOf([tried(0.9)], recorded(0.5), true).ratio.median).toBe(0.9);
  expect(recordOf([tried(0.5)], recorded(0.9)).ratio.median).toBe(0.5);
  expect(recordOf([tried(0.9)], recorded(0.5, "too noisy"))).toEqual(recorded(0.5));
});

test("a row without a goal is guarded against every other side of it", () => {
  expect(pairsOf(row("bytes", [1], [1]))).toEqual([{ row: "row", against: "raw" }]);
});
