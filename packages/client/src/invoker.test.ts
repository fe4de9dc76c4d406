import {
  bodyValue,
  bytesBody,
  type CallMessage,
  type CallResult,
  type CancelMessage,
  type DeliveryTag,
  encodeValue,
  type Endpoint,
  type EventBody,
  FencedError,
  isolate,
  type Located,
  type Message,
  seededRandom,
  valueBody,
} from "@tenure/core/internal";
import { expect, test } from "vitest";
import { type Deferred, deferred, nextTurn, rejection } from "../../../test/support/deferred.ts";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { Invoker, type InvokerOptions } from "./invoker.ts";
import { callRules } from "./retry-policy.ts";

const ACTOR = { type: "t", id: "i" };
const at = (silo: string, generation = 1): Located => ({ status: "at", silo, generation });

function setUp(options: Partial<InvokerOptions> = {}) {
  const clock = new VirtualClock();
  const asked: Deferred<Located>[] = [];
  const avoided: (string | undefined)[] = [];
  const sent: { to: string; message: CallMessage; tag: DeliveryTag }[] = [];
  const cancelled: { to: string; message: CancelMessage }[] = [];
  const connection = { up: true };
  const events: EventBody[] = [];
  const endpoint: Endpoint = {
    snapshot: (value, root) => valueBody(isolate(value, root)),
    send: (to, message: Message) => {
      if (!connection.up) return undefined;
      const tag = sent.length + 1;
      if (message.kind === "call") sent.push({ to, message, tag });
      if (message.kind === "cancel") cancelled.push({ to, message });
      return tag;
    },
    setServing: () => undefined,
    close: () => Promise.resolve(),
    drop: () => undefined,
  };
  const invoker = new Invoker({
    clock,
    random: seededRandom(1),
    locator: {
      locate: (_actor, avoid) => {
        avoided.push(avoid);
        const question = deferred<Located>();
        asked.push(question);
        return question.promise;
      },
    },
    callTimeoutMs: 1_000,
    rules: callRules,
    emit: (event) => void events.push(event),
    ...options,
  });
  invoker.attach({ address: "me", endpoint, local: undefined });
  const call = (method: string, args: readonly unknown[] = [], options = {}) =>
    invoker.call(ACTOR, method, args, options, undefined);
  const reply = (nth: number, result: CallResult) =>
    invoker.reply({ kind: "reply", request: sent[nth]!.message.request, result }, sent[nth]!.to);
  const ok = (nth: number, value: unknown) => reply(nth, { status: "ok", body: valueBody(value) });
  const methods = () => sent.map(({ message }) => message.method);
  return {
    clock,
    asked,
    avoided,
    sent,
    cancelled,
    connection,
    endpoint,
    events,
    invoker,
    call,
    reply,
    ok,
    methods,
  };
}

const moved = (owner: string | undefined, generation: number): CallResult => ({
  status: "refused",
  reason: "moved",
  message: "gone",
  owner,
  generation,
});

test("a call that waits is not overtaken by one that could leave at once (V2)", async () => {
  const { asked, invoker, call, methods } = setUp();
  void call("first");
  await nextTurn();
  // Someone else's evidence says by now where the actor is.
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  void call("second");
  expect(methods()).toEqual([]);
  asked[0]!.resolve(at("a"));
  await nextTurn();
  expect(methods()).toEqual(["first", "second"]);
});

test("a reply from elsewhere than the call went to is forged: dropped, counted, and the call goes on waiting (V4, F2)", async () => {
  const { invoker, call, sent, ok } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const called = call("m");
  const { request } = sent[0]!.message;
  const forged: CallResult = { status: "ok", body: valueBody("forged") };
  invoker.reply({ kind: "reply", request, result: forged }, "b");
  expect(invoker.counters.unknownReplies).toBe(1);
  ok(0, "right");
  expect(await called).toBe("right");
  expect(invoker.held).toBe(0);
});

test("who gives up a call that is on its way has its silo told, once; one that is not is not told of (E4)", async () => {
  const { clock, connection, invoker, call, cancelled, reply, sent } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const given = new AbortController();
  const onItsWay = rejection(call("m", [], { signal: given.signal }));
  given.abort("why");
  expect(await onItsWay).toMatchObject({ code: "CANCELLED", outcome: "unknown", cause: "why" });
  const { request } = sent[0]!.message;
  expect(cancelled).toEqual([{ to: "a", message: { kind: "cancel", request, ...ACTOR } }]);
  // Answered, refused and waiting for its next attempt, or never sent: nobody has anything to give up.
  const later = new AbortController();
  const waits = rejection(call("waits", [], { signal: later.signal }));
  reply(1, { ...moved(undefined, 0), reason: "unavailable" } as CallResult);
  connection.up = false;
  const unsent = rejection(call("unsent", [], { signal: later.signal }));
  later.abort();
  for (const one of [waits, unsent])
    expect(await one).toMatchObject({ code: "CANCELLED", outcome: "not-executed" });
  expect(cancelled).toHaveLength(1);
  await clock.advance("2s");
  expect(sent).toHaveLength(2);
  expect(invoker.held).toBe(0);
});

