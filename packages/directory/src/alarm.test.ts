import { expect, test } from "vitest";
import { StepClock } from "../../../test/support/step-clock.ts";
import { Alarm } from "./alarm.ts";

const never = new AbortController().signal;

test("a wait ends after its time, or when it is rung", async () => {
  const clock = new StepClock();
  const alarm = new Alarm();
  const slept = alarm.wait(clock, 100, never);
  await clock.advance(100);
  expect(await slept).toBe(false);
  const rung = alarm.wait(clock, 100, never);
  alarm.ring();
  alarm.ring();
  expect(await rung).toBe(true);
  // The second ring came while nobody waited.
  expect(await alarm.wait(clock, 100, never)).toBe(true);
  const next = alarm.wait(clock, 100, never);
  await clock.advance(100);
  expect(await next).toBe(false);
});

test("a ring is never lost: it ends the next wait at once (A1)", async () => {
  const alarm = new Alarm();
  alarm.ring();
  expect(await alarm.wait(new StepClock(), 100, never)).toBe(true);
});

test("a wait ends with its signal, before or during it, and leaves no timer", async () => {
  const clock = new StepClock();
  const alarm = new Alarm();
  const stop = new AbortController();
  const waiting = alarm.wait(clock, 100, stop.signal);
  stop.abort(new Error("stopped"));
  await expect(waiting).rejects.toThrow("stopped");
  await expect(alarm.wait(clock, 100, stop.signal)).rejects.toThrow("stopped");
  let steps = 0;
  clock.onStep = () => steps++;
  await clock.advance(200);
  expect(steps).toBe(2);
});
