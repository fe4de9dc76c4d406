// Calls with outgoing interceptors, on an invoker whose every answer the test gives.
import {
  type CallMessage,
  type CallResult,
  type Endpoint,
  type Interceptor,
  isolate,
  type Message,
  seededRandom,
  valueBody,
} from "@tenure/core/internal";
import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { nextTurn, rejection, stateOf } from "../../../test/support/deferred.ts";
import { Invoker, type InvokerOptions } from "./invoker.ts";
import type { CallOrigin } from "./outgoing-call.ts";
import { callRules } from "./retry-policy.ts";

const ACTOR = { type: "t", id: "i" };

function setUp(interceptors: readonly Interceptor[], options: Partial<InvokerOptions> = {}) {
  const clock = new VirtualClock();
  const sent: CallMessage[] = [];
  const endpoint: Endpoint = {
    snapshot: (value, root) => valueBody(isolate(value, root)),
    send: (_to, message: Message) => {
      if (message.kind === "call") sent.push(message);
      return sent.length;
    },
    setServing: () => undefined,
    close: () => Promise.resolve(),
    drop: () => undefined,
  };
  const invoker = new Invoker({
    clock,
    random: seededRandom(1),
    locator: { locate: () => Promise.resolve({ status: "at", silo: "a", generation: 1 }) },
    callTimeoutMs: 1_000,
    rules: callRules,
    emit: () => undefined,
    interceptors,
    ...options,
  });
  invoker.attach({ address: "me", endpoint, local: undefined });
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const call = (method: string, given = {}, origin?: CallOrigin) =>
    invoker.call(ACTOR, method, [], given, undefined, origin);
  const reply = (nth: number, result: CallResult) =>
    invoker.reply({ kind: "reply", request: sent[nth]!.request, result }, "a");
  return { clock, sent, invoker, call, reply };
}

const ok: CallResult = { status: "ok", body: valueBody("ok") };
const pass: Interceptor = (_call, next) => next();

test("a call leaves in the step in which it is made, when its interceptors wait for nothing", () => {
  const { sent, call } = setUp([pass, pass]);
  void call("now");
  expect(sent.map(({ method }) => method)).toEqual(["now"]);
});

test("next() beside next() makes two calls, and the first answer may be the call's (K5)", async () => {
  const both: Interceptor = (_call, next) => Promise.race([next(), next()]);
  const { sent, invoker, call, reply } = setUp([both]);
  const answer = call("twice");
  expect(sent).toHaveLength(2);
  expect(new Set(sent.map(({ request }) => request)).size).toBe(2);
  reply(1, ok);
  expect(await answer).toBe("ok");
  reply(0, ok);
  expect(invoker.held).toBe(0);
});

test("calls that interceptors make count as open: beyond the bound next() is refused (K5, I12)", async () => {
  const problems: unknown[] = [];
  const greedy: Interceptor = async (_call, next) => {
    const first = next();
    for (let i = 0; i < 5; i++) void rejection(next()).then((error) => problems.push(error));
    return await first;
  };
  const { sent, call, reply } = setUp([greedy], { maxOpenCalls: 4 });
  const answer = call("many");
  await nextTurn();
  // The call itself, its first next() and two more.
  expect(sent).toHaveLength(3);
  expect(problems).toHaveLength(3);
  for (const problem of problems) expect(problem).toMatchObject({ code: "OVERLOADED" });
  reply(0, ok);
  expect(await answer).toBe("ok");
});

test("a client that closes ends calls that have left as unknown, whatever is around them (K2, I11)", async () => {
  const { sent, invoker, call } = setUp([pass]);
  const failed = rejection(call("left"));
  expect(sent).toHaveLength(1);
  invoker.close();
  expect(await failed).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "unknown" });
  expect(invoker.held).toBe(0);
});

test("an error of the first try is not forgotten when the second is refused: the call may have run (K2, I11)", async () => {
  const retry: Interceptor = async (_call, next) => {
    await rejection(next());
    await rejection(next());
    return await new Promise<never>(() => undefined);
  };
  const { clock, call, reply } = setUp([retry]);
  const failed = rejection(call("twice"));
  reply(0, { status: "failed", code: "FENCED", message: "lost" });
  await nextTurn();
  const refused = { status: "refused", reason: "invalid", message: "no" } as const;
  reply(1, { ...refused, owner: undefined, generation: 0 });
  await clock.advance(1_010);
  expect(await failed).toMatchObject({ outcome: "unknown" });
});

test("a call that was only ever refused says why when its time is up, not executed (K2)", async () => {
  const patient: Interceptor = async (_call, next) => {
    await rejection(next());
    return await new Promise<never>(() => undefined);
  };
  const { clock, call, reply } = setUp([patient]);
  const failed = rejection(call("refused"));
  reply(0, {
    status: "refused",
    reason: "unauthorized",
    message: "not you",
    owner: undefined,
    generation: 0,
  });
  await clock.advance(1_010);
  expect(await failed).toMatchObject({ code: "UNAUTHORIZED", outcome: "not-executed" });
});

test("each next() of a turn's call asks the turn's gate anew (K5, R17)", async () => {
  const gates = [Promise.resolve(), undefined, Promise.reject(new Error("the actor is lost"))];
  for (const gate of gates) gate?.catch(() => undefined);
  const origin: CallOrigin = {
    chain: [],
    deadlineMs: Infinity,
    gate: () => gates.shift(),
    mayLeave: () => true,
  };
  const retry: Interceptor = async (_call, next) => {
    await rejection(next());
    return await next();
  };
  const { sent, call, reply } = setUp([retry]);
  // Asked once for the call as a whole, then for each next().
  const failed = rejection(call("of a turn", {}, origin));
  expect(sent).toHaveLength(1);
  reply(0, {
    status: "refused",
    reason: "invalid",
    message: "no",
    owner: undefined,
    generation: 0,
  });
  expect(String(await failed)).toContain("the actor is lost");
  expect(sent).toHaveLength(1);
});

test("calls of other callers do not wait for a caller's interceptors (K3)", async () => {
  const slow: Interceptor = async (call, next) => {
    if (call.method === "waits") await new Promise<never>(() => undefined);
    return await next();
  };
  const { sent, call } = setUp([slow]);
  const of = (id: string): CallOrigin => ({
    chain: [{ type: "t", id, method: "m", turn: 1 }],
    deadlineMs: Infinity,
    gate: () => undefined,
    mayLeave: () => true,
  });
  const waits = [call("waits", {}, of("a")), call("behind", {}, of("a"))];
  void call("free", {}, of("b"));
  void call("free too");
  for (const each of waits) {
    each.catch(() => undefined);
    expect(await stateOf(each)).toBe("pending");
  }
  expect(sent.map(({ method }) => method)).toEqual(["free", "free too"]);
});
