import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeValue, encodeValue } from "./codec.ts";
import {
  CallError,
  CallTimeoutError,
  CancelledError,
  defineError,
  MethodNotFoundError,
  TenureError,
} from "./errors.ts";
import { isolate } from "./isolate.ts";
import { errorFromRecord, errorToRecord, thrownFromRecord } from "./wire-error.ts";

const Limit = defineError<{ limit: number }>()("LIMIT");

/** As a caller gets it, over the wire and from its own silo. */
function ways(thrown: unknown): unknown[] {
  const record = errorToRecord(thrown);
  return [
    thrownFromRecord(decodeValue(encodeValue(record))),
    thrownFromRecord(isolate(record, "error")),
  ];
}

/** The same over two hops: through an actor that lets it through. */
function twice(thrown: unknown): unknown[] {
  return ways(thrown).flatMap(ways);
}

class OrderError extends Error {
  override readonly name = "OrderError";
  readonly order = { id: 7n, at: new Date(0), tags: new Set(["a"]) };
}

const cyclic = new Error("around");
cyclic.cause = cyclic;
let deep = new Error("the last cause");
for (let i = 0; i < 20; i++) deep = new Error(`cause ${i}`, { cause: deep });

/** Whatever may be thrown, and what arrives of it. */
const THROWN: readonly (readonly [what: string, thrown: unknown, arrives: object])[] = [
  ["an Error", new Error("m"), { constructor: Error, name: "Error", message: "m" }],
  ["an empty message", new Error(), { constructor: Error, message: "" }],
  ...[TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map(
    (Class) =>
      [Class.name, new Class("m"), { constructor: Class, name: Class.name, message: "m" }] as const,
  ),
  [
    "a class of the user's",
    new OrderError("m"),
    { name: "OrderError", order: { id: 7n, at: new Date(0), tags: new Set(["a"]) } },
  ],
  ["a code", Object.assign(new Error("m"), { code: "ENOENT" }), { code: "ENOENT" }],
  ["a code that is a number", Object.assign(new Error("m"), { code: 7 }), { code: 7 }],
  ["a name that was given", Object.assign(new Error("m"), { name: "Mine" }), { name: "Mine" }],
  ["an error of defineError", Limit({ limit: 3 }), { code: "LIMIT", data: { limit: 3 } }],
  [
    "causes",
    Limit({ limit: 1 }, { cause: new RangeError("inner", { cause: new TypeError("deep") }) }),
    { cause: { name: "RangeError", message: "inner", cause: { name: "TypeError" } } },
  ],
  ["a cause that is no error", new Error("m", { cause: { why: 1 } }), { cause: { why: 1 } }],
  [
    "an AggregateError",
    new AggregateError([new TypeError("one"), Limit({ limit: 2 }), "three", null], "all", {
      cause: "why",
    }),
    {
      constructor: AggregateError,
      message: "all",
      cause: "why",
      errors: [{ name: "TypeError" }, { code: "LIMIT" }, "three", null],
    },
  ],
  [
    "a DOMException",
    new DOMException("m", "AbortError"),
    { constructor: DOMException, name: "AbortError", message: "m", code: 20 },
  ],
  ["what an AbortSignal aborts with", AbortSignal.abort().reason, { constructor: DOMException }],
  [
    "a timeout of the framework",
    new CallTimeoutError("m", { outcome: "not-executed", details: { actor: "a/1" } }),
    {
      constructor: CallTimeoutError,
      code: "CALL_TIMEOUT",
      outcome: "unknown",
      details: { actor: "a/1" },
    },
  ],
  [
    "a cancellation",
    new CancelledError("m", { outcome: "not-executed", cause: new Error("why") }),
    { constructor: CancelledError, outcome: "unknown", cause: { message: "why" } },
  ],
  ["an error of the framework", new TenureError("T", "m"), { constructor: TenureError, code: "T" }],
  ["an error that is its own cause", cyclic, { message: "around", cause: { message: "around" } }],
  ["very many causes", deep, { message: "cause 19", cause: { message: "cause 18" } }],
  [
    "what has no place in data",
    Object.assign(new Error("m"), { socket: new URLSearchParams(), fine: 1, on: () => 1 }),
    { message: "m", fine: 1, notSerialized: ["socket", "on"] },
  ],
  [
    "data of defineError that cannot travel",
    Limit({ limit: (() => 1) as unknown as number }),
    { code: "LIMIT", data: undefined, notSerialized: ["data"] },
  ],
  [
    "a cause that cannot travel",
    new Error("m", { cause: () => 1 }),
    { cause: { name: "Error", notSerialized: ["thrown"] } },
  ],
  [
    "an error whose toString throws",
    Object.assign(new Error("m"), {
      toString() {
        throw new Error("gotcha");
      },
    }),
    { message: "m", notSerialized: ["toString"] },
  ],
  ...[
    ["a symbol", Symbol("s"), "symbol"],
    ["a function", () => 1, "function"],
    ["an instance of a class", new URLSearchParams(), "object"],
    [
      "an object whose toString throws",
      {
        toString() {
          throw new Error("gotcha");
        },
      },
      "object",
    ],
    ["a proxy that throws at everything", hostileProxy(new Error("m")), "object"],
    ["the same around no error", hostileProxy({}), "object"],
    ["a lone surrogate", "\ud800", "string"],
    ["a promise", Promise.resolve(), "object"],
  ].map(
    ([what, thrown, type]) =>
      [
        what as string,
        thrown,
        {
          name: "Error",
          message: `a value that cannot travel was thrown (${type as string})`,
          notSerialized: ["thrown"],
        },
      ] as const,
  ),
];

function hostileProxy(target: object): unknown {
  const trap = (): never => {
    throw new Error("gotcha");
  };
  return new Proxy(target, {
    get: trap,
    has: trap,
    ownKeys: trap,
    getPrototypeOf: trap,
    getOwnPropertyDescriptor: trap,
  });
}

test.each(THROWN)("%s arrives as it was thrown, over one hop and over two", (_what, thrown, as) => {
  for (const arrived of [...ways(thrown), ...twice(thrown)]) {
    expect(arrived).toBeInstanceOf(Error);
    expect(arrived).toMatchObject(as);
  }
});

test.each([["text"], [""], [7], [Number.NaN], [7n], [true], [null], [undefined]])(
  "the value %o that was thrown arrives as that value, over one hop and over two",
  (thrown) => {
    for (const arrived of [...ways(thrown), ...twice(thrown)]) expect(arrived).toBe(thrown);
  },
);

test("what an error had lost before it went on is still named, and so is what it loses then", () => {
  for (const first of ways(Object.assign(new Error("m"), { one: () => 1 }))) {
    Object.assign(first as Error, { two: Symbol("s") });
    for (const second of ways(first))
      expect(second).toMatchObject({ notSerialized: ["one", "two"] });
  }
  // Only so many names.
  const very = Object.assign(
    new Error("m"),
    Object.fromEntries(Array.from({ length: 1_000 }, (_unused, i) => [`f${i}`, () => i])),
  );
  for (const arrived of twice(very))
    expect((arrived as { notSerialized?: unknown }).notSerialized).toHaveLength(100);
});

test("a stack travels where it is asked for, with those of causes and of errors in errors", () => {
  const inner = new RangeError("inner");
  const record = errorToRecord(new AggregateError([inner], "m", { cause: inner }), { stack: true });
  const arrived = errorFromRecord(decodeValue(encodeValue(record))) as AggregateError;
  for (const error of [arrived.cause, arrived.errors[0]] as Error[])
    expect(error.stack).toBe(inner.stack);
  expect(JSON.stringify(errorToRecord(inner))).not.toContain("wire-error.test");
});

test("a CallError arrives with its class, code and details, and with outcome unknown (X2)", () => {
  const sent = new MethodNotFoundError("no", { outcome: "not-executed", details: { a: 1 } });
  for (const error of ways(sent)) {
    expect(error).toBeInstanceOf(MethodNotFoundError);
    expect(error).toMatchObject({ outcome: "unknown", details: { a: 1 }, message: "no" });
  }
  for (const error of ways(new CallError("OTHER", "x", { outcome: "not-executed" })))
    expect(error).toMatchObject({ code: "OTHER", outcome: "unknown" });
});

test("other errors of the framework keep their name and code", () => {
  class ReadOnlyStateError extends TenureError {}
  for (const error of ways(new ReadOnlyStateError("READ_ONLY_STATE", "no"))) {
    expect(error).toBeInstanceOf(TenureError);
    expect(error).toMatchObject({ name: "ReadOnlyStateError", code: "READ_ONLY_STATE" });
  }
});

test("what cannot travel is left out and named", () => {
  const error = Object.assign(new Error("x"), {
    fine: 1,
    callback: () => 1,
    nested: { error: new Error("inner") },
  });
  const record = errorToRecord(error);
  expect(record.props).toEqual({ fine: 1 });
  expect(record.lost).toEqual(["callback", "nested"]);
  for (const arrived of ways(Limit({ limit: (() => 1) as unknown as number })))
    expect(Limit.is(arrived) && arrived.data).toBeUndefined();
});

test("getters that throw cost no more than their property", () => {
  const error: unknown = Object.create(Error.prototype, {
    message: {
      get: () => {
        throw new Error("gotcha");
      },
    },
    name: { get: () => 7 },
    code: {
      enumerable: true,
      get: () => {
        throw new Error("gotcha");
      },
    },
    cause: {
      get: () => {
        throw new Error("gotcha");
      },
    },
    stack: {
      get: () => {
        throw new Error("gotcha");
      },
    },
  });
  expect(errorToRecord(error, { stack: true })).toMatchObject({
    kind: "error",
    name: "Error",
    message: "",
    lost: expect.arrayContaining(["message", "cause", "stack"]) as unknown,
  });
});

test("errors that hold each other, or very many, make a bounded record (X3)", () => {
  const a: Error = new AggregateError([], "a");
  (a as AggregateError).errors.push(a, a, a);
  a.cause = a;
  const many = new AggregateError(
    Array.from({ length: 10_000 }, () => new Error("x")),
    "many",
  );
  for (const error of [a, many]) {
    const record = errorToRecord(error);
    expect(JSON.stringify(record).split('"kind"').length).toBeLessThan(150);
    expect(record.lost ?? errorToRecord(error).lost).toEqual(record.lost);
    for (const arrived of ways(error)) expect(arrived).toBeInstanceOf(AggregateError);
  }
  expect(errorToRecord(many).lost).toEqual(["errors"]);
});

test("names of Object.prototype are names like any other (X4)", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const arrived = errorFromRecord({ kind: "error", name, message: "m" });
    expect(arrived).toBeInstanceOf(Error);
    expect(arrived.name).toBe(name);
    expect(arrived.message).toBe("m");
  }
});

