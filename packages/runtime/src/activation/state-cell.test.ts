import { expect, test } from "vitest";
import { StateCell } from "./state-cell.ts";

const MAX = 1_000;
const makeCell = (stored?: Uint8Array, version = 1): StateCell =>
  new StateCell(() => ({ n: 0, list: [] as number[] }), stored, version, MAX);
const valueOf = (cell: StateCell) => cell.value as { n: number; list: number[] };

test("a commit point answers the bytes once, and nothing while they are the same (Z1)", () => {
  const cell = makeCell();
  expect(cell.commitPoint(false)).toBeUndefined();
  const first = cell.commitPoint(true);
  expect(first).toBeDefined();
  expect(cell.commitPoint(true)).toBeUndefined();
  valueOf(cell).n = 1;
  const second = cell.commitPoint(true);
  expect(second).not.toEqual(first);
  valueOf(cell).n = 0;
  valueOf(cell).n = 1;
  expect(cell.commitPoint(true)).toBeUndefined();
});

test("what was stored is the state again, and is not stored twice", () => {
  const cell = makeCell();
  valueOf(cell).list.push(1, 2);
  const stored = cell.commitPoint(true)!;
  const again = makeCell(stored);
  expect(again.value).toEqual({ n: 0, list: [1, 2] });
  expect(again.commitPoint(true)).toBeUndefined();
});

test("rollback goes to the last commit point, whatever references have changed since (Z2)", () => {
  const cell = makeCell();
  const { list } = valueOf(cell);
  list.push(1);
  cell.commitPoint(true);
  list.push(2);
  cell.value = { other: true };
  cell.rollback();
  expect(cell.value).toEqual({ n: 0, list: [1] });
  list.push(3);
  expect(cell.value).toEqual({ n: 0, list: [1] });
});

test("a state that cannot be stored leaves the commit point where it was (U2)", () => {
  const cell = makeCell();
  valueOf(cell).n = 7;
  cell.commitPoint(true);
  cell.value = { callback: () => 1 };
  expect(() => cell.commitPoint(true)).toThrow("state.callback is a function");
  cell.value = { text: "x".repeat(MAX) };
  expect(() => cell.commitPoint(true)).toThrow(/state has 10\d\d bytes; the limit is 1000/);
  cell.rollback();
  expect(cell.value).toEqual({ n: 7, list: [] });
});

test("the factory's object is never the working copy (Z3)", () => {
  const shared = { list: [] as number[] };
  const cells = [1, 2].map(() => new StateCell(() => shared, undefined, 1, MAX));
  (cells[0]!.value as typeof shared).list.push(1);
  expect(cells[1]!.value).toEqual({ list: [] });
  expect(shared.list).toEqual([]);
});

test("a factory whose state cannot be stored is refused, and so is one that answers a promise", () => {
  expect(() => new StateCell(() => ({ f: () => 1 }), undefined, 1, MAX)).toThrow(
    "state.f is a function",
  );
  expect(() => new StateCell(() => Promise.resolve({}), undefined, 1, MAX)).toThrow(
    "state is an instance of Promise",
  );
});

test.for<[string, (bytes: Uint8Array) => Uint8Array, string]>([
  ["another format", (bytes) => bytes.with(0, 9), "stored state has format 9, not 1"],
  ["another version", (bytes) => bytes.with(2, 2), "stored state has version 2, this class 1"],
  ["nothing", () => new Uint8Array(), "stored state has format none"],
  ["half of it", (bytes) => bytes.subarray(0, bytes.length - 1), "stored state cannot be decoded"],
])("stored state of %s is refused and left as it is", ([_name, damage, problem]) => {
  const stored = makeCell().commitPoint(true)!;
  expect(() => makeCell(damage(stored))).toThrow(problem);
});
