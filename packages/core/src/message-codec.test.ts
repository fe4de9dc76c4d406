import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyValue, bytesBody, valueBody } from "./body.ts";
import { decodeValue, encodeValue, GarbageError, packByLibrary } from "./codec.ts";
import { headersFrom } from "./headers.ts";
import { type CallMessage, keyProblem, MAX_CHAIN, type Message } from "./message.ts";
import { decodeFrame, encodeFrame, messageFromTuple, messageTuple } from "./message-codec.ts";

const count = fc.nat(2 ** 48 - 1);
const address = fc.stringMatching(/^[0-9a-f]{32}$/);
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const body = fc
  .array(fc.oneof(fc.string({ unit: "grapheme" }), fc.integer()))
  .map((value) => valueBody(value));
const refused = fc.record({
  status: fc.constant("refused" as const),
  reason: fc.constantFrom(
    "moved" as const,
    "paused" as const,
    "overloaded" as const,
    "invalid" as const,
    "key-refused" as const,
  ),
  message: fc.string({ unit: "grapheme" }),
  owner: fc.option(address, { nil: undefined }),
  generation: count,
  retryAfterMs: fc.option(count, { nil: undefined }),
  issues: fc.option(
    fc.array(
      fc.record({ path: fc.array(fc.oneof(name, count), { maxLength: 5 }), message: name }),
      { maxLength: 5 },
    ),
    { nil: undefined },
  ),
});
const onWay = fc.record({
  request: count,
  actor: fc.record({ type: name, id: name }),
  silo: address,
  method: name,
});
const turn = fc.record({
  turn: count,
  method: name,
  made: count,
  calls: fc.option(fc.array(onWay, { maxLength: 5 }), { nil: undefined }),
});
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constant("waits" as const),
    request: count,
    calls: fc.array(fc.record({ request: count, actor: fc.record({ type: name, id: name }) }), {
      maxLength: 16,
    }),
  }),
  fc.record({
    kind: fc.constant("waiting" as const),
    request: count,
    states: fc.array(
      fc.oneof(
        fc.constant({ kind: "moves" as const }),
        fc.record({ kind: fc.constant("runs" as const), turn }),
        fc.record({
          kind: fc.constant("waits" as const),
          behind: fc.array(turn, { maxLength: 5 }),
        }),
      ),
      { maxLength: 16 },
    ),
  }),
  fc.record({
    kind: fc.constant("admin" as const),
    request: count,
    operation: fc.constantFrom("deactivate" as const, "hand-over" as const, "activate" as const),
    type: name,
    id: name,
    to: fc.option(address, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("administered" as const),
    request: count,
    result: fc.oneof(
      fc.record({ status: fc.constant("done" as const), generation: count }),
      refused,
    ),
  }),
  fc.record({
    kind: fc.constant("break" as const),
    request: count,
    type: name,
    id: name,
    ring: name,
  }),
  fc.record({ kind: fc.constant("cancel" as const), request: count, type: name, id: name }),
  fc.record<CallMessage>({
    kind: fc.constant("call"),
    request: count,
    type: name,
    id: name,
    method: name,
    args: body,
    budgetMs: count,
    key: fc.oneof(
      name,
      fc.constant(undefined),
      fc.record({ sender: name, sequence: fc.maxSafeNat() }),
    ),
    chain: fc.array(fc.record({ type: name, id: name, method: name, turn: count }), {
      maxLength: MAX_CHAIN,
    }),
    repeatable: fc.boolean(),
    strict: fc.boolean(),
    headers: fc.option(
      fc
        .array(fc.tuple(fc.oneof(name, fc.constant("__proto__")), name), { minLength: 1 })
        .map((entries) => headersFrom(entries)),
      { nil: undefined },
    ),
  }),
  fc.record({
    kind: fc.constant("reply" as const),
    request: count,
    result: fc.oneof(
      fc.record({ status: fc.constantFrom("ok" as const, "threw" as const), body }),
      fc.record({ status: fc.constant("failed" as const), code: name, message: name }),
      refused,
    ),
  }),
  fc.record({
    kind: fc.constant("locate" as const),
    request: count,
    type: name,
    id: name,
    avoid: fc.option(address, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("located" as const),
    request: count,
    result: fc.oneof(
      refused,
      fc.record({ status: fc.constant("at" as const), silo: address, generation: count }),
    ),
  }),
  fc.record({ kind: fc.constant("probe" as const), round: count }),
  fc.record({ kind: fc.constant("death" as const), incarnation: address }),
  fc.record({ kind: fc.constant("suspect" as const), incarnation: address }),
);

/** Bodies as values, so that a message and what arrived of it compare. */
function readable(from: Message): unknown {
  if (from.kind === "call") return { ...from, args: bodyValue(from.args) };
  if (from.kind === "reply" && "body" in from.result)
    return { ...from, result: { ...from.result, body: bodyValue(from.result.body) } };
  return from;
}

test("messages arrive as they were sent", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      const problems: string[] = [];
      const arrived = decodeFrame(encodeFrame(messages), (problem) => problems.push(problem));
      expect(problems).toEqual([]);
      expect(arrived.map(readable)).toEqual(messages.map(readable));
    }),
  );
});

