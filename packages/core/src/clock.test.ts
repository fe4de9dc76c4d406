import { expect, test } from "vitest";
import { bootTime } from "./clock.ts";

function machine() {
  let [monotonicMs, wallMs, uptimeMs, readings] = [1_000, 5_000, 9_000, 0];
  const read = bootTime({
    monotonicMs: () => monotonicMs,
    wallMs: () => Math.floor(wallMs),
    uptimeMs: () => {
      readings += 1;
      return uptimeMs;
    },
  });
  return {
    read,
    readings: () => readings,
    pass: (ms: number) => {
      monotonicMs += ms;
      wallMs += ms;
      uptimeMs += ms;
    },
    sleep: (ms: number) => {
      wallMs += ms;
      uptimeMs += ms;
    },
    setWall: (byMs: number) => void (wallMs += byMs),
  };
}

test("boot time is read again after ten milliseconds, and not for each question before", () => {
  const { read, readings, pass } = machine();
  expect(read()).toBe(9_000);
  for (let i = 0; i < 100; i++) {
    pass(0.0625);
    read();
  }
  expect(readings()).toBe(1);
  pass(4);
  expect(read()).toBe(9_010.25);
  expect(readings()).toBe(2);
});

test("the time for which a machine was suspended is seen at the first question after it (K1)", () => {
  const { read, pass, sleep } = machine();
  read();
  pass(1);
  sleep(60_000);
  expect(read()).toBe(69_001);
});

test("a wall clock that is set back by as much hides a suspension for ten milliseconds, and no longer (K2)", () => {
  const { read, pass, sleep, setWall } = machine();
  read();
  sleep(60_000);
  setWall(-60_000);
  expect(read()).toBe(9_000);
  pass(10);
  expect(read()).toBe(69_010);
});
