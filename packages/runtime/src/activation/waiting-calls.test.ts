import { expect, test } from "vitest";
import type { IncomingCall } from "./incoming-call.ts";
import { WaitingCalls } from "./waiting-calls.ts";

const call = (request: number): IncomingCall => ({ request }) as IncomingCall;
const any = (): boolean => true;
const only =
  (request: number) =>
  (each: IncomingCall): boolean =>
    each.request === request;

test("calls start in the order in which they came, and one that may not start holds up the rest (W1)", () => {
  const waiting = new WaitingCalls(10, true);
  for (const n of [1, 2]) waiting.offer(call(n), false);
  expect(waiting.next(only(2))).toBeUndefined();
  expect(waiting.next(any)?.request).toBe(1);
  expect(waiting.next(any)?.request).toBe(2);
});

test("where turns run beside each other at will, one that may not start holds up nobody (W1)", () => {
  const waiting = new WaitingCalls(10, false);
  for (const n of [1, 2]) waiting.offer(call(n), false);
  expect(waiting.next(only(2))?.request).toBe(2);
});

test("calls that a running turn waits for stand ahead of the others, and hold up none of their own (W2)", () => {
  const waiting = new WaitingCalls(10, true);
  waiting.offer(call(1), false);
  for (const n of [2, 3]) waiting.offer(call(n), true);
  expect(waiting.next(any)).toBeUndefined();
  expect(waiting.nextNested(only(3))?.request).toBe(3);
  expect(waiting.upTo(2).map(({ request }) => request)).toEqual([2]);
  expect(waiting.upTo(1).map(({ request }) => request)).toEqual([2, 1]);
  expect(waiting.nextNested(any)?.request).toBe(2);
  expect(waiting.next(any)?.request).toBe(1);
});

test("each row takes as many as it has room for (W3)", () => {
  const waiting = new WaitingCalls(1, true);
  expect([waiting.offer(call(1), false), waiting.offer(call(2), false)]).toEqual([true, false]);
  expect([waiting.offer(call(3), true), waiting.offer(call(4), true)]).toEqual([true, false]);
  expect(waiting.size).toBe(2);
  expect(waiting.drain().map(({ request }) => request)).toEqual([3, 1]);
});
