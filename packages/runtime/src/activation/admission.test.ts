import { expect, test } from "vitest";
import { admit, keyLane, mayStart, type SeenTurn } from "./admission.ts";

test.each([
  // mode, write, read, interleave running → may start
  ["write", 0, 0, 0, true],
  ["write", 1, 0, 0, false],
  ["write", 0, 1, 0, false],
  ["write", 0, 0, 3, true],
  ["read", 0, 0, 0, true],
  ["read", 0, 5, 0, true],
  ["read", 1, 0, 0, false],
  ["read", 0, 0, 1, true],
  ["interleave", 1, 0, 0, true],
  ["interleave", 0, 2, 1, true],
] as const)(
  "%s beside %d writes, %d reads, %d interleaves: %s",
  (mode, write, read, interleave, may) => {
    expect(mayStart(mode, { write, read, interleave })).toBe(may);
  },
);

const turn = (mode: SeenTurn["mode"], lane?: string): SeenTurn => ({ mode, lane });
const NOBODY = { write: 0, read: 0, interleave: 0 };

test.each([
  // reentrancy, call, turns of its own chain, others → verdict
  ["detect", "write", [turn("write")], NOBODY, "deadlock"],
  ["detect", "read", [turn("write")], NOBODY, "deadlock"],
  ["detect", "write", [turn("read")], NOBODY, "deadlock"],
  ["detect", "read", [turn("read")], NOBODY, "start"],
  ["detect", "interleave", [turn("write")], NOBODY, "start"],
  // A turn that is not of its chain is waited for, like any other.
  ["detect", "write", [turn("interleave")], { ...NOBODY, write: 1 }, "wait"],
  ["detect", "write", [turn("interleave")], NOBODY, "start"],
  ["chain", "write", [turn("write")], NOBODY, "start"],
  ["chain", "read", [turn("write")], NOBODY, "start"],
  ["chain", "write", [turn("write"), turn("write")], NOBODY, "start"],
  ["chain", "write", [turn("write")], { ...NOBODY, write: 1 }, "wait-ahead"],
  ["chain", "write", [turn("read")], { ...NOBODY, read: 1 }, "wait-ahead"],
  ["chain", "write", [turn("write", "k1")], NOBODY, "deadlock-keyed"],
  ["chain", "interleave", [turn("write", "k1")], NOBODY, "start"],
  ["full", "write", [turn("write")], { ...NOBODY, write: 3 }, "start"],
  ["full", "read", [], { ...NOBODY, write: 1 }, "start"],
] as const)("under '%s' a %s inside of %o, beside %o: %s", (how, mode, own, running, verdict) => {
  expect(admit(turn(mode), own, { running, lanes: new Set() }, how)).toBe(verdict);
});

test("under 'full' a key waits for its own running call, and is a deadlock inside of it (A4)", () => {
  const lane = keyLane("a", "write");
  const running = { ...NOBODY, write: 1 };
  const others = { running, lanes: new Set([lane!]) };
  expect(admit(turn("write", lane), [], others, "full")).toBe("wait");
  expect(admit(turn("write", keyLane("b", "write")), [], others, "full")).toBe("start");
  expect(admit(turn("write", lane), [turn("write", lane)], others, "full")).toBe("deadlock-keyed");
});

test("the numbers of one sender are one lane; a read has none", () => {
  const one = keyLane({ sender: "s", sequence: 1 }, "write");
  expect(keyLane({ sender: "s", sequence: 2 }, "write")).toBe(one);
  expect(keyLane("s", "write")).not.toBe(one);
  expect(keyLane("s", "read")).toBeUndefined();
});
