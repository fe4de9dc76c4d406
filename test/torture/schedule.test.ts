import { seededRandom } from "@tenure/core/internal";
import { expect, test } from "vitest";
import {
  describeSchedule,
  drawSchedule,
  PROXIED_KINDS,
  targetOf,
  type Targets,
} from "./schedule.ts";

const TARGETS: Targets = {
  silos: ["one", "two", "three"],
  clients: ["ann", "ben"],
  ttlMs: 2_000,
  kinds: [...PROXIED_KINDS, "partition"],
};
const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);
const drawn = (seed: number) => drawSchedule(seededRandom(seed), 4, TARGETS);

test("one seed gives one schedule, another one another (N1)", () => {
  expect(drawn(7)).toEqual(drawn(7));
  expect(new Set(SEEDS.map((seed) => describeSchedule(drawn(seed)).join())).size).toBe(300);
});

test("every round has two faults at once, never of one target, that end (N2, N3, N4)", () => {
  for (const seed of SEEDS) {
    const strikes = drawn(seed);
    expect(strikes[0]!.faults, `seed ${seed}`).toHaveLength(2);
    for (const { afterMs, faults } of strikes) {
      expect(new Set(faults.map(({ fault }) => targetOf(fault))).size).toBe(faults.length);
      expect(afterMs).toBeGreaterThan(0);
      for (const { fault, offsetMs } of faults) {
        expect(fault.forMs).toBeGreaterThan(0);
        expect(offsetMs).toBeLessThanOrEqual(faults[0]!.fault.forMs);
      }
    }
  }
});

test("every kind of fault, of link and of server is drawn, for less and for more than a lease", () => {
  const faults = SEEDS.flatMap((seed) => drawn(seed).flatMap((s) => s.faults.map((f) => f.fault)));
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(TARGETS.kinds));
  const links = faults.flatMap((fault) => (fault.kind === "link" ? [fault] : []));
  expect(new Set(links.map(({ fault }) => fault.kind)).size).toBe(6);
  expect(new Set(links.map(({ who }) => who)).size).toBe(5);
  expect(new Set(faults.flatMap((f) => ("server" in f ? [f.server] : []))).size).toBe(3);
  expect(Math.min(...faults.map(({ forMs }) => forMs))).toBeLessThan(TARGETS.ttlMs);
  expect(Math.max(...faults.map(({ forMs }) => forMs))).toBeGreaterThan(2 * TARGETS.ttlMs);
});

test("a client is only ever cut off from what it is connected to", () => {
  const others = SEEDS.flatMap((seed) => drawn(seed).flatMap((strike) => strike.faults))
    .map(({ fault }) => targetOf(fault))
    .filter((target) => /ann|ben/.test(target) && !target.includes("nats"));
  expect(others).toEqual([]);
});
