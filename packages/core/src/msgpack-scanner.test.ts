import fc from "fast-check";
import { expect, test } from "vitest";
import { anyValue } from "../../../test/support/any-value.ts";
import { decodeValue, encodeValue, GarbageError } from "./codec.ts";
import { type Excess, MAX_DEPTH, MAX_OBJECTS, MAX_VALUES, VALUE_LIMITS } from "./decode-limits.ts";
import { defineError, NotSerializableError } from "./errors.ts";
import { decodeFrame } from "./message-codec.ts";
import { Scanner } from "./msgpack-scanner.ts";
import { checkSerializable } from "./serializable.ts";

const scanner = new Scanner(VALUE_LIMITS);
const Limit = defineError<{ limit: number[] }>()("LIMIT");

/** Errors with causes, data and properties; objects of more shapes than the encoder remembers. */
const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: anyValue },
  fc.tuple(anyValue, fc.string({ unit: "grapheme" })).map(([data, message]) =>
    Object.assign(new RangeError(message, { cause: new AggregateError([Limit({ limit: [1] })]) }), {
      data,
    }),
  ),
  fc
    .tuple(fc.integer({ min: 60, max: 150 }), anyValue)
    .map(([shapes, item]) =>
      [1, 2, 3].flatMap(() => Array.from({ length: shapes }, (_, i) => ({ [`key${i}`]: item }))),
    ),
);

test("every value that may travel passes, alone and with others around it (N5)", () => {
  fc.assert(
    fc.property(anything, (value) => {
      for (const whole of [
        value,
        [value, value],
        { value, error: new Error("x", { cause: value }) },
      ]) {
        try {
          checkSerializable(whole, "v");
        } catch {
          continue;
        }
        expect(scanner.scan(encodeValue(whole))).toBeUndefined();
      }
    }),
    { numRuns: 500 },
  );
});

/** What came of bytes: a value, or the typed refusal. Anything else that is thrown gets out. */
function outcomeOf(bytes: Uint8Array): { readonly value: unknown } | GarbageError {
  try {
    return { value: decodeValue(bytes) };
  } catch (error) {
    if (error instanceof GarbageError) return error;
    throw error;
  }
}

test("bytes that were changed or cut off are refused, typed, or become a value within the limits (N1)", () => {
  let decoded = 0;
  fc.assert(
    fc.property(
      anything,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.nat(3),
      (value, changes, cut) => {
        const bytes = encodeValue(value);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const outcome = outcomeOf(bytes.subarray(0, bytes.length - cut));
        if (outcome instanceof GarbageError) return;
        decoded += 1;
        // What has come in may go out again: it has nothing in it that a value must not have.
        checkSerializable(outcome.value, "v");
      },
    ),
    { numRuns: 2_000 },
  );
  expect(decoded).toBeGreaterThan(200);
});

test("each prefix of a value's bytes is refused as cut off, and each longer run as going on", () => {
  fc.assert(
    fc.property(
      anything,
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
      (value, at, more) => {
        const bytes = encodeValue(value);
        const cut = scanner.scan(bytes.subarray(0, at % bytes.length));
        // A marker whose object is missing is seen at the marker.
        expect(["truncated", "pointer", "record", "key", "text", "extension"]).toContain(cut?.rule);
        expect(scanner.scan(Uint8Array.from([...bytes, ...more]))?.rule).toBe("trailing");
      },
    ),
    { numRuns: 500 },
  );
});

const u32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff];
const text = (chars: string): number[] => [0xa0 + chars.length, ...Buffer.from(chars)];
const repeat = (count: number, bytes: readonly number[]): number[] =>
  Array.from({ length: count * bytes.length }, (_, i) => bytes[i % bytes.length]!);
const id = (n: number): number[] => [0xd6, 0x69, ...u32(n)];
const pointer = (n: number): number[] => [0xd6, 0x70, ...u32(n)];
const record = (keys: readonly string[]): number[] => [
  0xd4,
  0x72,
  0x40,
  0x90 + keys.length,
  ...keys.flatMap(text),
];
const ERROR = [0xd4, 0x45, 0];
/** [[…[]…]], each list twice in the one around it, then something: 2^60 ways down, in a few hundred bytes. */
const laughs = (after: readonly number[]): number[] => {
  const lists = Array.from({ length: 60 }, (_, i) => [...id(i + 1), 0x92]).flat();
  const backs = Array.from({ length: 60 }, (_, i) => pointer(60 - i));
  return [...lists, 1, 1, ...backs.slice(0, -1).flat(), ...after];
};

