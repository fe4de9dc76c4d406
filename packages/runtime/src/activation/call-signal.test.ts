import { CallTimeoutError, type Clock } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { VirtualClock } from "../../../testing/src/virtual-clock.ts";
import { CallSignal } from "./call-signal.ts";

const LINK = { type: "t", id: "i", method: "m", turn: 1 };

/** A clock whose timers wait for no longer than `atMostMs`, and which counts those that are set. */
function impatient(clock: VirtualClock, atMostMs = Infinity) {
  let timers = 0;
  const counted: Clock = {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    instant: () => clock.instant(),
    elapsedMs: (start) => clock.elapsedMs(start),
    afterTurn: (fn) => clock.afterTurn(fn),
    after: (ms, fn) => {
      timers += 1;
      const timer = clock.after(Math.min(ms, atMostMs), () => {
        timers -= 1;
        fn();
      });
      return {
        cancel: () => {
          timers -= 1;
          timer.cancel();
        },
      };
    },
  };
  return { clock: counted, timers: () => timers };
}

test("a signal that nobody looks at sets no timer; one that somebody does has one until its turn ends (G1, G3)", async () => {
  const virtual = new VirtualClock();
  const { clock, timers } = impatient(virtual);
  const call = new CallSignal(clock, 100, LINK);
  expect([timers(), call.aborted]).toEqual([0, false]);
  const { signal } = call;
  expect(call.signal).toBe(signal);
  expect(timers()).toBe(1);
  call.end();
  expect(timers()).toBe(0);
  await virtual.advance(200);
  expect(signal.aborted).toBe(false);
});

test("a deadline that is further away than any timer can wait is waited for", async () => {
  const virtual = new VirtualClock();
  const { signal } = new CallSignal(impatient(virtual, 10).clock, 95, LINK);
  await virtual.advance(94);
  expect(signal.aborted).toBe(false);
  await virtual.advance(1);
  expect(signal.reason).toBeInstanceOf(CallTimeoutError);
});

test("a call without a deadline never times out, and needs no timer", () => {
  const { clock, timers } = impatient(new VirtualClock());
  expect(new CallSignal(clock, Infinity, LINK).signal.aborted).toBe(false);
  expect(timers()).toBe(0);
});

test("a signal that is first looked at when its time is up has aborted", () => {
  const call = new CallSignal(new VirtualClock(), 0, LINK);
  expect(call.signal.reason).toBeInstanceOf(CallTimeoutError);
});

test("the first reason stays, whether somebody looks before or after (G2)", async () => {
  for (const looks of [true, false]) {
    const clock = new VirtualClock();
    const call = new CallSignal(clock, 10, LINK);
    const seen = looks ? [call.signal.aborted] : [];
    expect(seen).toEqual(looks ? [false] : []);
    const first = new Error("first");
    call.abort(first);
    expect(call.aborted).toBe(looks); // Nobody knows who has not looked.
    call.cancel();
    await clock.advance(20);
    expect(call.signal.reason).toBe(first);
    expect(call.aborted).toBe(true);
  }
});

test("a turn that has ended is told nothing any more (G3)", () => {
  const call = new CallSignal(new VirtualClock(), 10, LINK);
  call.end();
  call.cancel();
  expect(call.signal.aborted).toBe(false);
});
