// Whatever the walk accepts arrives equal, whichever way it goes: as bytes, or as a copy (W2, S1, S2, C1, C3, C5).
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeValue, encodeValue } from "./codec.ts";
import { InvalidArgumentError } from "./errors.ts";
import { anyValue } from "../../../test/support/any-value.ts";
import { arrived } from "../../../test/support/arrived.ts";
import { isDeepFrozen, isolate, isolateItems } from "./isolate.ts";
import { checkSerializable } from "./serializable.ts";

/** Every object that can be reached, with binary's memory. */
function reachable(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== "object" || value === null || found.has(value)) return found;
  found.add(value);
  if (value instanceof Map) for (const pair of value) reachable(pair, found);
  else if (value instanceof Set) for (const item of value) reachable(item, found);
  else if (ArrayBuffer.isView(value)) found.add(value.buffer);
  else for (const item of Object.values(value)) reachable(item, found);
  return found;
}

test("what the walk accepts arrives equal as bytes", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(decodeValue(encodeValue(value))).toStrictEqual(arrived(value));
    }),
    { numRuns: 500 },
  );
});

test("what the walk accepts arrives equal as a copy, which shares nothing that can change", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const copy = isolate(value, "v");
      expect(arrived(copy)).toStrictEqual(arrived(value));
      const shared = [...reachable(copy)].filter((object) => reachable(value).has(object));
      expect(shared.filter((object) => !isDeepFrozen(object))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("the arguments of a call are copied as any list is, and refused as any list is, but for the list itself", () => {
  const argument = fc.oneof(
    { arbitrary: fc.oneof(fc.integer(), fc.string(), fc.boolean()), weight: 3 },
    anyValue,
  );
  fc.assert(
    fc.property(
      fc.array(argument, { maxLength: 20 }),
      fc.boolean(),
      fc.constantFrom(40, 17_000, 1e6),
      (list, twice, maxBytes) => {
        const args = twice && list.length > 0 ? [...list, list[0]] : list;
        const whole = attempt(() => isolate(args, "args", maxBytes));
        const items = attempt(() => isolateItems(args, "args", maxBytes));
        expect(arrived(items)).toStrictEqual(arrived(whole));
        if (items instanceof Error) return;
        const known = reachable(args);
        const shared = [...reachable(items)].filter(
          (object) => object !== args && known.has(object),
        );
        expect(shared.filter((object) => !isDeepFrozen(object))).toEqual([]);
      },
    ),
    { numRuns: 500 },
  );
});

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

test("a value, its copy and what its bytes become have the same bytes, whatever was encoded before (C5)", () => {
  fc.assert(
    fc.property(anyValue, anyValue, (value, other) => {
      const bytes = encodeValue(value);
      encodeValue(other);
      const again = [value, isolate(value, "v"), decodeValue(bytes)].map((same) =>
        encodeValue(same),
      );
      expect(again.map((encoded) => Buffer.compare(encoded, bytes))).toEqual([0, 0, 0]);
    }),
    { numRuns: 500 },
  );
});

test("a value is measured from below: what is too large for a copy is so in bytes, too (W3, S3)", () => {
  const rows = fc
    .tuple(fc.array(anyValue), fc.integer({ min: 1, max: 50 }))
    // Objects of one shape share their keys when they are encoded; one object twice is encoded once.
    .map(([values, n]) => Array.from({ length: n }, () => ({ longName: values, again: values })));
  fc.assert(
    fc.property(fc.oneof(anyValue, rows), (value) => {
      expect(checkSerializable(value, "v")).toBeLessThanOrEqual(encodeValue(value).length);
    }),
    { numRuns: 1_000 },
  );
});

test.for<[string, unknown]>([
  ["a string", "x".repeat(1_000)],
  ["bytes", [new Uint8Array(1_000)]],
  ["many values", { list: Array.from({ length: 1_000 }, () => 0) }],
  ["many objects", Array.from({ length: 1_000 }, () => ({}))],
  ["a map", new Map([["x", "y".repeat(1_000)]])],
])("%s that is too large is refused before it is copied, with its size (S3)", ([_name, value]) => {
  expect(() => isolate(value, "args", 2_000)).not.toThrow();
  const error = thrownBy(() => isolate(value, "args", 1_000));
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(error).toMatchObject({ outcome: "not-executed", details: { path: "args", limit: 1_000 } });
  expect(String(error)).toMatch(/args takes at least 100\d bytes; at most 1000 fit/);
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test("names of Object.prototype are keys like any other", () => {
  const value = { constructor: [1], toString: 2, valueOf: { constructor: "x" }, toJSON: "y" };
  for (const arrivedValue of [decodeValue(encodeValue(value)), isolate(value, "v")])
    expect(arrivedValue).toEqual(value);
});

test("decoded values own their bytes (C3)", () => {
  const bytes = encodeValue([new Uint8Array([1, 2, 3]), Buffer.from("abc")]);
  const [first, second] = decodeValue(bytes) as [Uint8Array, Uint8Array];
  bytes.fill(0);
  expect([...first, ...second]).toEqual([1, 2, 3, 97, 98, 99]);
  expect(Buffer.isBuffer(second)).toBe(false);
});

test("an error's copy is an error of its own, with data of its own", () => {
  const list = [1];
  const error = Object.assign(new RangeError("x", { cause: new Error("why") }), { list });
  const copy = isolate([error, error], "v");
  expect(copy[0]).toBe(copy[1]);
  expect(copy[0]).not.toBe(error);
  expect(copy[0]).toBeInstanceOf(RangeError);
  expect(copy[0]).toMatchObject({ message: "x", list: [1], cause: { message: "why" } });
  expect(copy[0]!.list).not.toBe(list);
});

test("deep-frozen plain data is shared, at any depth; what only looks frozen is not", () => {
  const frozen = Object.freeze({ a: Object.freeze([1]) });
  expect(isolate(frozen, "v")).toBe(frozen);
  expect(isolate([frozen], "v")[0]).toBe(frozen);
  for (const value of [
    Object.freeze({ a: [1] }),
    Object.freeze({ a: new Date() }),
    Object.freeze(new Map([[1, 2]])),
    Object.freeze([Object.freeze(new Date())]),
    Object.freeze(Object.defineProperty({}, "hidden", { value: [1] })),
  ])
    expect(isDeepFrozen(value)).toBe(false);
});

test("half of a cycle is not deep-frozen when the other half can change", () => {
  const inner: Record<string, unknown> = {};
  const outer: Record<string, unknown> = { inner, open: [] };
  inner["outer"] = outer;
  Object.freeze(inner);
  Object.freeze(outer);
  expect(isDeepFrozen(outer)).toBe(false);
  expect(isDeepFrozen(inner)).toBe(false);
  Object.freeze(outer["open"]);
  expect(isDeepFrozen(inner)).toBe(true);
});
