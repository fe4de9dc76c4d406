import { decideRenew, type MemberRecord } from "@tenure/core/internal";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RollbackWatch } from "./rollback-watch.ts";

const record = (counter: number, rev = 1): MemberRecord => ({
  incarnation: "i",
  name: "n",
  rev,
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

test("a lost claim, or a lost renewal, is noticed at the next renewal, once (R14, B4)", () => {
  const watch = new RollbackWatch(record(5));
  expect(watch.claimed(6, watch.acknowledged)).toBe(false);
  expect(watch.renewed(record(6), watch.acknowledged, true)).toBe(true);
  expect(watch.renewed(record(7), watch.acknowledged, true)).toBe(false);
  // Told by a conflict: the record is as an older renewal had left it.
  expect(watch.renewed(record(6), watch.acknowledged, false)).toBe(true);
});

test("a lost claim is noticed although the next one took its place (B2, H41)", () => {
  const watch = new RollbackWatch(record(1));
  expect(watch.claimed(2, watch.acknowledged)).toBe(false);
  // The store lost it; the next claim is the second write again.
  expect(watch.claimed(2, watch.acknowledged)).toBe(true);
  expect(watch.claimed(3, watch.acknowledged)).toBe(false);
});

test("a lost claim is noticed although a claim that was sent before its answer took its place (B2, H41)", () => {
  const watch = new RollbackWatch(record(1));
  const bothSent = watch.acknowledged;
  expect(watch.claimed(2, bothSent)).toBe(false);
  expect(watch.claimed(2, bothSent)).toBe(true);
});

test("a lost claim is noticed although a renewal without an answer took its place (B3)", () => {
  const watch = new RollbackWatch(record(1, 1));
  expect(watch.claimed(2, watch.acknowledged)).toBe(false);
  const renewalSent = watch.acknowledged;
  // The claim is lost, the renewal is applied as the second write, and its answer never comes. The next finds its record.
  expect(watch.renewed(record(2, 2), renewalSent, false)).toBe(true);
});

test("a renewal without an answer is no rollback when its record is where it must be (B3)", () => {
  const watch = new RollbackWatch(record(1, 1));
  const renewalSent = watch.acknowledged;
  expect(watch.renewed(record(2, 2), renewalSent, false)).toBe(false);
  expect(watch.renewed(record(3, 3), watch.acknowledged, true)).toBe(false);
});

test("a record whose rev went back has lost a renewal, whatever its counter says (R14)", () => {
  const watch = new RollbackWatch({ ...record(5), rev: 9 });
  expect(watch.renewed({ ...record(7), rev: 8 }, watch.acknowledged, false)).toBe(true);
  expect(watch.renewed({ ...record(8), rev: 9 }, watch.acknowledged, true)).toBe(false);
});

// Claims under way in any number, acknowledged in any order; at most one loss of the newest writes.
test("in any course of claims a loss of acknowledged ones is noticed once all are decided, and nothing else is (B1, B2)", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant("send") },
    { weight: 4, arbitrary: fc.nat(9).map((which) => ({ apply: which })) },
    { weight: 4, arbitrary: fc.nat(9).map((which) => ({ answer: which })) },
    { weight: 1, arbitrary: fc.nat(4).map((count) => ({ lose: count })) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const watch = new RollbackWatch(record(1));
      let counter = 1;
      let noticed = false;
      let lostAcknowledged = false;
      const sent: { atSend: number }[] = [];
      let applied: { atSend: number; place: number; answered: boolean }[] = [];
      const underway: typeof applied = [];
      const apply = (which: number): void => {
        const [claim] = sent.splice(which % Math.max(1, sent.length), 1);
        if (!claim) return;
        const one = { ...claim, place: ++counter, answered: false };
        applied.push(one);
        underway.push(one);
      };
      const answer = (which: number): void => {
        const [one] = underway.splice(which % Math.max(1, underway.length), 1);
        if (!one) return;
        one.answered = true;
        // Acknowledged, and lost before or after.
        if (!applied.includes(one)) lostAcknowledged = true;
        noticed = watch.claimed(one.place, one.atSend) || noticed;
      };
      for (const now of steps)
        if (now === "send") sent.push({ atSend: watch.acknowledged });
        else if (typeof now === "string") continue;
        else if ("apply" in now) apply(now.apply);
        else if ("answer" in now) answer(now.answer);
        else if (!lostAcknowledged && !noticed) {
          const lost = applied.slice(applied.length - Math.min(now.lose, applied.length));
          applied = applied.slice(0, applied.length - lost.length);
          counter -= lost.length;
          lostAcknowledged = lost.some((one) => one.answered);
        }
      while (sent.length > 0) apply(0);
      while (underway.length > 0) answer(0);
      // The next renewal, which is after everything.
      const renewed = watch.renewed(record(counter + 1), watch.acknowledged, true);
      expect(noticed || renewed).toBe(lostAcknowledged);
    }),
    { numRuns: 2_000 },
  );
});