test("a frame is to the byte what the library makes of its messages, small or large (PW4)", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      expect(encodeFrame(messages)).toEqual(packByLibrary(messages.map(messageTuple)));
    }),
  );
  for (const length of [40, 0x7f, 0xff, 0x100, 65_000, 65_500, 70_000]) {
    const messages: Message[] = Array.from({ length: 3 }, () => ({
      kind: "reply",
      request: length,
      result: { status: "ok", body: bytesBody(new Uint8Array(length).fill(7)) },
    }));
    for (const some of [messages.slice(0, 1), messages])
      expect(encodeFrame(some)).toEqual(packByLibrary(some.map(messageTuple)));
  }
});

test("what has been decoded stays as it was, whatever becomes of the frame (C3)", () => {
  for (const length of [10, 100, 40_000]) {
    const sent: Message[] = Array.from({ length: 3 }, (_, i) => ({
      kind: "reply",
      request: i,
      result: { status: "ok", body: bytesBody(new Uint8Array(length).fill(i + 1)) },
    }));
    const frame = Buffer.from(encodeFrame(sent));
    const arrived = decodeFrame(frame, () => undefined);
    frame.fill(0);
    expect(arrived).toEqual(sent);
  }
});

test("a frame of random bytes is reported, and nothing else happens (C4, M1)", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, withHeader) => {
      const problems: string[] = [];
      const frame = withHeader ? Uint8Array.from([0x54, 1, ...bytes]) : bytes;
      const arrived = decodeFrame(frame, (problem) => problems.push(problem));
      // A list of nothing, in each of the forms in which one may be written.
      const isEmpty = [[0x90], [0xdc, 0, 0], [0xdd, 0, 0, 0, 0]].some((list) =>
        list.every((byte, i) => frame[2 + i] === byte),
      );
      expect(arrived.length > 0 || problems.length > 0 || isEmpty).toBe(true);
    }),
    { numRuns: 2_000, examples: [[Uint8Array.from([0xdc, 0, 0]), true]] },
  );
});

test("a frame with any of its bytes changed makes valid messages and reports, never anything else (M1)", () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(40),
      (messages, changes, cut) => {
        const frame = encodeFrame(messages);
        for (const [at, byte] of changes) frame[at % frame.length] = byte;
        for (const arrived of decodeFrame(frame.subarray(0, frame.length - cut), () => undefined))
          // What comes out can be encoded again: every field is what its type says. Bodies are looked at later (M2).
          expect(messageFromTuple(messageTuple(arrived))).toEqual(arrived);
      },
    ),
    { numRuns: 2_000 },
  );
});

