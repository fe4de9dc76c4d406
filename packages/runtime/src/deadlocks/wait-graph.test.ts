import type { CallOnWay, RunningTurn, WaitState } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { agreed, ringsIn, type SeenCall, type WaitGraph } from "./wait-graph.ts";

/** Call 1 goes to actor `a`, call 2 to `b`, and so on. */
function call(request: number): CallOnWay {
  const id = String.fromCharCode(96 + request);
  return { request, actor: { type: "t", id }, silo: "s".repeat(32), method: "take" };
}

/** A turn that waits for these calls. */
function turn(request: number, calls: readonly number[] | undefined, made?: number): RunningTurn {
  return {
    turn: request,
    method: "give",
    made: made ?? calls?.length ?? 0,
    calls: calls?.map(call),
  };
}

const behind = (...turns: RunningTurn[]): WaitState => ({ kind: "waits", behind: turns });
const runs = (of: RunningTurn): WaitState => ({ kind: "runs", turn: of });
const MOVES: WaitState = { kind: "moves" };

function graph(states: Readonly<Record<number, WaitState>>): WaitGraph {
  return new Map(
    Object.entries(states).map(([request, state]): [number, SeenCall] => [
      Number(request),
      { call: call(Number(request)), state },
    ]),
  );
}

const victims = (of: WaitGraph): readonly number[] =>
  ringsIn(of).map(({ victim }) => victim.request);

test("two that wait for each other are a ring, of which the one with the least id is named (Q3)", () => {
  const crossed = graph({ 1: behind(turn(101, [2])), 2: behind(turn(102, [1])) });
  expect(victims(crossed)).toEqual([1]);
  expect(ringsIn(crossed)[0]!.text).toBe(
    "t/b.give → t/a.take, behind t/a.give → t/b.take, behind t/b.give",
  );
});

test("a call that runs is named as such, and only one that waits is refused", () => {
  const nested = graph({
    1: runs(turn(101, [2])),
    2: behind(turn(102, [3])),
    3: behind(turn(103, [1])),
  });
  expect(victims(nested)).toEqual([2]);
  expect(ringsIn(nested)[0]!.text).toBe(
    "t/a.give → t/b.take, behind t/b.give → t/c.take, behind t/c.give → t/a.take",
  );
});

test.each<readonly [string, Readonly<Record<number, WaitState>>]>([
  ["a call of the ring moves", { 1: behind(turn(101, [2])), 2: MOVES }],
  ["a call of the ring is not known", { 1: behind(turn(101, [2])) }],
  [
    "a turn has another call that moves",
    { 1: behind(turn(101, [2, 3])), 2: behind(turn(102, [1])), 3: MOVES },
  ],
  ["a turn has no call open", { 1: behind(turn(101, [])), 2: behind(turn(102, [1])) }],
  [
    "nobody says what a turn waits for",
    { 1: behind(turn(101, undefined)), 2: behind(turn(102, [1])) },
  ],
  ["a call waits for no turn", { 1: behind(), 2: behind(turn(102, [1])) }],
])("there is no ring where %s (Q1)", (_why, states) => {
  expect(victims(graph(states))).toEqual([]);
});

test("a write behind two reads is stuck when one of them is (Q1)", () => {
  const oneOfTwo = graph({
    1: behind(turn(100, [3]), turn(101, [2])),
    2: behind(turn(102, [1])),
    3: MOVES,
  });
  expect(victims(oneOfTwo)).toEqual([1]);
});

test("those who only wait behind a ring are not in it; of two rings both are named", () => {
  const states = {
    1: behind(turn(101, [2])),
    2: behind(turn(102, [1])),
    3: behind(turn(101, [2])),
    4: behind(turn(104, [5])),
    5: behind(turn(105, [4])),
    6: runs(turn(106, [3, 4])),
  };
  expect(victims(graph(states))).toEqual([1, 4]);
});

test("a ring that the breaking of another may open is left for later (Q4)", () => {
  // Turn 102 waits for call 1, which closes the ring of 1 and 2, and for call 3, which waits in a ring of its own.
  const states = {
    1: behind(turn(101, [2])),
    2: behind(turn(102, [1, 3])),
    3: behind(turn(103, [4])),
    4: behind(turn(104, [3])),
  };
  expect(victims(graph(states))).toEqual([3]);
});

test("of rings that all need each other the first is broken (Q4)", () => {
  const states = {
    1: behind(turn(101, [2, 4])),
    2: behind(turn(102, [1])),
    3: behind(turn(103, [2, 4])),
    4: behind(turn(104, [3])),
  };
  expect(victims(graph(states))).toEqual([1]);
});

test("two looks agree on what both of them saw, and on nothing else (Q2)", () => {
  const first = graph({
    1: behind(turn(101, [2]), turn(100, [9])),
    2: behind(turn(102, [1], 1)),
    3: runs(turn(103, [4])),
    4: behind(turn(104, [3])),
    5: behind(turn(105, [1])),
    6: runs(turn(106, [1])),
  });
  const second = graph({
    1: behind(turn(101, [2])),
    // It has made another call in between, and lost one.
    2: behind(turn(102, [1], 2)),
    3: runs(turn(103, [4])),
    4: behind(turn(104, [5])),
    5: runs(turn(5, [1])),
    7: behind(turn(107, [1])),
  });
  expect([...agreed(first, second)].map(([request, { state }]) => [request, state])).toEqual([
    [1, behind(turn(101, [2]))],
    [2, behind()],
    [3, runs(turn(103, [4]))],
    [4, behind()],
  ]);
  expect(victims(agreed(first, first))).toEqual(victims(first));
});
