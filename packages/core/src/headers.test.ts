import fc from "fast-check";
import { expect, test } from "vitest";
import { InvalidArgumentError } from "./errors.ts";
import {
  headersFor,
  headersFrom,
  headersProblem,
  joinedHeaders,
  MAX_HEADERS,
  MAX_HEADERS_BYTES,
  NO_HEADERS,
} from "./headers.ts";

const named = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, "v"]));

test.for<[string, unknown]>([
  ["a number as a value", { tenant: 7 }],
  ["an undefined value", { tenant: undefined }],
  ["a list as a value", { tenant: ["a"] }],
  ["an object that could print itself", { tenant: { toString: () => "a" } }],
  ["a lone surrogate in a value", { tenant: "\ud800" }],
  ["a lone surrogate in a name", { "\ud800": "a" }],
  ["an empty name", { "": "a" }],
  ["a Map", new Map([["tenant", "a"]])],
  ["a list", [["tenant", "a"]]],
  ["a string", "tenant=a"],
  ["null", null],
  ["one name too many", named(MAX_HEADERS + 1)],
  ["a byte too much", { a: "x".repeat(MAX_HEADERS_BYTES) }],
  ["too much in UTF-8, though not in characters", { a: "€".repeat(MAX_HEADERS_BYTES / 2) }],
])("%s is refused where headers are given (H3)", ([_name, given]) => {
  expect(() => headersFor(undefined, given)).toThrow(InvalidArgumentError);
  expect(() => headersFor(undefined, given)).toThrow(/header/);
});

test("a call may have as many headers, and as many bytes of them, as the bounds say (H3)", () => {
  expect(Object.keys(headersFor(undefined, named(MAX_HEADERS))!)).toHaveLength(MAX_HEADERS);
  const full = { a: "x".repeat(MAX_HEADERS_BYTES - 1) };
  expect(headersFor(undefined, full)).toEqual(full);
});

test("what a turn has and what a call adds are bounded together (H3)", () => {
  const inherited = headersFor(undefined, named(MAX_HEADERS));
  expect(() => headersFor(inherited, { one: "more" })).toThrow(/at most 64, not 65/);
  expect(headersFor(inherited, { n0: "another" })).toMatchObject({ n0: "another", n1: "v" });
});

test("a call has its turn's headers, and over them its own, by name (H1)", () => {
  const inherited = headersFrom([
    ["tenant", "a"],
    ["trace", "1"],
  ]);
  expect(headersFor(inherited, undefined)).toBe(inherited);
  expect(headersFor(inherited, { trace: "2", user: "u" })).toEqual({
    tenant: "a",
    trace: "2",
    user: "u",
  });
  expect(inherited).toEqual({ tenant: "a", trace: "1" });
});

test("no headers are no object at all: such a call carries nothing", () => {
  expect(headersFor(undefined, undefined)).toBeUndefined();
  expect(headersFor(undefined, {})).toBeUndefined();
  expect(headersFor(NO_HEADERS, undefined)).toBeUndefined();
});

test("any name is data, and nobody can change what a callee gets (H2, H3)", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.oneof(
          fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "then"),
          fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
        ),
        fc.string({ unit: "grapheme", maxLength: 8 }),
        { maxKeys: 8, noNullPrototype: false },
      ),
      (given) => {
        const headers = headersFor(undefined, given) ?? NO_HEADERS;
        expect(Object.entries(headers)).toEqual(Object.entries(given));
        expect(Object.getPrototypeOf(headers)).toBeNull();
        expect(Object.isFrozen(headers)).toBe(true);
      },
    ),
  );
  const hostile = JSON.parse('{"__proto__":"p","constructor":"c"}') as Record<string, string>;
  expect(Object.entries(headersFor(undefined, hostile)!)).toEqual([
    ["__proto__", "p"],
    ["constructor", "c"],
  ]);
  expect(({} as Record<string, unknown>)["p"]).toBeUndefined();
});

test("later options of a reference add to earlier ones, and what is no headers stays to be refused", () => {
  const joined = joinedHeaders({ a: "1", b: "1" }, { b: "2" });
  expect(joined).toEqual({ a: "1", b: "2" });
  expect(joinedHeaders(undefined, undefined)).toBeUndefined();
  expect(joinedHeaders({ a: "1" }, undefined)).toEqual({ a: "1" });
  for (const bad of [joinedHeaders(7, { a: "1" }), joinedHeaders({ a: "1" }, 7)])
    expect(() => headersFor(undefined, bad)).toThrow(InvalidArgumentError);
});

test("what arrives from outside is looked at again (H3)", () => {
  expect(headersProblem(headersFrom([["a", "b"]]))).toBeUndefined();
  expect(headersProblem({ a: 7 })).toContain("must be a string");
  expect(headersProblem(headersFrom(Object.entries(named(65))))).toContain("at most 64");
});