test("lanes that look for the same actor ask once", async () => {
  const { asked, invoker, call, methods } = setUp();
  const link = { type: "t", id: "caller", method: "m", turn: 1 };
  const origin = {
    chain: [link],
    deadlineMs: Infinity,
    gate: () => undefined,
    mayLeave: () => true,
  };
  void call("client's");
  void invoker.call(ACTOR, "actor's", [], {}, undefined, origin);
  await nextTurn();
  expect(asked).toHaveLength(1);
  asked[0]!.resolve(at("a"));
  await nextTurn();
  expect(methods()).toEqual(["client's", "actor's"]);
});

test("each attempt has a request of its own; a reply to an earlier one is dropped and counted (V4, R29)", async () => {
  const { clock, invoker, call, sent, reply, ok } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const called = call("m");
  reply(0, moved("b", 2));
  await clock.advance(50);
  expect(sent.map(({ to }) => to)).toEqual(["a", "b"]);
  expect(sent[0]!.message.request).not.toBe(sent[1]!.message.request);
  ok(0, "late");
  expect(invoker.counters.unknownReplies).toBe(1);
  ok(1, "right");
  expect(await called).toBe("right");
  ok(1, "twice");
  expect(invoker.counters.unknownReplies).toBe(2);
  expect(invoker.held).toBe(0);
});

test("a call settles once, though its time is up, its caller gives up and its reply comes, and nothing is held (V3)", async () => {
  const { clock, invoker, call, ok } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const controller = new AbortController();
  const timedOut = rejection(call("a", [], { timeoutMs: 10 }));
  const cancelled = rejection(call("b", [], { signal: controller.signal }));
  await clock.advance(20);
  controller.abort();
  expect(await timedOut).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  expect(await cancelled).toMatchObject({ code: "CANCELLED", outcome: "unknown" });
  expect(invoker.held).toBe(0);
  ok(0, "late");
  ok(1, "late");
  expect(invoker.counters.unknownReplies).toBe(2);
});

test("what reached nobody, what a dead silo had and what a lost connection carried fail at once (V5)", async () => {
  const { clock, invoker, call, sent } = setUp();
  const plain = (method: string) => rejection(call(method));
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const undeliverable = plain("undeliverable");
  invoker.undeliverable("a", sent[0]!.tag);
  // Nothing ran: it is looked for again, elsewhere.
  expect(invoker.locations.get("t/i")).toBeUndefined();
  invoker.locations.set("t/i", { silo: "b", generation: 2 });
  await clock.advance(50);
  expect(sent[1]!.to).toBe("b");
  invoker.siloDied("b");
  expect(await undeliverable).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "unknown" });
  invoker.locations.set("t/i", { silo: "c", generation: 3 });
  const disconnected = plain("disconnected");
  invoker.disconnected();
  expect(await disconnected).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "unknown" });
  expect(invoker.held).toBe(0);
});

test("what may run twice is sent again when its silo dies; what may not is not", async () => {
  const { clock, invoker, call, sent, ok } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const keyed = call("keyed", [{ n: 1 }], { idempotencyKey: "k" });
  invoker.siloDied("a");
  invoker.locations.set("t/i", { silo: "b", generation: 2 });
  await clock.advance(50);
  expect(sent.map(({ to, message }) => [to, message.key, bodyValue(message.args)])).toEqual([
    ["a", "k", [{ n: 1 }]],
    ["b", "k", [{ n: 1 }]],
  ]);
  ok(1, "done");
  expect(await keyed).toBe("done");
});

test("while there is no connection calls wait for one, and leave when there is", async () => {
  const { clock, asked, invoker, connection, call, methods, ok } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  connection.up = false;
  const called = call("m");
  const gaveUp = rejection(call("hurried", [], { timeoutMs: 100 }));
  await clock.advance(200);
  expect(await gaveUp).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  connection.up = true;
  // Now and then it is asked anew where the actor is.
  for (const question of asked) question.resolve(at("a"));
  await clock.advance(500);
  expect(methods()).toEqual(["m"]);
  ok(0, 1);
  expect(await called).toBe(1);
});

