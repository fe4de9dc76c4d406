// What the figures must not be bought with.
import { createSilo } from "tenure";
import { expect, test } from "vitest";
import { Porter } from "./actors.ts";
import { payload } from "./payload.ts";
import { isComparable, percentile } from "./statistics.ts";

test("the payload that is measured is isolated on its way in and out", async () => {
  let carried: ReturnType<typeof payload> | undefined;
  class Keeper extends Porter {
    static override readonly actor = Porter.actor;
    override carry(load: ReturnType<typeof payload>) {
      carried = load;
      return super.carry(load);
    }
  }
  await using silo = await createSilo({ actors: [Keeper], stopOnSigterm: false });
  const given = payload(7);
  const answer = silo.client.get(Keeper, "k").carry(given);
  // Nothing of the call has to wait, and still nobody sees what its caller does now.
  given.bytes.fill(1);
  const back = await answer;
  expect(carried).toEqual(payload(7));
  expect(back).toEqual(payload(7));
  carried!.bytes.fill(2);
  expect(back.bytes).toEqual(payload(7).bytes);
  expect(new Set([given, carried, back]).size).toBe(3);
  expect(new Set([given.bytes.buffer, carried!.bytes.buffer, back.bytes.buffer]).size).toBe(3);
});

test("a raw figure below half of what is usual is no ceiling; for a latency, one above twice of it", () => {
  expect(isComparable(40_000, 80_000, "calls/s")).toBe(true);
  expect(isComparable(39_999, 80_000, "calls/s")).toBe(false);
  expect(isComparable(0.84, 0.42, "ms")).toBe(true);
  expect(isComparable(0.85, 0.42, "ms")).toBe(false);
});

test("a percentile between two values is their mean", () => {
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(percentile([5], 0.99)).toBe(5);
});
