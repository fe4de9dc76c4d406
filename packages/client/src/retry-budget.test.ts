import fc from "fast-check";
import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { mayRetry, type Payer, RETRY_BUDGET, RetryBudget, tokensAfter } from "./retry-budget.ts";

const { deposit: DEPOSIT, perSecond: PER_SECOND, reserve: RESERVE } = RETRY_BUDGET;

function setUp() {
  const clock = new VirtualClock();
  return { clock, budget: new RetryBudget(clock, { mayRetry }) };
}
/** Retries until there is no budget: how many. */
function exhaust(budget: RetryBudget): number {
  let retries = 0;
  while (budget.pay({ paid: false })) retries += 1;
  return retries;
}

test("a caller without traffic can retry at once, and at a steady rate after that (B1)", async () => {
  const { clock, budget } = setUp();
  expect(exhaust(budget)).toBe(RESERVE);
  expect(budget.hasTokens).toBe(false);
  await clock.advance(1_000);
  expect(exhaust(budget)).toBe(PER_SECOND);
  await clock.advance(3_600_000);
  expect(exhaust(budget)).toBe(RESERVE);
});

test("calls that leave pay in a part of a retry each (B1)", () => {
  const { budget } = setUp();
  exhaust(budget);
  for (let i = 0; i < 101; i++) budget.deposit();
  expect(exhaust(budget)).toBe(Math.floor(101 * DEPOSIT));
  for (let i = 0; i < 100 * RESERVE; i++) budget.deposit();
  expect(exhaust(budget)).toBe(RESERVE);
});

test("a retry that cost nobody anything is given back, once (B2)", () => {
  const { budget } = setUp();
  const call: Payer = { paid: false };
  expect(budget.pay(call)).toBe(true);
  exhaust(budget);
  budget.giveBack(call);
  budget.giveBack(call);
  expect(exhaust(budget)).toBe(1);
  budget.giveBack({ paid: false });
  expect(exhaust(budget)).toBe(0);
});

test("in any stretch of time, at most so many retries are in vain (B3)", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(2_000) }),
    fc.record({ kind: fc.constant("calls" as const), n: fc.nat(500) }),
    fc.record({ kind: fc.constant("retries" as const), n: fc.nat(500), inVain: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, from) => {
      let nowMs = 0;
      const clock = Object.assign(new VirtualClock(), { monotonicMs: () => nowMs });
      const budget = new RetryBudget(clock, { mayRetry });
      let watched = { calls: 0, inVain: 0, sinceMs: 0 };
      steps.forEach((each, i) => {
        if (i === from) watched = { calls: 0, inVain: 0, sinceMs: nowMs };
        if (each.kind === "pass") nowMs += each.ms;
        else if (each.kind === "calls")
          for (let n = 0; n < each.n; n++) {
            budget.deposit();
            watched.calls += 1;
          }
        else
          for (let n = 0; n < each.n; n++) {
            const call: Payer = { paid: false };
            if (!budget.pay(call)) break;
            if (each.inVain) watched.inVain += 1;
            else budget.giveBack(call);
          }
        const seconds = (nowMs - watched.sinceMs) / 1_000;
        expect(watched.inVain).toBeLessThanOrEqual(
          RESERVE + PER_SECOND * seconds + DEPOSIT * watched.calls + 1e-6,
        );
      });
    }),
  );
});

test("a clock that stands still or steps back neither adds nor takes anything", () => {
  expect(tokensAfter(3, 0)).toBe(3);
  expect(tokensAfter(3, -10_000)).toBe(3);
});
