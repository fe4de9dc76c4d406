// The guard: pure decisions on ratios, of what is measured now and of what is recorded.
//   GU1. Only ratios of one run are compared, ours over the raw side next to it, round by round; never a time. Of latencies and
//        sizes it is the raw side over ours: a ratio that falls is always worse.
//   GU2. A ratio falls when the best of its tries is under three quarters of the recorded one.
//   GU3. A raw side that is no ceiling in this run says nothing about ours: the pair is skipped, with the reason.
//   GU4. What swings by itself as far as the guard would catch guards nothing: it is recorded as left out, with its swing. The best of
//        some tries counts, so that as many runs in a row would have to be bad: what matters is the best of the worst ones.
//   GU5. A recording on a machine that is too slow to compare a pair blinds nobody: what was recorded of it before stays.
//   GU6. Ratios differ from machine to machine by more than the guard forgives. So of recordings on several machines the lower stays,
//        unless a row is recorded anew: for instance after what has made it better everywhere. Where a pair was too noisy counts, too.
import type { RowResult } from "./measure.ts";
import { isMoreBetter, sideOf } from "./report.ts";
import { isComparable, type Spread, spreadOf } from "./statistics.ts";

/** Of the recorded ratio, what must be left. */
export const FLOOR = 0.75;
/** How often a pair is tried before it has fallen (GU2). */
export const TRIES = 3;
/** A pair of whose runs so many were below this part of its median is left out (GU4): a bit more, and it would fail by chance. */
export const STEADY = 0.85;

export interface Pair {
  readonly row: string;
  readonly against: string;
}

/** One try at a pair. */
export interface Tried extends Pair {
  readonly ratio: number;
  /** Why it counts for nothing (GU3). */
  readonly incomparable?: string | undefined;
}

export interface Recorded extends Pair {
  readonly ratio: Spread;
  readonly leftOut?: string | undefined;
}

export type Verdict =
  | { readonly kind: "kept"; readonly ratio: number; readonly part: number }
  | { readonly kind: "fallen"; readonly ratio: number; readonly part: number }
  | { readonly kind: "left out"; readonly why: string };

/** Every pair of a row that is measured against something. */
export function pairsOf(row: RowResult): readonly Pair[] {
  const goals = row.goals.map(({ against }) => against);
  const others = row.measured.map(({ side }) => side).filter((side) => side !== row.ours);
  return (goals.length > 0 ? goals : others).map((against) => ({ row: row.id, against }));
}

/** GU1: the median of the rounds' own ratios, so that what slows a whole round changes nothing. */
export function tryOf(row: RowResult, against: string): Tried {
  const ours = sideOf(row, row.ours);
  const raw = sideOf(row, against);
  const rounds = ours.figures.map((figure, round) =>
    isMoreBetter(row.unit) ? figure / raw.figures[round]! : raw.figures[round]! / figure,
  );
  const tried = { row: row.id, against, ratio: spreadOf(rounds).median };
  const usual = row.usual[against];
  if (usual === undefined || isComparable(raw.figure.median, usual, row.unit)) return tried;
  const incomparable = `${against} made ${raw.figure.median.toPrecision(3)} ${row.unit} here, not even half of the usual ${usual}`;
  return { ...tried, incomparable };
}

/** `tries`: of this pair, in this run. */
export function verdictOf(recorded: Recorded | undefined, tries: readonly Tried[]): Verdict {
  if (!recorded) return { kind: "left out", why: "not recorded: pnpm bench:smoke --record" };
  if (recorded.leftOut !== undefined) return { kind: "left out", why: recorded.leftOut };
  const counted = tries.filter(({ incomparable }) => incomparable === undefined);
  if (counted.length === 0) {
    const why = tries.at(-1)?.incomparable ?? "not measured";
    return { kind: "left out", why: `not comparable: ${why}` };
  }
  const ratio = Math.max(...counted.map((tried) => tried.ratio));
  const part = ratio / recorded.ratio.median;
  return { kind: part < FLOOR ? "fallen" : "kept", ratio, part };
}

/** What several runs of the same pair are recorded as. `before`: what is recorded of it until now; `anew`: that says nothing (GU6). */
export function recordOf(tries: readonly Tried[], before?: Recorded, anew = false): Recorded {
  const [first] = tries;
  if (!first) throw new Error("nothing was tried");
  const pair = { row: first.row, against: first.against };
  const counted = tries.filter(({ incomparable }) => incomparable === undefined);
  const ratio = spreadOf((counted.length > 0 ? counted : tries).map((tried) => tried.ratio));
  const missing = tries.find(({ incomparable }) => incomparable !== undefined)?.incomparable;
  if (missing !== undefined)
    return before ?? { ...pair, ratio, leftOut: `not comparable: ${missing}` };
  const sorted = counted.map((tried) => tried.ratio).toSorted((a, b) => a - b);
  const steadiness = sorted[Math.min(TRIES, sorted.length) - 1]! / ratio.median;
  if (steadiness >= STEADY) {
    const lower = before && !anew && before.ratio.median < ratio.median;
    return { ...pair, ratio: lower ? before.ratio : ratio };
  }
  const leftOut = `too noisy: ${TRIES} runs had at most ${steadiness.toFixed(2)} of the median (${STEADY} is the least)`;
  return { ...pair, ratio, leftOut };
}