test.for<[string, Excess["rule"], readonly number[]]>([
  ["an array that announces four billion items", "truncated", [0xdd, ...u32(2 ** 32 - 1)]],
  ["a Map that announces four billion items", "truncated", [0xdf, ...u32(2 ** 32 - 1)]],
  ["text that announces four gigabytes", "truncated", [0xdb, ...u32(2 ** 32 - 1)]],
  ["bytes that announce four gigabytes", "truncated", [0xc6, ...u32(2 ** 32 - 1)]],
  ["binary that announces four gigabytes", "truncated", [0xc9, ...u32(2 ** 32 - 1), 0x74, 1]],
  ["a big integer that announces four gigabytes", "truncated", [0xc9, ...u32(2 ** 32 - 1), 0x42]],
  [
    "a record that announces four billion keys",
    "truncated",
    [0xd4, 0x72, 0x40, 0xdd, ...u32(2 ** 32 - 1)],
  ],
  ["100,000 levels of arrays", "depth", repeat(100_000, [0x91])],
  ["100,000 levels of Maps", "depth", repeat(100_000, [0x81, 1])],
  ["100,000 levels of Sets", "depth", repeat(100_000, [0xd4, 0x73, 0, 0x91])],
  ["100,000 levels of records", "depth", [...record(["a"]), ...repeat(100_000, [0x40])]],
  ["100,000 levels of ids", "pointer", repeat(100_000, id(1))],
  [
    "100,000 levels of errors",
    "depth",
    [...ERROR, ...record(["cause"]), ...repeat(100_000, [...ERROR, 0x40])],
  ],
  ["a Map of a million keys", "values", [0xdf, ...u32(1_000_000), ...repeat(2_000_000, [1])]],
  ["a million empty Maps", "objects", [0xdd, ...u32(1_000_000), ...repeat(1_000_000, [0x80])]],
  [
    "a million empty binaries",
    "objects",
    [0xdd, ...u32(1_000_000), ...repeat(1_000_000, [0xc7, 1, 0x74, 1])],
  ],
  ["an extension that nobody knows", "extension", [0xd4, 0x63, 0]],
  [
    "an error in the library's own form",
    "extension",
    [0xd4, 0x65, 0, 0x93, ...text("Error"), 1, 1],
  ],
  ["a jump to text elsewhere", "extension", [0xd6, 0x62, ...u32(0), 0xa1, 0x61, 0xa1, 0x62]],
  ["a byte that is never used", "extension", [0xc1]],
  ["a definition of a record with two bytes", "extension", [0xd5, 0x72, 0x40, 0, 0x90]],
  ["a record that nobody defined", "record", [0x92, 0x41, 1]],
  ["a record without keys that are text", "key", [0xd4, 0x72, 0x40, 0x91, 5, 1]],
  [
    "a record whose keys are another value",
    "pointer",
    [0x92, ...id(1), 0x91, 1, 0xd4, 0x72, 0x40, ...pointer(1), 1],
  ],
  ["the key __proto__", "key", [...record(["__proto__"]), 0x80]],
  [
    "the key __proto__, its length in full",
    "key",
    [0xd4, 0x72, 0x40, 0x91, 0xdb, ...u32(9), ...Buffer.from("__proto__"), 0x80],
  ],
  ["a pointer to nothing", "pointer", pointer(1)],
  ["an id given twice", "pointer", [0x92, ...id(1), 0x90, ...id(1), 0x90]],
  ["an id of a number", "pointer", [...id(1), 5]],
  ["an id of a pointer", "pointer", [0x92, ...id(1), 0x90, ...id(2), ...pointer(1)]],
  ["a Set of what is no list", "extension", [0xd4, 0x73, 0, ...text("abc")]],
  ["a RegExp of a list", "text", [0xd4, 0x78, 0, 0x92, 0x90, ...text("g")]],
  ["a URL of a list", "text", [0xd4, 0x55, 0, 0x90]],
  [
    "an error whose record is a pointer",
    "extension",
    [0x92, ...id(1), 0x80, ...ERROR, ...pointer(1)],
  ],
  ["a list that holds itself 2^60 times, and goes on", "trailing", laughs([1])],
  ["nothing", "truncated", []],
])("%s is refused before the library sees it (%s)", ([, rule, bytes]) => {
  const given = Uint8Array.from(bytes);
  expect(scanner.scan(given)?.rule).toBe(rule);
  // By the scan, not by the library, which never sees them.
  const refused = outcomeOf(given) as GarbageError;
  expect(refused).toMatchObject({ code: "GARBAGE", details: { rule } });
  expect(refused.cause).toBeUndefined();
});

test("what a refused frame announces is not allocated", () => {
  // Ten times 32 million items: 256 MB each, were they believed.
  const given = Uint8Array.from([...repeat(90, [0x91]), 0xdd, ...u32(2 ** 25)]);
  const before = process.memoryUsage();
  for (let i = 0; i < 10; i++)
    expect(outcomeOf(given)).toMatchObject({ details: { rule: "truncated" } });
  const after = process.memoryUsage();
  expect(after.heapUsed - before.heapUsed).toBeLessThan(100e6);
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(100e6);
});