test("a new attachment forgets the old one: its places, and what was on its way there", async () => {
  const { invoker, endpoint, call } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  invoker.locations.set("t/own", { silo: "me", generation: 1 });
  const lost = rejection(call("m"));
  invoker.attach({ address: "me again", endpoint, local: undefined });
  expect(await lost).toMatchObject({ outcome: "unknown" });
  expect(invoker.locations.get("t/own")).toBeUndefined();
});

test.for<[string, CallResult]>([
  ["a value that is none", { status: "ok", body: bytesBody(Uint8Array.of(0xdb, 0xff)) }],
  ["no bytes", { status: "ok", body: bytesBody(new Uint8Array()) }],
  ["an error that is none", { status: "threw", body: bytesBody(encodeValue("x")) }],
  ["an error of nothing", { status: "threw", body: valueBody(null) }],
  [
    "an error of another kind",
    { status: "threw", body: valueBody({ kind: "constructor", name: "", message: "" }) },
  ],
])("a reply with %s fails its call, unknown, and hurts no other", async ([_name, result]) => {
  const { invoker, call, reply, ok } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const broken = rejection(call("broken"));
  const fine = call("fine");
  reply(0, result);
  ok(1, 1);
  expect(await broken).toMatchObject({ code: "NOT_SERIALIZABLE", outcome: "unknown" });
  expect(await fine).toBe(1);
  expect(invoker.held).toBe(0);
});

test("where it is known at once where the actor is, the call leaves at once, and waits for no promise (D2)", async () => {
  const held = deferred<Located>();
  const answers = [at("a"), held.promise];
  const t = setUp({ locator: { locate: () => answers.shift()! } });
  const calls = [
    t.call("one"),
    t.invoker.call({ type: "t", id: "other" }, "two", [], {}, undefined),
  ];
  expect(t.methods()).toEqual(["one"]);
  held.resolve(at("b"));
  await nextTurn();
  expect(t.sent.map(({ to }) => to)).toEqual(["a", "b"]);
  t.ok(0, 1);
  t.ok(1, 2);
  expect(await Promise.all(calls)).toEqual([1, 2]);
  expect(t.invoker.held).toBe(0);
});

test("a locator that refuses at once, or throws, fails the attempt and nothing else", async () => {
  const refusal: CallResult & Located = {
    status: "refused",
    reason: "unknown-type",
    message: "nobody has it",
    owner: undefined,
    generation: 0,
  };
  const refusing = setUp({ locator: { locate: () => refusal } });
  expect(String(await rejection(refusing.call("one")))).toContain("nobody has it");
  const throwing = setUp({
    locator: {
      locate: () => {
        throw new Error("it broke");
      },
    },
  });
  const failed = rejection(throwing.call("one"));
  await throwing.clock.advance(2_000);
  expect(String(await failed)).toContain("it broke");
  expect([refusing.invoker.held, throwing.invoker.held]).toEqual([0, 0]);
});

test("a locator that fails is asked again until the call's time is up", async () => {
  const { clock, asked, invoker, call } = setUp();
  const failed = rejection(call("m", [], { timeoutMs: 100 }));
  for (let i = 0; i < 20; i++) {
    asked.at(-1)?.reject(new Error("no directory"));
    await clock.advance(10);
  }
  expect(asked.length).toBeGreaterThan(2);
  expect(await failed).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  expect(String(await failed)).toContain("no directory");
  expect(invoker.held).toBe(0);
});

test("close() fails what is open, at once, with honest outcomes, and every later call", async () => {
  const { invoker, call } = setUp();
  const waiting = rejection(call("waiting"));
  const other = { type: "t", id: "other" };
  invoker.locations.set("t/other", { silo: "a", generation: 1 });
  const inFlight = rejection(invoker.call(other, "in flight", [], {}, undefined));
  invoker.close();
  expect(await waiting).toMatchObject({ outcome: "not-executed" });
  expect(await inFlight).toMatchObject({ outcome: "unknown" });
  expect(await rejection(call("later"))).toMatchObject({
    code: "SILO_UNAVAILABLE",
    outcome: "not-executed",
  });
  expect(invoker.counters.openCalls).toBe(0);
});

test("a caller with all the calls open that it may have refuses one more at once, and takes it when one has ended (V6, I12)", async () => {
  const { invoker, call, ok } = setUp({ maxOpenCalls: 2 });
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const open = [call("a"), call("b")];
  const refused = await rejection(call("c"));
  expect(refused).toMatchObject({
    code: "OVERLOADED",
    outcome: "not-executed",
    details: { actor: "t/i", method: "c" },
  });
  ok(0, 1);
  const late = call("d");
  ok(1, 2);
  ok(2, 3);
  expect(await Promise.all([...open, late])).toEqual([1, 2, 3]);
  expect(invoker.held).toBe(0);
});

