// Calls that nobody should make, through references and through raw messages: each is refused, typed, without running
// anything, and the activation lives on.
import {
  Actor,
  ActorTypeNotFoundError,
  defineActor,
  InvalidArgumentError,
  MethodNotFoundError,
} from "tenure";
import {
  type CallMessage,
  type CallResult,
  type Endpoint,
  bytesBody,
  encodeValue,
  loopback,
  type Message,
  seededRandom,
  valueBody,
} from "@tenure/core/internal";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";

class Base extends Actor<{ n: number }> {
  inherited() {
    return "inherited";
  }
}

class Target extends Base {
  static readonly actor = defineActor<Target>({
    type: "target",
    state: () => ({ n: 0 }),
    methods: { generation: "read" },
  });
  field = () => "a field";
  readonly #secret = 1;
  get accessor() {
    return () => this.#secret;
  }
  static staticMethod() {}
  [Symbol.iterator]() {}
  _hidden() {
    return "hidden";
  }
  $dollar() {
    return "dollar";
  }
  async add(n: number) {
    return (this.state.n += n);
  }
  generation() {
    return this.ctx.generation;
  }
}

const UNCALLABLE = [
  "constructor",
  "__proto__",
  "__defineGetter__",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "_hidden",
  "$dollar",
  "#secret",
  "field",
  "accessor",
  "staticMethod",
  "onActivate",
  "onDeactivate",
  "ctx",
  "state",
  "Symbol(Symbol.iterator)",
  "",
  "nothing",
  "add ",
  "ADD",
];

const NO_METHOD: unknown = expect.objectContaining({
  name: MethodNotFoundError.name,
  code: "METHOD_NOT_FOUND",
  outcome: "not-executed",
});

/** A hand-made endpoint: sends what no reference would. */
async function intruder() {
  const transport = loopback();
  const t = await testSilos({ actors: [Target], transport });
  const opened = await transport.open({
    cluster: "default",
    clock: t.clock,
    random: seededRandom(7),
    emit: () => undefined,
    leaseTtlMs: 4_000,
    openTimeoutMs: 1_000,
    durability: "default",
  });
  const waiting = new Map<number, (result: CallResult) => void>();
  const endpoint: Endpoint = await opened.join("f".repeat(32), {
    message: (_from, message) => {
      if (message.kind === "reply") waiting.get(message.request)?.(message.result);
    },
    undeliverable: () => undefined,
    disconnected: () => undefined,
    reconnected: () => undefined,
  });
  let request = 1;
  const silo = internalsOf(t.silos[0]!).incarnation!;
  const send = (fields: Partial<CallMessage>): Promise<CallResult> =>
    new Promise((resolve) => {
      request += 1;
      waiting.set(request, resolve);
      endpoint.send(silo, {
        kind: "call",
        request,
        type: "target",
        id: "t",
        method: "add",
        args: valueBody([1]),
        budgetMs: 1_000,
        key: undefined,
        chain: [],
        repeatable: false,
        strict: false,
        ...fields,
      });
    });
  const sendRaw = (message: unknown) => endpoint.send(silo, message as Message);
  return { t, send, sendRaw, target: t.silos[0]!.client.get(Target, "t") };
}

test("what is no method of the class cannot be called through a reference, and the activation lives on (A1)", async () => {
  await using t = await testSilos({ actors: [Target], silos: 2 });
  for (const silo of t.silos) {
    const target = silo.client.get(Target, "t");
    await target.add(1);
    const generation = await target.generation();
    const methods = target as unknown as Record<string, () => Promise<unknown>>;
    for (const name of UNCALLABLE)
      expect([name, await rejection(methods[name]!())]).toEqual([name, NO_METHOD]);
    expect(await target.generation()).toBe(generation);
    expect(await target.inherited()).toBe("inherited");
  }
});

test("nor through a raw message", async () => {
  const { t, send, target } = await intruder();
  await using _ = t;
  await target.add(1);
  const generation = await target.generation();
  for (const method of UNCALLABLE)
    expect([method, await send({ method })]).toEqual([
      method,
      expect.objectContaining({ status: "refused", reason: "unknown-method" }),
    ]);
  expect(await send({ method: "add" })).toMatchObject({ status: "ok" });
  expect(await target.generation()).toBe(generation);
});

test.for<[string, Partial<CallMessage>, string]>([
  ["an unknown type", { type: "nope" }, "unknown-type"],
  ["a type of Object.prototype", { type: "constructor" }, "unknown-type"],
  ["a type that is none", { type: "a b" }, "invalid"],
  ["an empty id", { id: "" }, "invalid"],
  ["an id that is too long", { id: "x".repeat(513) }, "invalid"],
  ["an id with a lone surrogate", { id: "\udc00" }, "invalid"],
  ["an empty key", { key: "" }, "invalid"],
  ["a key with a lone surrogate", { key: "\ud800" }, "invalid"],
  ["a key that is too long", { key: "x".repeat(257) }, "invalid"],
  ["arguments that are no list", { args: valueBody({ length: 1 }) }, "invalid"],
  ["arguments that are no list, in bytes", { args: bytesBody(encodeValue("x")) }, "invalid"],
  ["arguments that are no value", { args: bytesBody(new Uint8Array([0xc1])) }, "invalid"],
  ["no arguments at all", { args: bytesBody(new Uint8Array()) }, "invalid"],
  ["no time left", { budgetMs: 0 }, "expired"],
])("a raw message with %s is refused", async ([_name, fields, reason]) => {
  const { t, send, target } = await intruder();
  await using _ = t;
  await target.add(1);
  expect(await send(fields)).toMatchObject({ status: "refused", reason });
  expect(await target.add(1)).toBe(2);
});

