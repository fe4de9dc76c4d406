import type { Placement } from "@tenure/core";
import { seededRandom } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { type Candidate, place } from "./placement.ts";

const silo = (name: string, load: number, roles: readonly string[] = []): Candidate => ({
  incarnation: name,
  name: `silo-${name}`,
  load,
  roles,
});
const silos = [silo("a", 10), silo("b", 0, ["gpu"]), silo("c", 5, ["gpu", "eu"])];
const actor = { type: "thing", id: "x" };

function draws(placement: Placement, self: string): Record<string, number> {
  const random = seededRandom(7);
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let i = 0; i < 3_000; i++) {
    const placed = place({ type: "thing", id: `${i}` }, placement, silos, self, () =>
      random.next(),
    );
    if (placed.kind !== "at") throw new Error(`not placed: ${placed.kind}`);
    counts[placed.silo]! += 1;
  }
  return counts;
}

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

test("hash spreads actors alike, whoever is asked and in whatever order the silos come", () => {
  expect(Math.min(...Object.values(draws("hash", "a")))).toBeGreaterThan(900);
  for (let i = 0; i < 100; i++) {
    const one = { type: "thing", id: `${i}` };
    const noChance = (): number => {
      throw new Error("hash draws nothing");
    };
    expect(place(one, "hash", silos, "a", noChance)).toEqual(
      place(one, "hash", silos.toReversed(), "c", noChance),
    );
  }
});

test("by hash a silo that goes moves only its own actors, and one that restarts gets them back", () => {
  const where = (id: string, among: readonly Candidate[]): string => {
    const placed = place({ type: "thing", id }, "hash", among, "a", () => 0);
    return placed.kind === "at" ? placed.silo : placed.kind;
  };
  const [a, b, c] = silos as [Candidate, Candidate, Candidate];
  const reborn = { ...b, incarnation: "b again" };
  const movedTo = new Set<string>();
  for (let i = 0; i < 1_000; i++) {
    const before = where(`${i}`, silos);
    const without = where(`${i}`, [a, c]);
    if (before === "b") movedTo.add(without);
    expect(before === "b" ? "moved" : without).toBe(before === "b" ? "moved" : before);
    expect(where(`${i}`, [a, reborn, c])).toBe(before === "b" ? "b again" : before);
  }
  expect(movedTo).toEqual(new Set(["a", "c"]));
});

test("a role is asked of every silo, and balanced among those that have it", () => {
  const counts = draws({ role: "gpu" }, "a");
  expect(counts["a"]).toBe(0);
  expect(counts["b"]!).toBeGreaterThan(counts["c"]!);
  expect(counts["c"]!).toBeGreaterThan(100);
  expect(draws({ role: "eu" }, "a")).toEqual({ a: 0, b: 0, c: 3_000 });
  expect(place(actor, { role: "arm" }, silos, "a", () => 0)).toEqual({
    kind: "nowhere",
    wanted: "silo with the role 'arm'",
  });
});

test("a function is told the actor and the silos, and decides", () => {
  const asked: unknown[] = [];
  const placed = place(
    actor,
    (...given) => {
      asked.push(...given);
      return "silo-b";
    },
    silos,
    "a",
    () => 0,
  );
  expect(placed).toEqual({ kind: "at", silo: "b" });
  expect(asked).toEqual([
    actor,
    [
      { name: "silo-a", roles: [], load: 10 },
      { name: "silo-b", roles: ["gpu"], load: 0 },
      { name: "silo-c", roles: ["gpu", "eu"], load: 5 },
    ],
  ]);
});

test.for<[string, () => string, string]>([
  [
    "names nobody there",
    () => "silo-z",
    'answered "silo-z", which is none of silo-a, silo-b, silo-c',
  ],
  ["names an incarnation", () => "a", 'answered "a", which is none of'],
  ["answers nothing", () => undefined as unknown as string, "answered undefined, which is none of"],
  ["answers a promise", () => Promise.resolve("silo-a") as unknown as string, "answered an object"],
  [
    "throws",
    () => {
      throw new Error("no idea");
    },
    "threw: Error: no idea",
  ],
])("a function that %s is wrong, and said to be (L1)", ([_what, choose, problem]) => {
  const placed = place(actor, choose, silos, "a", () => 0);
  expect(placed.kind).toBe("wrong");
  expect(placed).toMatchObject({ problem: expect.stringContaining(problem) as unknown });
  expect(placed).toMatchObject({
    problem: expect.stringContaining("the placement function of 'thing'") as unknown,
  });
});

test("nobody to choose from is said, not guessed, and no function is asked", () => {
  const never = (): string => {
    throw new Error("was asked");
  };
  for (const placement of ["balanced", "hash", { role: "gpu" }, never] as const)
    expect(place(actor, placement, [], "a", () => 0).kind).toBe("nowhere");
});