test("anything thrown makes a record, and the record the same thing again", () => {
  fc.assert(
    fc.property(
      fc.anything({
        withMap: true,
        withSet: true,
        withDate: true,
        withBigInt: true,
        withNullPrototype: true,
      }),
      (thrown) => {
        // Of all numbers, -0 may arrive as another one: as 0 (W1).
        fc.pre(!inspect(thrown, { depth: null }).includes("-0"));
        const record = errorToRecord(thrown);
        if (record.kind !== "thrown") return;
        for (const arrived of ways(thrown)) expect(arrived).toEqual(thrown);
      },
    ),
  );
});

/** The error of a record, or the TypeError that says that it is none; any other error gets out. */
function errorOrRefusal(given: unknown): unknown {
  try {
    return errorFromRecord(given);
  } catch (error) {
    if (error instanceof TypeError) return error;
    throw error;
  }
}

test("what is no record makes a TypeError, and nothing else (X4)", () => {
  const field = fc.oneof(fc.string(), fc.anything());
  const record = fc.record(
    {
      kind: fc.oneof(fc.constantFrom("error", "defined", "call", "tenure", "thrown"), field),
      name: field,
      message: field,
      code: field,
      data: fc.anything(),
      props: fc.oneof(fc.dictionary(fc.string(), fc.anything()), field),
      cause: field,
      errors: fc.oneof(fc.array(fc.anything()), field),
      stack: field,
      dom: fc.oneof(fc.constant(true), field),
      lost: fc.oneof(fc.array(fc.string(), { maxLength: 120 }), field),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(record, fc.anything()), (given) => {
      expect(errorOrRefusal(given)).toBeInstanceOf(Error);
    }),
  );
});