function problemOf(bytes: Uint8Array): unknown {
  try {
    decodeValue(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

test("after any garbage the next frame and the next value decode as ever", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      decodeFrame(Uint8Array.from([0x54, 1, ...bytes]), () => undefined);
      expect(problemOf(bytes)).toSatisfy(
        (problem: unknown) => problem === undefined || problem instanceof GarbageError,
      );
      expect(decodeFrame(encodeFrame([{ kind: "probe", round: 7 }]), () => undefined)).toEqual([
        { kind: "probe", round: 7 },
      ]);
      expect(decodeValue(encodeValue({ a: [1, { a: 2 }] }))).toEqual({ a: [1, { a: 2 }] });
    }),
    { numRuns: 1_000 },
  );
});

test.for<[string, number[]]>([
  ["nesting without end", Array.from({ length: 100_000 }, () => 0x91)],
  ["an array that claims four billion items", [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ["a map that claims four billion items", [0xdf, 0xff, 0xff, 0xff, 0xff]],
  ["a string that claims four gigabytes", [0xdb, 0xff, 0xff, 0xff, 0xff]],
  ["bytes that claim four gigabytes", [0xc6, 0xff, 0xff, 0xff, 0xff]],
  ["an error that is none", [0xd4, 0x45, 0, 0x81, 0xa4, 0x6b, 0x69, 0x6e, 0x64, 1]],
  ["a URL that is none", [0xd4, 0x55, 0, 0xa1, 0x61]],
])("%s is garbage", ([_name, bytes]) => {
  expect(() => decodeValue(Uint8Array.from(bytes))).toThrow(GarbageError);
  const problems: string[] = [];
  expect(
    decodeFrame(Uint8Array.from([0x54, 1, ...bytes]), (problem) => problems.push(problem)),
  ).toEqual([]);
  expect(problems).toHaveLength(1);
});

test("one garbage message spoils no other of its frame", () => {
  const good: Message = { kind: "probe", round: 1 };
  const bad = { kind: "death", incarnation: "not an address" } as const;
  const problems: string[] = [];
  expect(decodeFrame(encodeFrame([good, bad, good]), (problem) => problems.push(problem))).toEqual([
    good,
    good,
  ]);
  expect(problems).toEqual(["not an address"]);
});

test("another protocol version and another program's bytes are told apart", () => {
  const problems: string[] = [];
  const frame = encodeFrame([{ kind: "probe", round: 1 }]);
  frame[1] = 99;
  decodeFrame(frame, (problem) => problems.push(problem));
  decodeFrame(new TextEncoder().encode("PUB x"), (problem) => problems.push(problem));
  expect(problems).toEqual(["protocol version 99; this process speaks 1", "not a frame of Tenure"]);
});

test("a budget travels as a whole number, however long it is (M3)", () => {
  const call: CallMessage = {
    kind: "call",
    request: 1,
    type: "t",
    id: "i",
    method: "m",
    args: bytesBody(encodeValue([])),
    budgetMs: 0.1,
    key: undefined,
    chain: [],
    repeatable: false,
    strict: false,
  };
  const budgetOf = (budgetMs: number): unknown =>
    (messageFromTuple(messageTuple({ ...call, budgetMs })) as CallMessage).budgetMs;
  expect(budgetOf(0.1)).toBe(1);
  expect(budgetOf(Number.MAX_VALUE)).toBe(Number.MAX_SAFE_INTEGER);
});

test("a strict call is garbage to a reader that does not know strict reads, and any other is as it was (D3)", () => {
  const call: CallMessage = {
    kind: "call",
    request: 1,
    type: "t",
    id: "i",
    method: "m",
    args: bytesBody(encodeValue([])),
    budgetMs: 1,
    key: undefined,
    chain: [],
    repeatable: true,
    strict: false,
  };
  const flagOf = (repeatable: boolean, strict: boolean): unknown =>
    messageTuple({ ...call, repeatable, strict })[9];
  expect([flagOf(false, false), flagOf(true, false)]).toEqual([false, true]);
  for (const repeatable of [false, true])
    expect(flagOf(repeatable, true)).not.toBeTypeOf("boolean");
  for (const bad of [0, 1, 4, -2, 2.5, null, "strict"])
    expect(() => messageFromTuple(messageTuple(call).with(9, bad))).toThrow(GarbageError);
});

test("a call with headers is garbage to a reader that does not know them, and one without is as it was (D3)", () => {
  const call: CallMessage = {
    kind: "call",
    request: 1,
    type: "t",
    id: "i",
    method: "m",
    args: bytesBody(encodeValue([])),
    budgetMs: 1,
    key: undefined,
    chain: [],
    repeatable: true,
    strict: false,
  };
  expect(messageTuple(call)).toHaveLength(10);
  expect(messageTuple({ ...call, headers: undefined })).toEqual(messageTuple(call));
  for (const strict of [false, true]) {
    const tuple = messageTuple({ ...call, strict, headers: headersFrom([["tenant", "a"]]) });
    // Who knows strict reads and no headers takes a boolean, 2 and 3.
    expect(tuple[9]).toBeGreaterThanOrEqual(4);
    expect(messageFromTuple(tuple)).toMatchObject({ repeatable: true, strict });
  }
});

test.for<[string, unknown]>([
  ["a name without a value", ["tenant"]],
  ["a value that is no string", ["tenant", 7]],
  ["a name twice", ["a", "1", "a", "2"]],
  ["no list", "tenant"],
  ["an object", { tenant: "a" }],
  ["nothing", undefined],
  ["more names than anybody may send", Array.from({ length: 4_000 }, (_, i) => `n${i}`)],
])("headers that are %s are garbage (D1)", ([_name, headers]) => {
  const tuple = [1, 1, "t", "i", "m", encodeValue([]), 1, null, null, 4, headers];
  expect(() => messageFromTuple(tuple)).toThrow(GarbageError);
  expect(messageFromTuple(tuple.with(10, ["a", "b"]))).toMatchObject({ headers: { a: "b" } });
});

test("words that are too long for a message are cut, and the message arrives (D4)", () => {
  const words = `${"x".repeat(65_534)}\u{1f600}${"y".repeat(100)}`;
  const sent: Message[] = [
    {
      kind: "reply",
      request: 1,
      result: { status: "failed", code: "C".repeat(100), message: words },
    },
    {
      kind: "reply",
      request: 2,
      result: {
        status: "refused",
        reason: "invalid",
        message: words,
        owner: undefined,
        generation: 0,
      },
    },
    {
      kind: "call",
      request: 3,
      type: "t",
      id: "i",
      method: "m".repeat(1_000),
      args: valueBody([]),
      budgetMs: 1,
      key: undefined,
      chain: [{ type: "t", id: "i", method: "m".repeat(1_000), turn: 1 }],
      repeatable: false,
      strict: false,
    },
  ];
  const problems: string[] = [];
  const arrived = decodeFrame(encodeFrame(sent), (problem) => problems.push(problem));
  expect(problems).toEqual([]);
  const cut = /^x{65534}\ufffd?…$/u;
  const method = `${"m".repeat(255)}…`;
  expect(arrived).toMatchObject([
    { result: { code: `${"C".repeat(63)}…`, message: expect.stringMatching(cut) as string } },
    { result: { message: expect.stringMatching(cut) as string } },
    { method, chain: [{ method }] },
  ]);
});

test("a key is a non-empty string of at most 256 bytes, or a sender of such a name with a whole number", () => {
  for (const fine of ["a", "é".repeat(128), "\0"]) {
    expect(keyProblem(fine)).toBeUndefined();
    expect(keyProblem({ sender: fine, sequence: 0 })).toBeUndefined();
  }
  for (const bad of [
    "",
    "é".repeat(129),
    "\ud800",
    7,
    null,
    {},
    [],
    { sender: "s", sequence: "1" },
  ])
    expect(keyProblem(bad)).toBeTypeOf("string");
});
