import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyValue } from "../../../test/support/any-value.ts";
import { decodeByLibrary, decodeValue, encodeByLibrary, encodeValue } from "./codec.ts";
import { VALUE_LIMITS } from "./decode-limits.ts";
import { isolate } from "./isolate.ts";
import { copyPlain } from "./plain-copy.ts";
import { NOT_PLAIN, readPlain } from "./plain-reader.ts";
import { writePlain, writePlainBehind, writeTuples } from "./plain-writer.ts";
import { checkSerializable, encodeBehind } from "./serializable.ts";

const leaf = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.string({ maxLength: 400 }),
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(0x3f, 0x40, 0xff, 0x100, 0xffff, 0x10000, 2 ** 31, 2 ** 32, -0x20, -0x21, -0x81),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(undefined, null),
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
);
const key = fc.string({ unit: "grapheme" }).filter((name) => name !== "__proto__");
const { plain } = fc.letrec<{ plain: unknown; node: unknown }>((tie) => ({
  plain: fc.oneof({ depthSize: "medium" }, leaf, tie("node")),
  node: fc.oneof(
    fc.array(tie("plain"), { maxLength: 40 }),
    fc.dictionary(key, tie("plain"), { noNullPrototype: true }),
    tie("plain").map((one) => [{ a: one }, { a: 1 }, { b: one === undefined, a: 2 }]),
  ),
}));

/** What the library writes for a value whose objects are all different ones. */
const unshared = (value: unknown): Uint8Array => encodeByLibrary(structuredClone(value));

