// What the overload and the long run assert can fail: OV2 of overload.ts, SK2 of soak.ts.
import { expect, test, vi } from "vitest";
import type { Held } from "./held.ts";
import { BOUNDS, type Overload, problemsOf, recoveredAt } from "./overload.ts";
import { type Minute, soakProblems } from "./soak.ts";
import { SpeedProbe } from "./speed-probe.ts";

const times = (p50Ms: number) => ({ count: 100, p50Ms, p90Ms: p50Ms, p99Ms: p50Ms, maxMs: p50Ms });
const LOAD: Overload["load"] = {
  offered: 2_000,
  elapsedMs: 1_000,
  answeredPerSecond: 950,
  answered: times(300),
  refused: times(10),
  untyped: 0,
  failures: {},
  settledAfterMs: 500,
  windows: [],
};
const WELL: Overload = {
  work: "toil",
  times: 2,
  peakPerSecond: 1_000,
  offeredPerSecond: 2_000,
  load: LOAD,
  answeredPerSecond: 950,
  probeBefore: 2,
  recoveredAfterMs: 800,
  openAfterMs: 500,
  memory: { silo: { before: 100, most: 200 } },
};

test.for<[string, Partial<Overload>, RegExp]>([
  ["answers too little", { answeredPerSecond: 799 }, /answered 0\.80 of the peak/],
  ["is not overloaded", { load: { ...LOAD, refused: undefined } }, /nothing was refused/],
  ["refuses late", { load: { ...LOAD, refused: times(101) } }, /took longer than 101/],
  ["refuses without a type", { load: { ...LOAD, untyped: 1 } }, /1 refusals are not typed/],
  ["fails otherwise", { load: { ...LOAD, failures: { CALL_TIMEOUT: 3 } } }, /3 calls failed with/],
  ["gets fewer calls than it should", { load: { ...LOAD, offered: 1_800 } }, /could be offered/],
  [
    "takes memory",
    { memory: { silo: { before: 0, most: BOUNDS.memoryBytes + 1 } } },
    /silo grew from 0 to 256/,
  ],
  ["is slow afterwards", { recoveredAfterMs: Infinity }, /latency was back Infinity/],
  ["leaves calls open", { openAfterMs: 2_001 }, /calls were open 2001/],
])("an overloaded silo that %s breaks the promise", ([, broken, problem]) => {
  expect(problemsOf(WELL)).toEqual([]);
  const problems = problemsOf({ ...WELL, ...broken });
  expect(problems.length).toBe(1);
  expect(problems[0]).toMatch(problem);
});

test("latency is back at the end of the first window after the load that is good", () => {
  const windows = [1, 9, 9, 3, 9].map((p50Ms, i) => ({ fromMs: i * 200, answered: 20, p50Ms }));
  expect(recoveredAt(windows, 250, 3)).toBe(800);
  // One that began before the load had ended says nothing.
  expect(recoveredAt(windows, 650, 3)).toBe(Infinity);
});

const HELD: Held = { heapBytes: 50e6, timers: 5, handles: 4, pending: 0, activations: 2_000 };
const MINUTE: Minute = {
  offered: 100,
  answered: 100,
  refused: 0,
  failed: 0,
  p50Ms: 1,
  slowestMs: 1,
  p99Ms: 10,
  collected: 7,
  silo: HELD,
  client: HELD,
  subscriptions: 50,
};
/** A run whose minutes are what `of` makes of them. */
const run = (of: (minute: number) => Partial<Minute>) => ({
  peakPerSecond: 10,
  offeredPerSecond: 7,
  minutes: Array.from({ length: 8 }, (_, i) => ({ ...MINUTE, ...of(i) })),
});

test.for<[string, (minute: number) => Partial<Minute>, RegExp]>([
  [
    "whose heap grows",
    (i) => ({ silo: { ...HELD, heapBytes: 50e6 + i * 2e6 } }),
    /the silo's heap grew/,
  ],
  [
    "whose timers grow",
    (i) => ({ client: { ...HELD, timers: 5 + i } }),
    /the client's timers grew/,
  ],
  ["whose handles grow", (i) => ({ silo: { ...HELD, handles: 4 + i } }), /the silo's handles grew/],
  [
    "that collects less than it activates",
    (i) => ({ silo: { ...HELD, activations: 2_000 + i } }),
    /the silo's activations grew/,
  ],
  ["with ever more subscriptions", (i) => ({ subscriptions: 50 + i }), /subscriptions grew/],
  [
    "with something pending",
    (i) => ({ client: { ...HELD, pending: i === 3 ? 1 : 0 } }),
    /1 entries were pending in the client after minute 4/,
  ],
  ["in which calls fail", (i) => ({ failed: i === 2 ? 1 : 0 }), /1 calls of minute 3 failed/],
  ["without churn", (i) => ({ collected: i === 5 ? 0 : 7 }), /in minute 6 no activation ended/],
  ["that gets slower", (i) => ({ p99Ms: i === 7 ? 16 : 10 }), /p99 was 10\.0 ms in the first/],
])("a long run %s is broken", ([, broken, problem]) => {
  expect(soakProblems(run(() => ({})))).toEqual([]);
  const problems = soakProblems(run(broken));
  expect(problems.length).toBe(1);
  expect(problems[0]).toMatch(problem);
});

test("a probe tells what the same arithmetic takes, and nothing before it has begun", async () => {
  using probe = new SpeedProbe(1);
  expect(probe.slowestMs()).toBe(0);
  await vi.waitFor(() => expect(probe.slowestMs()).toBeGreaterThan(0), { timeout: 20_000 });
  probe.begin();
  expect(probe.slowestMs()).toBe(0);
});

test("one minute in which more is held is chance, and no growth", () => {
  expect(soakProblems(run((i) => (i === 6 ? { subscriptions: 60 } : {})))).toEqual([]);
});
