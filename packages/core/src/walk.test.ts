import { expect, test } from "vitest";
import { NotSerializableError } from "./errors.ts";
import { makeReference } from "./reference.ts";
import { MAX_DEPTH } from "./decode-limits.ts";
import { checkSerializable } from "./serializable.ts";
import { checkPlainData } from "./walk.ts";

class Point {
  x = 1;
}

const nested = (depth: number): unknown => {
  let value: unknown = 0;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
};

const sparse = Object.assign([], { 1: "b", extra: 1 });

test.for<[string, unknown, string]>([
  ["a function", { a: [() => 1] }, "v.a[0] is a function (anonymous)"],
  ["a class", { a: Point }, "v.a is a function (Point)"],
  ["a symbol", [Symbol("s")], "v[0] is a symbol"],
  ["a symbol key", { [Symbol("s")]: 1 }, "v has a symbol key (Symbol(s))"],
  [
    "an accessor",
    {
      get a() {
        return 1;
      },
    },
    'v has an accessor ("a")',
  ],
  ["a class instance", { "a b": new Point() }, 'v["a b"] is an instance of Point'],
  ["a promise", Promise.resolve(), "v is an instance of Promise"],
  ["a weak map", new WeakMap(), "v is an instance of WeakMap"],
  ["a boxed primitive", Object("x"), "v is an instance of String"],
  ["a Map of one's own", new (class Own extends Map {})(), "v is an instance of Own"],
  ["an array of one's own", new (class List extends Array {})(), "v is an instance of List"],
  ["binary of one's own", new (class Bytes extends Uint8Array {})(1), "v is an instance of Bytes"],
  ["shared memory", new SharedArrayBuffer(1), "v is an instance of SharedArrayBuffer"],
  ["a class without a name", new (class {})(), "v is an instance of a class"],
  [
    "a hostile constructor",
    Object.create({ constructor: { name: 7 }, __proto__: { a: 1 } }),
    "v is an instance of a class",
  ],
  [
    "a function in a Map's key",
    new Map([[() => 1, 1]]),
    "v.key(function (anonymous)) is a function",
  ],
  ["a function in a Map", new Map([["k", () => 1]]), 'v.get("k") is a function'],
  ["a function in a Set", new Set([{ a: () => 1 }]), "v.item.a is a function"],
  [
    "an extra property on an array",
    Object.assign([1], { a: 1 }),
    "v is an array with extra properties",
  ],
  ["an extra property on a sparse array", sparse, "v is an array with extra properties"],
  ["an extra property on a Map", Object.assign(new Map(), { a: 1 }), "v has extra properties"],
  ["an extra property on a Date", Object.assign(new Date(), { a: 1 }), "v has extra properties"],
  ["a key named __proto__", JSON.parse('{"__proto__":1}'), "v has a key named __proto__"],
  ["a lone surrogate", { a: "\ud800" }, "v.a has a lone surrogate"],
  ["a key with a lone surrogate", { "\udc00": 1 }, "v has a key with a lone surrogate"],
  ["too many levels", nested(MAX_DEPTH + 1), "levels"],
  [
    "a reference",
    { a: makeReference({ type: "t", id: "i" }, { call: async () => 1 }, undefined) },
    "v.a is a reference to an actor",
  ],
])("%s is refused, with its path (W1)", ([_name, value, problem]) => {
  let refused: unknown;
  try {
    checkSerializable(value, "v");
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(NotSerializableError);
  expect(refused).toMatchObject({ code: "NOT_SERIALIZABLE", outcome: "not-executed" });
  expect(String(refused)).toContain(problem);
});

test("plain data of all kinds is accepted, and so are cycles and errors", () => {
  const cyclic: Record<string, unknown> = { list: [1, "é", 1n, undefined, null, Number.NaN] };
  cyclic["self"] = cyclic;
  for (const value of [
    cyclic,
    nested(MAX_DEPTH - 1),
    Object.create(null),
    new Map([[{}, new Set([new Date(), /x/g, new URL("http://a/")])]]),
    [Buffer.from("a"), new Float64Array(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))],
    Object.assign(new TypeError("x", { cause: { any: () => 1 } }), { callback: () => 1 }),
    new DOMException("x"),
    { constructor: 1, toJSON: "x", hasOwnProperty: true, length: 3 },
    Object.defineProperty({}, "hidden", { value: () => 1, enumerable: false }),
  ])
    expect(() => checkSerializable(value, "v")).not.toThrow();
});

test("an error's data has no errors in it", () => {
  expect(() => checkPlainData({ a: [new Error("x")] }, "data")).toThrow(
    "data.a[0] is an error inside an error's data",
  );
  expect(() => checkPlainData({ a: [1] }, "data")).not.toThrow();
});

test("a long path is cut in the middle", () => {
  const deep = nested(40) as unknown[];
  let inner = deep;
  while (Array.isArray(inner[0])) inner = inner[0] as unknown[];
  inner[0] = () => 1;
  expect(() => checkSerializable(deep, "v")).toThrow("v[0][0][0][0][0][0]…[0][0][0] is a function");
});