describe("plain data", () => {
  test("is written to the byte as the library writes it, and read back the same", () => {
    let written = 0;
    fc.assert(
      fc.property(plain, (value) => {
        const bytes = writePlain(value);
        fc.pre(bytes !== undefined);
        written += 1;
        expect(Buffer.from(bytes)).toEqual(Buffer.from(unshared(value)));
        const read = readPlain(bytes, VALUE_LIMITS);
        fc.pre(read !== NOT_PLAIN);
        expect(read).toStrictEqual(decodeByLibrary(bytes));
      }),
      { numRuns: 2_000 },
    );
    expect(written).toBe(2_000);
  });

  test("behind a head is the same, is read from there, and is the last itself where it has not changed", () => {
    fc.assert(
      fc.property(plain, plain, fc.uint8Array({ maxLength: 5 }), (value, other, head) => {
        const bytes = writePlainBehind(head, value, undefined);
        fc.pre(bytes !== undefined);
        expect(Buffer.from(bytes)).toEqual(Buffer.concat([head, unshared(value)]));
        const read = readPlain(bytes, VALUE_LIMITS, false, head.length);
        fc.pre(read !== NOT_PLAIN);
        expect(read).toStrictEqual(decodeByLibrary(unshared(value)));
        expect(writePlainBehind(head, value, bytes)).toBe(bytes);
        const next = writePlainBehind(head, other, bytes);
        fc.pre(next !== undefined);
        const same = Buffer.compare(unshared(value), unshared(other)) === 0;
        expect(next === bytes).toBe(same);
        expect(Buffer.from(next)).toEqual(Buffer.concat([head, unshared(other)]));
      }),
    );
  });

  test("and what is not plain are stored alike", () => {
    fc.assert(
      fc.property(anyValue, fc.uint8Array({ maxLength: 5 }), (value, head) => {
        let body: Uint8Array;
        try {
          checkSerializable(value, "v");
          body = encodeValue(value);
        } catch {
          return;
        }
        const bytes = encodeBehind(head, value, undefined, "v");
        expect(Buffer.from(bytes)).toEqual(Buffer.concat([head, body]));
        expect(encodeBehind(head, value, bytes, "v")).toBe(bytes);
        expect(decodeValue(bytes, head.length)).toStrictEqual(decodeValue(body));
      }),
    );
  });

  test("with anything else in it is left alone or written as the library writes it", () => {
    let written = 0;
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = writePlain(value);
        fc.pre(bytes !== undefined);
        written += 1;
        expect(Buffer.from(bytes)).toEqual(Buffer.from(encodeByLibrary(value)));
      }),
      { numRuns: 500 },
    );
    expect(written).toBe(500);
  });

  test("is read out of any bytes as the library reads them, or left alone", () => {
    let seen = 0;
    fc.assert(
      fc.property(plain, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = new Uint8Array(unshared(value));
        bytes[at % bytes.length] = byte;
        const read = readPlain(bytes, VALUE_LIMITS);
        fc.pre(read !== NOT_PLAIN);
        let expected: unknown;
        try {
          expected = decodeByLibrary(bytes);
        } catch (error) {
          throw new Error(`read, though refused: ${String(error)}`, { cause: error });
        }
        // Text that is no UTF-8 becomes some text or other.
        fc.pre(!JSON.stringify(expected ?? null).includes("\ufffd"));
        seen += 1;
        expect(read).toStrictEqual(expected);
      }),
      { numRuns: 3_000 },
    );
    expect(seen).toBe(3_000);
  });

  test("is copied as the walk's copy is, and shares nothing", () => {
    let copied = 0;
    fc.assert(
      fc.property(plain, (value) => {
        const copy = copyPlain(value, Infinity);
        fc.pre(copy !== NOT_PLAIN);
        copied += 1;
        expect(copy).toStrictEqual(value);
        expect(sharedObjects(value, copy)).toBe(0);
      }),
      { numRuns: 2_000 },
    );
    expect(copied).toBe(2_000);
  });

  const twice = { a: 1 };
  const getter = Object.defineProperty({}, "a", { get: () => 1, enumerable: true });
  const setter = Object.defineProperty({}, "a", { set: () => {}, enumerable: true });
  class Money {
    amount = 1;
  }
  class List extends Array {}
  test.each<[string, unknown]>([
    ["an accessor", getter],
    ["an accessor that only sets", setter],
    ["a symbol key", { [Symbol("s")]: 1 }],
    ["a function", { f: () => 1 }],
    ["a class instance", new Money()],
    ["a subclass of Array", new List()],
    ["an array with a property", Object.assign([1], { more: 2 })],
    ["a key named __proto__", JSON.parse('{"__proto__":1}')],
    ["a lone surrogate", ["\ud800"]],
    ["a key with a lone surrogate", { "\ud800": 1 }],
    ["a lone surrogate in long text", ["x".repeat(100) + "\udc00"]],
    ["something deeper than any value may be", nested(101)],
    ["a symbol", Symbol("s")],
  ])("is not what has %s, which must be refused", (_, value) => {
    expect(() => checkSerializable(value, "value")).toThrow(/cannot travel/);
    expect(writePlain(value)).toBeUndefined();
    expect(copyPlain(value, Infinity)).toBe(NOT_PLAIN);
    expect(() => isolate(value, "value")).toThrow(/cannot travel/);
  });

  test("is not what stands in a value twice, or what is frozen", () => {
    expect(writePlain([twice, twice])).toBeUndefined();
    expect(copyPlain([twice, twice], Infinity)).toBe(NOT_PLAIN);
    const frozen = Object.freeze({ a: 1 });
    expect(copyPlain([frozen], Infinity)).toBe(NOT_PLAIN);
    expect((isolate([frozen], "value") as readonly unknown[])[0]).toBe(frozen);
  });

  test("in which a proxy sends a value of its own while it is looked at is not mixed with that one", () => {
    const other = { b: [1, 2, 3], c: "another" };
    const sending = (send: () => unknown): unknown =>
      new Proxy({ a: 1 }, { getPrototypeOf: (target) => (send(), Object.getPrototypeOf(target)) });
    const copied = copyPlain([twice, sending(() => copyPlain(other, Infinity)), twice], Infinity);
    expect(copied).toBe(NOT_PLAIN);
    for (const send of [
      () => writePlain(other),
      () => writePlainBehind(SOME, other, undefined),
      () => writeTuples(1, 2, ["a frame that is full"]),
    ])
      expect(writePlain(["first", sending(send)])).toEqual(unshared(["first", { a: 1 }]));
  });

  test("that is larger than it may be is refused with its size", () => {
    expect(() => isolate(["x".repeat(2_000)], "args", 1_000)).toThrow(/at least 2002 bytes/);
  });
});

const SOME = Uint8Array.of(1, 2, 3);

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

function sharedObjects(a: unknown, b: unknown): number {
  if (typeof a !== "object" || a === null) return 0;
  if (a === b) return 1;
  return Object.keys(a).reduce(
    (sum, name) => sum + sharedObjects((a as never)[name], (b as never)[name]),
    0,
  );
}