const plainRecord = { kind: "error", name: "E", message: "m" };

test("a record that holds another many times over, or itself, makes no more errors than one is written with (X5)", () => {
  let shared: object = plainRecord;
  for (let i = 0; i < 8; i++)
    shared = { ...plainRecord, errors: Array.from({ length: 8 }, () => shared) };
  const own: Record<string, unknown> = { ...plainRecord };
  own["cause"] = own;
  let long: object = plainRecord;
  for (let i = 0; i < 9; i++) long = { ...plainRecord, cause: long };
  for (const record of [shared, own, long])
    for (const read of [errorFromRecord, thrownFromRecord])
      expect(() => read(record)).toThrow(/more errors than were ever written/);
});

test("the longest chain of causes, and the most errors, that a record is written with are read (X3, X5)", () => {
  let error = new Error("x");
  for (let i = 0; i < 20; i++) error = new Error("x", { cause: error });
  const many = new AggregateError(Array.from({ length: 1_000 }, () => new Error("x")));
  for (const sent of [error, many])
    for (const arrived of ways(sent)) expect(arrived).toBeInstanceOf(Error);
});

test("nothing of a record is made into text to see what it is (X4)", () => {
  let list: unknown[] = [];
  for (let i = 0; i < 60; i++) list = [list, list]; // as text: 2^60 commas
  for (const field of ["kind", "name", "message", "code", "stack"])
    expect(() => errorFromRecord({ ...plainRecord, [field]: list })).toThrow(TypeError);
});

test("a timeout that was thrown stays one", () => {
  for (const error of ways(new CallTimeoutError("late", { outcome: "not-executed" })))
    expect(error).toBeInstanceOf(CallTimeoutError);
});
