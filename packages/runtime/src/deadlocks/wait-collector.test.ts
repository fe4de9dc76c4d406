import type { AskedCall, CallOnWay, Message, WaitState } from "@tenure/core/internal";
import { seededRandom } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { StepClock } from "../../../../test/support/step-clock.ts";
import { WaitCollector } from "./wait-collector.ts";

const SELF = "0".repeat(32);
const OTHER = "1".repeat(32);

function call(request: number, silo: string): CallOnWay {
  return { request, actor: { type: "t", id: String(request) }, silo, method: "m" };
}

function behindCalls(turn: number, ...calls: CallOnWay[]): WaitState {
  return { kind: "waits", behind: [{ turn, method: "m", made: calls.length, calls }] };
}

function collecting(states: (asked: readonly AskedCall[]) => readonly WaitState[]) {
  const clock = new StepClock();
  const sent: { to: string; message: Extract<Message, { kind: "waits" }> }[] = [];
  const collector: WaitCollector = new WaitCollector({
    self: SELF,
    clock,
    random: seededRandom(1),
    states,
    send: (to, message) => {
      if (message.kind === "waits") sent.push({ to, message });
    },
  });
  return { clock, sent, collector };
}

test("it follows the calls of turns from silo to silo, and asks each silo once at a time (C1)", async () => {
  const { sent, collector } = collecting((asked) =>
    asked.map(({ request }) =>
      request === 1 ? behindCalls(101, call(2, OTHER), call(3, OTHER)) : { kind: "moves" },
    ),
  );
  const collected = collector.collect([call(1, SELF)]);
  await Promise.resolve();
  await Promise.resolve();
  expect(sent.map(({ to, message }) => [to, message.calls.map(({ request }) => request)])).toEqual([
    [OTHER, [2, 3]],
  ]);
  collector.answered(sent[0]!.message.request, [
    behindCalls(102, call(1, SELF), call(4, SELF)),
    { kind: "moves" },
  ]);
  expect([...(await collected)].map(([request, { state }]) => [request, state.kind])).toEqual([
    [1, "waits"],
    [2, "waits"],
    [3, "moves"],
    [4, "moves"],
  ]);
  expect(collector.open).toBe(0);
});

test("what nobody answers in time moves, and nothing of the question remains (C1)", async () => {
  const { clock, sent, collector } = collecting(() => []);
  const collected = collector.collect([call(1, OTHER)]);
  expect(sent).toHaveLength(1);
  await clock.advance(1_000);
  expect([...(await collected).values()].map(({ state }) => state.kind)).toEqual(["moves"]);
  expect(collector.open).toBe(0);
  collector.answered(sent[0]!.message.request, [behindCalls(1)]);
});

test("an answer with fewer states than were asked for leaves the others moving", async () => {
  const { sent, collector } = collecting(() => []);
  const collected = collector.collect([call(1, OTHER), call(2, OTHER)]);
  collector.answered(sent[0]!.message.request, [behindCalls(101)]);
  expect([...(await collected).values()].map(({ state }) => state.kind)).toEqual([
    "waits",
    "moves",
  ]);
});

test("a question has a bounded number of calls, and a graph ends somewhere (C1, I12)", async () => {
  let asked = 0;
  const { collector } = collecting((calls) => {
    asked += calls.length;
    expect(calls.length).toBeLessThanOrEqual(16);
    return calls.map(({ request }) =>
      behindCalls(request, call(2 * request, SELF), call(2 * request + 1, SELF)),
    );
  });
  const graph = await collector.collect([call(1, SELF)]);
  expect(graph.size).toBe(2_000);
  expect(asked).toBe(2_000);
});

test("when its silo ends nobody waits for an answer any more", async () => {
  const { collector } = collecting(() => []);
  const collected = collector.collect([call(1, OTHER)]);
  collector.stop();
  expect((await collected).size).toBe(1);
});