test("calls that were given up while they waited in a lane count until the lane has passed them over (V6, I12)", async () => {
  const { asked, invoker, call, ok } = setUp({ maxOpenCalls: 2 });
  const given = new AbortController();
  const abandoned = ["a", "b"].map((method) =>
    rejection(call(method, [], { signal: given.signal })),
  );
  given.abort();
  await Promise.all(abandoned);
  expect(invoker.counters.openCalls).toBe(0);
  expect(await rejection(call("c"))).toMatchObject({ code: "OVERLOADED" });
  asked[0]!.resolve(at("a"));
  await nextTurn();
  const late = call("d");
  ok(0, 1);
  expect(await late).toBe(1);
  expect(invoker.held).toBe(0);
});

test("replies that nobody waits for are counted, and told of now and then (V4, R29)", async () => {
  const { clock, events, invoker, reply, call } = setUp();
  invoker.locations.set("t/i", { silo: "a", generation: 1 });
  const late = rejection(call("m", [], { timeoutMs: 10 }));
  await clock.advance(20);
  await late;
  for (let i = 0; i < 5; i++) reply(0, moved(undefined, 0));
  expect(events).toEqual([{ type: "replies.unknown", total: 1 }]);
  await clock.advance(10_000);
  reply(0, moved(undefined, 0));
  expect(events.at(-1)).toEqual({ type: "replies.unknown", total: 6 });
  expect(invoker.counters.unknownReplies).toBe(6);
});

test("a call that a full silo refuses again and again is looked for elsewhere", async () => {
  const { clock, asked, avoided, invoker, call, sent, reply, ok } = setUp();
  invoker.locations.set("t/i", { silo: "full", generation: 0 });
  const called = call("m");
  for (let i = 0; asked.length === 0; i++) {
    expect(i).toBeLessThan(4);
    reply(i, { ...REFUSED, reason: "overloaded" });
    await clock.advance(200);
  }
  expect(avoided).toEqual(["full"]);
  asked[0]!.resolve(at("roomy"));
  await nextTurn();
  expect(sent.at(-1)!.to).toBe("roomy");
  ok(sent.length - 1, 1);
  expect(await called).toBe(1);
});

const REFUSED = { status: "refused", message: "why", owner: undefined, generation: 0 } as const;

test("a call is not sent to a silo that has just died, whoever still locates the actor there (L3)", async () => {
  const { clock, asked, sent, ok, invoker, call } = setUp();
  invoker.siloDied("dead");
  const called = call("add");
  asked[0]!.resolve(at("dead", 4));
  await clock.settle();
  expect(sent).toEqual([]);
  await clock.advance(100);
  asked[1]!.resolve(at("heir", 5));
  await clock.settle();
  expect(sent.map(({ to }) => to)).toEqual(["heir"]);
  ok(0, 1);
  expect(await called).toBe(1);
});

function turn(gates: readonly (Promise<void> | undefined)[], mayLeave: () => boolean = () => true) {
  const left = [...gates];
  return { chain: [], deadlineMs: Infinity, gate: () => left.shift(), mayLeave, left };
}

test("a retry asks its gate again: when its turn has lost its actor by then, it does not leave (R17, R25)", async () => {
  const { clock, asked, sent, reply, invoker } = setUp();
  const lost = Promise.reject<void>(
    new FencedError("the actor is lost", { outcome: "not-executed" }),
  );
  lost.catch(() => undefined);
  const origin = turn([undefined, lost]);
  const failed = rejection(invoker.call(ACTOR, "add", [], {}, undefined, origin));
  asked[0]!.resolve(at("x"));
  await clock.settle();
  const busy = { status: "refused", reason: "unavailable", message: "busy" } as const;
  reply(0, { ...busy, owner: undefined, generation: 0 });
  await clock.advance(500);
  expect(await failed).toBeInstanceOf(FencedError);
  expect(sent).toHaveLength(1);
  expect(origin.left).toEqual([]);
});

test("a call that has waited for a commit asks once more, and waits for the lease that ran out meanwhile (R6, R17)", async () => {
  const { clock, asked, sent, invoker } = setUp();
  const [commit, lease] = [deferred(), deferred()];
  let holds = false;
  const origin = turn([commit.promise, lease.promise], () => holds);
  const called = invoker.call(ACTOR, "add", [], { timeoutMs: "1m" }, undefined, origin);
  called.catch(() => undefined);
  commit.resolve();
  await clock.advance(1_000);
  expect(asked).toEqual([]);
  expect(sent).toEqual([]);
  holds = true;
  lease.resolve();
  await clock.settle();
  asked[0]!.resolve(at("x"));
  await clock.settle();
  expect(sent).toHaveLength(1);
});