test("a list that holds itself 2^60 times is a value like any other while nobody unfolds it", () => {
  const value = decodeValue(Uint8Array.from(laughs([])));
  expect(encodeValue(value).length).toBeLessThan(1_000);
});

const KIND = ["kind", "name", "message", "errors"];
const fields = [...text("error"), ...text("E"), ...text("m")];

test("records of errors that hold each other many times over are refused, not unfolded (X5)", () => {
  // Each record's `errors` is a list of twice the record before: 2^40 errors.
  const first = [...id(1), ...record(KIND), ...fields, 0x90];
  const next = (n: number): number[] => [
    ...id(n),
    0x40,
    ...fields,
    0x92,
    ...pointer(n - 1),
    ...pointer(n - 1),
  ];
  const records = [first, ...Array.from({ length: 40 }, (_, i) => next(i + 2))];
  const bomb = [
    0xdc,
    0,
    records.length + 1,
    ...records.flat(),
    ...ERROR,
    0x40,
    ...fields,
    0x91,
    ...pointer(records.length),
  ];
  expect(outcomeOf(Uint8Array.from(bomb))).toMatchObject({ code: "GARBAGE" });
});

test("one list of errors, or of properties, that many errors name is refused when it makes more than the bytes hold (X5)", () => {
  const list = [
    ...id(1),
    0xdc,
    0,
    90,
    ...record(KIND),
    ...fields,
    0x90,
    ...repeat(89, [0x40, ...fields, 0x90]),
  ];
  const errors = repeat(2_000, [...ERROR, 0x40, ...fields, ...pointer(1)]);
  const bomb = [0xdd, ...u32(2_001), ...list, ...errors];
  expect(outcomeOf(Uint8Array.from(bomb))).toMatchObject({ code: "GARBAGE" });
  const keys = Array.from({ length: 1_000 }, (_, i) => text(`p${i}`)).flat();
  const props = [...id(1), 0xd4, 0x72, 0x41, 0xdc, 3, 232, ...keys, ...repeat(1_000, [1])];
  const first = [
    ...ERROR,
    ...record(["kind", "name", "message", "props"]),
    ...fields,
    ...pointer(1),
  ];
  const others = repeat(999, [...ERROR, 0x40, ...fields, ...pointer(1)]);
  const wide = Uint8Array.from([0xdd, ...u32(1_001), ...props, ...first, ...others]);
  expect(scanner.scan(wide)).toBeUndefined();
  expect(outcomeOf(wide)).toMatchObject({ code: "GARBAGE" });
});

const nested = (levels: number): unknown => {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = i % 2 ? new Set([value]) : new Map([[value, value]]);
  return value;
};

test.for<[string, (size: number) => unknown, number]>([
  ["levels", nested, MAX_DEPTH],
  ["values", (size) => Array.from({ length: size - 1 }, () => 1), MAX_VALUES],
  ["objects", (size) => Array.from({ length: size - 1 }, () => []), MAX_OBJECTS],
  [
    "objects in an error",
    (size) => Object.assign(new Error("x"), { list: Array.from({ length: size - 4 }, () => []) }),
    MAX_OBJECTS,
  ],
])("the sender refuses exactly what the receiver would: %s (L1, N5)", ([, make, limit]) => {
  const most = make(limit);
  checkSerializable(most, "v");
  expect(scanner.scan(encodeValue(most))).toBeUndefined();
  const more = make(limit + 1);
  expect(() => checkSerializable(more, "v")).toThrow(NotSerializableError);
  expect(scanner.scan(encodeValue(more))).toMatchObject({ limit });
});

test("a frame has messages, and nothing that a value may have", () => {
  const problems: string[] = [];
  const take = (...body: (number | readonly number[])[]) =>
    decodeFrame(Uint8Array.from([0x54, 1, ...body].flat()), (problem) => problems.push(problem));
  take(0x91, 0x92, 5, ...record(["a"]), 1); // a record
  take(0x91, 0x92, 5, 0x80); // a Map
  take(0x91, 0x92, 5, repeat(7, [0x91]), 1); // a level more than what waiting calls wait for
  take(0xdc, 1, 0, repeat(256, [0x92, 5, 5])); // more messages than fit into a frame
  take(0xdd, u32(1_000_000), repeat(1_000_000, [1])); // a report for each would be a million
  expect(problems).toEqual([
    expect.stringContaining("never written"),
    expect.stringContaining("never written"),
    expect.stringContaining("too deep"),
    expect.stringContaining("256 messages"),
    expect.stringContaining("too many values"),
  ]);
});
