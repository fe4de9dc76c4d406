import { decodeValue, encodeValue, isolate } from "@tenure/core/internal";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readonlyView, ReadOnlyStateError, viewsRefusing } from "./readonly-view.ts";

const makeState = () => ({
  n: 1,
  list: [{ a: 1 }, { a: 2 }],
  map: new Map<unknown, { a: number }>([["k", { a: 1 }]]),
  lists: new Map([["k", [1, 2]]]),
  set: new Set([{ a: 1 }]),
  at: new Date(5),
  bytes: new Uint8Array([1, 2]),
  view: new DataView(new ArrayBuffer(2)),
  url: new URL("http://a/b"),
  pattern: /a/g,
  error: new RangeError("x"),
  frozen: Object.freeze({ inner: { a: 1 }, list: Object.freeze([{ a: 1 }]) }),
  none: null,
});
type State = ReturnType<typeof makeState>;

test.for<[string, (state: State) => unknown]>([
  ["set a property", (s) => (s.n = 2)],
  ["delete a property", (s) => delete (s as Partial<State>).n],
  ["define a property", (s) => Object.defineProperty(s, "n", { value: 2 })],
  ["change the prototype", (s) => Object.setPrototypeOf(s, {}) as unknown],
  ["freeze", (s) => Object.freeze(s)],
  ["push", (s) => s.list.push({ a: 3 })],
  ["sort", (s) => s.list.sort((a, b) => b.a - a.a)],
  ["empty a list", (s) => (s.list.length = 0)],
  ["change an item", (s) => (s.list[0]!.a = 9)],
  ["change a found item", (s) => (s.list.find((item) => item.a === 2)!.a = 9)],
  ["change through Object.values", (s) => (Object.values(s.list)[0]!.a = 9)],
  ["change through a spread", (s) => ({ ...s }.list[0]!.a = 9)],
  [
    "change through a descriptor",
    (s) => (Object.getOwnPropertyDescriptor(s, "list")!.value as State["list"]).push({ a: 3 }),
  ],
  ["set in a Map", (s) => s.map.set("x", { a: 1 })],
  ["delete in a Map", (s) => s.map.delete("k")],
  ["clear a Map", (s) => s.map.clear()],
  ["change a Map's item", (s) => (s.map.get("k")!.a = 9)],
  ["change a Map's item in values()", (s) => ([...s.map.values()][0]!.a = 9)],
  ["change a Map's item in entries()", (s) => ([...s.map.entries()][0]![1].a = 9)],
  ["change a Map's list in values()", (s) => [...s.lists.values()][0]!.push(3)],
  ["change a Map's list in forEach", (s) => s.lists.forEach((list) => list.push(3))],
  [
    "change the Map that forEach hands out",
    (s) => s.map.forEach((_item, _key, all) => all.clear()),
  ],
  ["add to a Set", (s) => s.set.add({ a: 2 })],
  ["change a Set's item", (s) => ([...s.set][0]!.a = 9)],
  ["change a Set's item in entries()", (s) => ([...s.set.entries()][0]![0].a = 9)],
  ["move a Date", (s) => s.at.setFullYear(1999)],
  ["change below something frozen", (s) => (s.frozen.inner.a = 9)],
  ["change below a frozen list", (s) => (s.frozen.list[0]!.a = 9)],
])("to %s is refused where it is tried, and nothing changes (V1)", ([_name, change]) => {
  const state = makeState();
  const before = isolate(state, "s");
  expect(() => change(readonlyView(state))).toThrow(ReadOnlyStateError);
  expect(state).toEqual(before);
});

test("what has methods of its own to change it is shown as a copy, made at each look (V1)", () => {
  const state = makeState();
  const view = readonlyView(state);
  view.bytes[0] = 9;
  view.view.setInt8(0, 9);
  view.url.pathname = "/c";
  view.pattern.lastIndex = 7;
  view.error.message = "changed";
  expect(state).toEqual(makeState());
  state.bytes[0] = 5;
  expect(view.bytes[0]).toBe(5);
});

test("a view shows what is there, also later, and costs one proxy per object (V2)", () => {
  const state = makeState();
  const view = readonlyView(state);
  expect(view.list).toBe(view.list);
  expect(readonlyView(view)).toBe(view);
  state.list.push({ a: 3 });
  expect(view.list.map((item) => item.a)).toEqual([1, 2, 3]);
  expect(view.at.getTime()).toBe(5);
  expect(view.at.toISOString()).toBe("1970-01-01T00:00:00.005Z");
  expect([view.map.size, view.map.has("k"), [...view.map.keys()]]).toEqual([1, true, ["k"]]);
  expect(view.frozen.inner.a + view.frozen.list[0]!.a).toBe(2);
  expect(JSON.stringify(view.list)).toBe('[{"a":1},{"a":2},{"a":3}]');
  expect(Array.isArray(view.list) && view.map instanceof Map && view.at instanceof Date).toBe(true);
});

test("what a view shows can be looked up in it (V3)", () => {
  const key = { id: 1 };
  const state = { map: new Map([[key, "found"]]), set: new Set([key]), list: [key] };
  const view = readonlyView(state);
  const [shown] = [...view.map.keys()];
  expect(view.map.get(shown!)).toBe("found");
  expect(view.set.has(view.list[0]!)).toBe(true);
  expect(view.list.includes(shown!)).toBe(true);
  expect(view.list.indexOf(shown!)).toBe(0);
});

test("a view can be encoded and copied like what it shows (V3)", () => {
  const state = makeState();
  const view = readonlyView(state);
  expect(decodeValue(encodeValue(view))).toEqual(decodeValue(encodeValue(state)));
  expect(encodeValue(isolate(view, "v"))).toEqual(encodeValue(isolate(state, "v")));
});

test("primitives and deep-frozen data are shown as they are", () => {
  const frozen = Object.freeze([Object.freeze({ a: 1 })]);
  for (const value of [1, "x", null, undefined, true, 7n, frozen])
    expect(readonlyView(value)).toBe(value);
});

test("a view of any data equals it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      fc.pre(!JSON.stringify(value).includes("__proto__"));
      expect(isolate(readonlyView(value), "v")).toEqual(isolate(value, "v"));
    }),
  );
});

test("views of one state refuse changes each in its own way, all the way down (V4)", () => {
  const state = makeState();
  const lost = viewsRefusing((what) => new RangeError(what));
  expect(lost(state)).toEqual(readonlyView(state));
  expect(() => (lost(state).list[0]!.a = 2)).toThrow(RangeError);
  expect(() => lost(state).map.get("k")!.a++).toThrow(RangeError);
  expect(() => [...lost(state).set][0]!.a++).toThrow(RangeError);
  expect(() => (readonlyView(state).list[0]!.a = 2)).toThrow(ReadOnlyStateError);
});
