import { expect, test } from "vitest";
import { LocationCache } from "./location-cache.ts";

const clock = { now: 0, monotonicMs: () => clock.now };

test("evidence only moves forward (L2)", () => {
  const cache = new LocationCache(clock);
  cache.set("t/a", { silo: "x", generation: 5 });
  cache.set("t/a", { silo: "y", generation: 4 });
  expect(cache.get("t/a")).toEqual({ silo: "x", generation: 5 });
  cache.set("t/a", { silo: "y", generation: 5 });
  expect(cache.get("t/a")?.silo).toBe("y");
  cache.forget("t/a", "x");
  expect(cache.get("t/a")?.silo).toBe("y");
  cache.forget("t/a", "y");
  expect(cache.get("t/a")).toBeUndefined();
  cache.set("t/a", { silo: "z", generation: 1 });
  expect(cache.get("t/a")?.silo).toBe("z");
});

test("what has neither been learnt nor asked for lately makes room (L1)", () => {
  const cache = new LocationCache(clock, 4);
  for (const key of ["a", "b", "c", "d"]) cache.set(key, { silo: "x", generation: 1 });
  expect(cache.get("a")?.generation).toBe(1);
  // "a" has been asked for and "c" been learnt anew; "b" and "d" have not.
  cache.set("c", { silo: "x", generation: 2 });
  cache.set("e", { silo: "x", generation: 1 });
  expect(["a", "b", "c", "d", "e"].map((key) => cache.get(key)?.generation)).toEqual([
    1,
    undefined,
    2,
    undefined,
    1,
  ]);
});

test("an older entry does not outlive what is newer, and is forgotten like one (L1, L2)", () => {
  const cache = new LocationCache(clock, 2);
  cache.set("a", { silo: "x", generation: 5 });
  cache.set("b", { silo: "y", generation: 1 });
  cache.set("a", { silo: "z", generation: 4 });
  expect(cache.get("a")?.silo).toBe("x");
  cache.forget("b", "y");
  cache.forgetSilo("x");
  expect(["a", "b"].map((key) => cache.get(key))).toEqual([undefined, undefined]);
});

test("however many it learns, it keeps no more than it may (L1)", () => {
  const cache = new LocationCache(clock, 100);
  for (let i = 0; i < 1_000; i++) cache.set(`actor-${i}`, { silo: "x", generation: 1 });
  const kept = Array.from({ length: 1_000 }, (_, i) => i).filter((i) => cache.get(`actor-${i}`));
  expect(kept.length).toBeLessThanOrEqual(100);
  expect(kept.at(-1)).toBe(999);
});

test("a silo's locations are forgotten together, and everything at once", () => {
  const cache = new LocationCache(clock);
  cache.set("a", { silo: "x", generation: 1 });
  cache.set("b", { silo: "y", generation: 1 });
  cache.set("c", { silo: "x", generation: 1 });
  cache.forgetSilo("x");
  expect(["a", "b", "c"].map((key) => cache.get(key)?.silo)).toEqual([undefined, "y", undefined]);
  cache.forget("b", undefined);
  cache.set("c", { silo: "z", generation: 1 });
  cache.clear();
  expect(["b", "c"].map((key) => cache.get(key))).toEqual([undefined, undefined]);
});

test("nobody is where a silo has just died, whoever says so; later it may be so again (L3)", () => {
  const cache = new LocationCache(clock);
  cache.set("a", { silo: "x", generation: 1 });
  cache.died("x");
  expect(cache.get("a")).toBeUndefined();
  expect(cache.set("a", { silo: "x", generation: 2 })).toBe(false);
  expect(cache.get("a")).toBeUndefined();
  expect(cache.set("a", { silo: "y", generation: 2 })).toBe(true);
  clock.now += 1_000;
  expect(cache.set("a", { silo: "x", generation: 3 })).toBe(true);
});
