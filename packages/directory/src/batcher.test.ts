import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { StoreUnavailableError } from "@tenure/core/internal";
import { Batcher } from "./batcher.ts";
import { bounded } from "./bounded.ts";
import type { GathererOptions } from "./gatherer.ts";

function gathered(
  answers: (batch: readonly number[]) => Promise<readonly string[]>,
  options: GathererOptions = {},
) {
  const clock = new VirtualClock();
  const batches: (readonly number[])[] = [];
  const batcher = new Batcher<number, string>(
    clock,
    async (batch) => {
      batches.push(batch);
      return await answers(batch);
    },
    { maxBatch: 3, maxInFlight: 2, ...options },
  );
  return { clock, batches, batcher };
}
/** The same, where each batch is undecided until its function in `open` is called. */
function heldOpen(options: GathererOptions = {}) {
  const open: (() => void)[] = [];
  const held = gathered(async (batch) => {
    await new Promise<void>((resolve) => {
      open.push(resolve);
    });
    return await named(batch);
  }, options);
  return { ...held, open };
}

const named = async (batch: readonly number[]): Promise<string[]> => batch.map((n) => `#${n}`);

test("what is asked in one turn travels together, and each gets its own answer", async () => {
  const { clock, batches, batcher } = gathered(named);
  const asked = Promise.all([1, 2].map((n) => batcher.ask(n)));
  expect(batches).toEqual([]);
  await clock.settle();
  expect(await asked).toEqual(["#1", "#2"]);
  expect(batches).toEqual([[1, 2]]);
});

test("a batch that is worth its way leaves within the turn, the rest with the turn's end (B3)", async () => {
  const { clock, batches, batcher } = gathered(named, { leavesAt: 2 });
  const asked = Promise.all([1, 2, 3].map((n) => batcher.ask(n)));
  expect(batches).toEqual([[1, 2]]);
  await clock.settle();
  expect(batches).toEqual([[1, 2], [3]]);
  expect(await asked).toEqual(["#1", "#2", "#3"]);
});

test("no batch leaves early while as many as may be are undecided, and what waits then leaves in full batches (B1, B3)", async () => {
  const { clock, batches, batcher, open } = heldOpen({ leavesAt: 1 });
  const asked = Promise.all([1, 2, 3, 4, 5, 6].map((n) => batcher.ask(n)));
  expect(batches).toEqual([[1], [2]]);
  open.shift()!();
  await clock.settle();
  expect(batches).toEqual([[1], [2], [3, 4, 5]]);
  open.shift()!();
  await clock.settle();
  for (const answer of open) answer();
  expect(await asked).toHaveLength(6);
});

test("batches have a largest size, and at most so many are undecided at once (R27)", async () => {
  const { clock, batches, batcher, open } = heldOpen();
  const asked = Promise.all([1, 2, 3, 4, 5, 6, 7].map((n) => batcher.ask(n)));
  await clock.settle();
  expect(batches).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  open.shift()!();
  await clock.settle();
  expect(batches).toHaveLength(3);
  for (const answer of open) answer();
  expect(await asked).toHaveLength(7);
});

test("of operations only so many wait; one more is refused at once, and there is room again when the store answers (B2, I12)", async () => {
  const { clock, batches, batcher, open } = heldOpen({ maxInFlight: 1, maxWaiting: 4 });
  const first = Promise.all([1, 2, 3].map((n) => batcher.ask(n)));
  await clock.settle();
  const next = Promise.all([4, 5, 6, 7].map((n) => batcher.ask(n)));
  const refused: unknown = await batcher.ask(8).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(StoreUnavailableError);
  expect(String(refused)).toContain("4 operations wait for the store");
  open.shift()!();
  await clock.settle();
  expect(await first).toEqual(["#1", "#2", "#3"]);
  const late = batcher.ask(9);
  for (let i = 0; i < 2; i++) {
    open.shift()!();
    await clock.settle();
  }
  expect(await next).toEqual(["#4", "#5", "#6", "#7"]);
  expect(await late).toBe("#9");
  expect(batches.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 9]);
});

test("a batch that fails fails each of its own, and the next one goes on", async () => {
  let calls = 0;
  const { clock, batcher } = gathered(async (batch) => {
    if (calls++ === 0) throw new Error("no answer");
    return await named(batch);
  });
  const first = Promise.allSettled([batcher.ask(1), batcher.ask(2)]);
  await clock.settle();
  expect((await first).map((one) => one.status)).toEqual(["rejected", "rejected"]);
  const second = batcher.ask(3);
  await clock.settle();
  expect(await second).toBe("#3");
});

test("a store that answers fewer requests than it was asked is not believed at all", async () => {
  const { clock, batcher } = gathered(async () => ["only one"]);
  const asked = Promise.allSettled([batcher.ask(1), batcher.ask(2)]);
  await clock.settle();
  expect((await asked).map((one) => one.status)).toEqual(["rejected", "rejected"]);
});

test("an operation that is never answered counts as undecided after its time (R7)", async () => {
  const clock = new VirtualClock();
  const asked = bounded(clock, 100, "claim", new Promise<never>(() => undefined)).catch(String);
  await clock.advance(100);
  expect(await asked).toContain("claim: no answer within 100 ms");
  expect(await bounded(clock, 100, "claim", Promise.resolve(1))).toBe(1);
  await expect(bounded(clock, 100, "claim", Promise.reject(new Error("no")))).rejects.toThrow("no");
});