test("messages that answer nothing hurt nobody, and are counted (R29)", async () => {
  const { t, sendRaw, target } = await intruder();
  await using _ = t;
  const silo = "f".repeat(32);
  for (const message of [
    { kind: "reply", request: 99, result: { status: "ok", body: valueBody(1) } },
    { kind: "located", request: 99, result: { status: "at", silo, generation: 1 } },
    { kind: "probe", round: 1 },
    { kind: "death", incarnation: silo },
    { kind: "death", incarnation: internalsOf(t.silos[0]!).incarnation },
    { kind: "locate", request: 5, type: "nope", id: "", avoid: undefined },
  ])
    sendRaw(message);
  await t.clock.settle();
  expect(await target.add(1)).toBe(1);
  expect(internalsOf(t.silos[0]!).calls.unknownReplies).toBe(1);
  expect(t.events).toContainEqual(
    expect.objectContaining({ type: "replies.unknown", total: 1, silo: t.silos[0]!.name }),
  );
});

test("a type that no silo has is a typed error, not executed", async () => {
  await using t = await testSilos({ actors: [Target], silos: 2 });
  const refused = await rejection(t.silos[0]!.client.get<Target>("missing", "x").add(1));
  expect(refused).toBeInstanceOf(ActorTypeNotFoundError);
  expect(refused).toMatchObject({ code: "ACTOR_TYPE_NOT_FOUND", outcome: "not-executed" });
  expect(String(refused)).toContain("missing");
});

test("a bad id is refused by get, at once", async () => {
  await using t = await testSilos({ actors: [Target] });
  const { client } = t.silos[0]!;
  for (const id of [
    "",
    "x".repeat(513),
    "é".repeat(257),
    "\ud800",
    "a\udc00",
    7,
    null,
    undefined,
    {},
    ["a"],
  ])
    expect(() => client.get(Target, id as string)).toThrow(InvalidArgumentError);
  for (const type of ["", "a b", "7", "x".repeat(65), "a/b"])
    expect(() => client.get<Target>(type, "x")).toThrow(InvalidArgumentError);
  for (const type of [null, undefined, {}, class {}, 7])
    expect(() => client.get(type as unknown as typeof Target, "x")).toThrow(
      /actor: must be an actor class/,
    );
});

test("ids with any characters work and never collide", async () => {
  await using t = await testSilos({ actors: [Target], silos: 2 });
  const ids = [
    "a",
    "A",
    "a.b",
    "a/b",
    "a:b",
    "*",
    ">",
    "a.>",
    " ",
    "  ",
    "a ",
    "\n",
    "a\r\nPUB x",
    "\0",
    "a\0",
    "💡",
    "\u00e9",
    "e\u0301",
    "__proto__",
    "constructor",
    "YQ",
    "a%2Fb",
    "x".repeat(512),
    "é".repeat(256),
  ];
  for (const [i, id] of ids.entries()) await t.silos[i % 2]!.client.get(Target, id).add(i + 1);
  for (const [i, id] of ids.entries())
    expect([id, await t.silos[(i + 1) % 2]!.client.get(Target, id).add(0)]).toEqual([id, i + 1]);
});

test("an argument that cannot travel is refused with its path, and nothing is sent", async () => {
  await using t = await testSilos({ actors: [Target], silos: 2 });
  for (const silo of t.silos) {
    const target = silo.client.get(Target, "t");
    await target.add(1);
    const refused = await rejection(target.add({ a: [1, () => 1] } as unknown as number));
    expect(refused).toMatchObject({ code: "NOT_SERIALIZABLE", outcome: "not-executed" });
    expect(String(refused)).toContain("args[0].a[1] is a function");
    const reference = await rejection(target.add(target as unknown as number));
    expect(String(reference)).toContain("is a reference to an actor; send its id");
    const signal = await rejection(target.add(AbortSignal.abort() as unknown as number));
    expect(String(signal)).toContain("args[0] is an AbortSignal; give it to the call");
  }
});

test("a method that answers an async iterable says that there are no streams yet", async () => {
  class Streamer extends Actor {
    static readonly actor = defineActor<Streamer>({ type: "streamer" });
    async *lines() {
      yield 1;
    }
  }
  await using t = await testSilos({ actors: [Streamer] });
  const streamer = t.silos[0]!.client.get(Streamer, "s") as unknown as {
    lines(): Promise<unknown>;
  };
  const refused = await rejection(streamer.lines());
  expect(refused).toMatchObject({ code: "NOT_SERIALIZABLE", outcome: "not-executed" });
  expect(String(refused)).toContain("streaming methods are not available");
});
