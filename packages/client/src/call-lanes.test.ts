import { valueBody } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { deferred, nextTurn } from "../../../test/support/deferred.ts";
import { CallLanes, type LaneHost } from "./call-lanes.ts";
import { laneOf, type OutgoingCall } from "./outgoing-call.ts";

function makeCall(name: string, fields: Partial<OutgoingCall> = {}): OutgoingCall {
  return {
    actor: { type: "t", id: "i" },
    actorKey: "t/i",
    lane: "t/i",
    method: name,
    key: undefined,
    chain: [],
    headers: undefined,
    repeatable: false,
    strict: false,
    origin: undefined,
    deadlineMs: 1,
    timeoutMs: 1,
    answer: { resolve: () => undefined, reject: () => undefined },
    args: valueBody([]),
    gate: undefined,
    signal: undefined,
    onAbort: undefined,
    attempt: 0,
    hops: 0,
    evidence: 0,
    avoid: undefined,
    maybeRan: false,
    lastFailure: undefined,
    retry: undefined,
    heldBack: 0,
    paid: false,
    flight: undefined,
    slot: -1,
    done: false,
    ...fields,
  };
}

function setUp(locate: LaneHost["locate"] = () => Promise.resolve()) {
  const sent: string[] = [];
  const refused: string[] = [];
  const located = { yes: false };
  const lanes = new CallLanes({
    trySend: (call) => {
      if (!located.yes) return false;
      sent.push(call.method);
      return true;
    },
    locate,
    mayLeave: (call) => call.origin?.mayLeave() ?? true,
    gateRefused: (call, error) => {
      call.done = true;
      refused.push(`${call.method}: ${String(error)}`);
    },
  });
  return { lanes, sent, refused, located };
}

test("calls leave in the order of their making, whatever each waits for", async () => {
  const gate = deferred();
  const found = deferred();
  const { lanes, sent, located } = setUp(async () => {
    await found.promise;
    located.yes = true;
  });
  lanes.enter(makeCall("first", { gate: gate.promise }));
  lanes.enter(makeCall("second"));
  lanes.enter(makeCall("third", { gate: Promise.resolve() }));
  await nextTurn();
  expect(sent).toEqual([]);
  expect(lanes.has("t/i")).toBe(true);
  gate.resolve();
  await nextTurn();
  expect(sent).toEqual([]);
  found.resolve();
  await nextTurn();
  expect(sent).toEqual(["first", "second", "third"]);
  expect(lanes.size).toBe(0);
});

test("a call whose gate is refused does not leave, and does not keep the others", async () => {
  const { lanes, sent, refused, located } = setUp();
  located.yes = true;
  lanes.enter(makeCall("lost", { gate: Promise.reject(new Error("fenced")) }));
  lanes.enter(makeCall("fine"));
  await nextTurn();
  expect(refused).toEqual(["lost: Error: fenced"]);
  expect(sent).toEqual(["fine"]);
});

test("a call that is over by its turn is passed over", async () => {
  const gate = deferred();
  const { lanes, sent, located } = setUp();
  located.yes = true;
  const over = makeCall("over");
  lanes.enter(makeCall("first", { gate: gate.promise }));
  lanes.enter(over);
  lanes.enter(makeCall("last"));
  over.done = true;
  gate.resolve();
  await nextTurn();
  expect(sent).toEqual(["first", "last"]);
});

test("when the actor cannot be found the whole lane is taken out at once, and is empty afterwards", async () => {
  const taken: string[] = [];
  const { lanes, sent } = setUp(async (call) => {
    await Promise.resolve();
    for (const other of lanes.takeAll(call.lane)) taken.push(other.method);
  });
  for (const name of ["a", "b", "c"]) lanes.enter(makeCall(name));
  await nextTurn();
  expect(taken).toEqual(["a", "b", "c"]);
  expect(sent).toEqual([]);
  expect(lanes.size).toBe(0);
  expect(lanes.takeAll("t/i")).toEqual([]);
});

test("callers have lanes of their own, which no choice of ids can confuse", () => {
  const from = (type: string, id: string) => [{ type, id, method: "m", turn: 1 }];
  const lanes = [
    laneOf([], "t/i"),
    laneOf(from("t", "i"), "t/i"),
    laneOf(from("t", "i:t/i"), "t/i"),
    laneOf(from("t", "i"), "t/i:t/i"),
    laneOf([], "t/3:t/i:t/i"),
  ];
  expect(new Set(lanes).size).toBe(lanes.length);
  expect(laneOf([...from("x", "y"), ...from("t", "i")], "t/i")).toBe(laneOf(from("t", "i"), "t/i"));
});

test("a call whose turn lost its actor while the call was being located does not leave (R6, R17, R25)", async () => {
  const found = deferred();
  const { lanes, sent, refused, located } = setUp(async () => {
    await found.promise;
    located.yes = true;
  });
  const standing = { mayLeave: true };
  const origin = {
    chain: [],
    deadlineMs: Infinity,
    gate: () => (standing.mayLeave ? undefined : Promise.reject(new Error("lost"))),
    mayLeave: () => standing.mayLeave,
  };
  lanes.enter(makeCall("of a turn", { origin }));
  await nextTurn();
  standing.mayLeave = false;
  found.resolve();
  await nextTurn();
  expect(sent).toEqual([]);
  expect(refused).toEqual(["of a turn: Error: lost"]);
  expect(lanes.size).toBe(0);
});
