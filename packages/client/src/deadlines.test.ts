import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { expect, test } from "vitest";
import { Deadlines, type Item, NO_SLOT } from "./deadlines.ts";

interface Named extends Item {
  readonly name: string;
}

function setUp() {
  const clock = new VirtualClock();
  const expired: [name: string, atMs: number][] = [];
  const deadlines = new Deadlines<Named>(clock, (item) =>
    expired.push([item.name, clock.monotonicMs()]),
  );
  const add = (name: string, deadlineMs: number): Named => {
    const item = { name, deadlineMs, slot: NO_SLOT };
    deadlines.add(item);
    return item;
  };
  return { clock, expired, deadlines, add };
}

test("an item expires at most a sweep after its deadline, and never before (E1)", async () => {
  const { clock, expired, deadlines, add } = setUp();
  add("late", 100);
  add("early", 10);
  add("middle", 50);
  await clock.advance(9);
  expect(expired).toEqual([]);
  await clock.advance(200);
  expect(expired.map(([name]) => name)).toEqual(["early", "middle", "late"]);
  for (const [[, atMs], deadlineMs] of expired.map(
    (entry, i) => [entry, [10, 50, 100][i]!] as const,
  )) {
    expect(atMs).toBeGreaterThanOrEqual(deadlineMs);
    expect(atMs).toBeLessThanOrEqual(deadlineMs + 4);
  }
  expect(deadlines.size).toBe(0);
});

test("what is taken out does not expire, and what has expired is not there any more", async () => {
  const { clock, expired, deadlines, add } = setUp();
  const item = add("a", 10);
  expect(deadlines.delete(item)).toBe(true);
  expect(deadlines.delete(item)).toBe(false);
  add("b", 20);
  await clock.advance(100);
  expect(expired.map(([name]) => name)).toEqual(["b"]);
});

test("an item that is added while another expires is waited for", async () => {
  const clock = new VirtualClock();
  const expired: string[] = [];
  const deadlines = new Deadlines<Named>(clock, (item) => {
    expired.push(item.name);
    if (item.name === "a")
      deadlines.add({ name: "b", deadlineMs: clock.monotonicMs() + 5, slot: NO_SLOT });
  });
  deadlines.add({ name: "a", deadlineMs: 10, slot: NO_SLOT });
  await clock.advance(100);
  expect(expired).toEqual(["a", "b"]);
});

test("after stop() nothing expires until something is added", async () => {
  const { clock, expired, deadlines, add } = setUp();
  add("a", 10);
  deadlines.stop();
  await clock.advance(100);
  expect(expired).toEqual([]);
  add("b", 150);
  await clock.advance(100);
  expect(expired.map(([name]) => name)).toEqual(["a", "b"]);
});

test("who goes through the items meets each once, and none that was taken out meanwhile", () => {
  const { deadlines, add } = setUp();
  const items = ["a", "b", "c", "d", "e"].map((name) => add(name, 10));
  const met: string[] = [];
  for (const { name } of deadlines) {
    met.push(name);
    if (name === "b") for (const i of [0, 3, 1]) deadlines.delete(items[i]!);
  }
  expect(met).toEqual(["a", "b", "c", "e"]);
  expect([...deadlines].map(({ name }) => name).toSorted()).toEqual(["c", "e"]);
});
