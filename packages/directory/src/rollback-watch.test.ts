import { decideRenew, type MemberRecord } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { RollbackWatch } from "./rollback-watch.ts";

const record = (counter: number): MemberRecord => ({
  incarnation: "i",
  name: "n",
  rev: 1,
  counter,
  state: "alive",
  protocol: 1,
  types: {},
  roles: [],
  load: 0,
});

test("renewals and claims that the store keeps are no rollback", () => {
  const watch = new RollbackWatch(record(1));
  expect(watch.renewed(record(2), watch.acknowledged, true)).toBe(false);
  expect(watch.claimed(3, watch.acknowledged)).toBe(false);
  const renewal = decideRenew(record(3), {
    incarnation: "i",
    expectedRev: 1,
    load: 0,
    state: "alive",
  });
  expect(renewal.ok && watch.renewed(renewal.member, watch.acknowledged, true)).toBe(false);
  expect(watch.acknowledged).toBe(4);
});

test("a claim's answer that overtakes a renewal's is no rollback (B1)", () => {
  const watch = new RollbackWatch(record(1));
  const atSend = watch.acknowledged;
  expect(watch.claimed(3, watch.acknowledged)).toBe(false);
  expect(watch.renewed(record(2), atSend, true)).toBe(false);
  expect(watch.acknowledged).toBe(3);
});

test("a lost claim, or a lost renewal, is noticed at the next renewal, once (R14, B2)", () => {
  const watch = new RollbackWatch(record(5));
  expect(watch.claimed(6, watch.acknowledged)).toBe(false);
  expect(watch.renewed(record(6), watch.acknowledged, true)).toBe(true);
  expect(watch.renewed(record(7), watch.acknowledged, true)).toBe(false);
  // Told by a conflict: the record is as an older renewal had left it.
  expect(watch.renewed(record(6), watch.acknowledged, false)).toBe(true);
});

test("lost claims are noticed by a claim, before others could hide them (R14)", () => {
  const watch = new RollbackWatch(record(1));
  expect(watch.claimed(4, watch.acknowledged)).toBe(false);
  expect(watch.claimed(3, watch.acknowledged)).toBe(true);
  expect(watch.claimed(4, watch.acknowledged)).toBe(false);
});

test("a record whose rev went back has lost a renewal, whatever its counter says (R14)", () => {
  const watch = new RollbackWatch({ ...record(5), rev: 9 });
  expect(watch.renewed({ ...record(7), rev: 8 }, watch.acknowledged, false)).toBe(true);
  expect(watch.renewed({ ...record(8), rev: 9 }, watch.acknowledged, true)).toBe(false);
});
