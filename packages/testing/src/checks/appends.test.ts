import { expect, test } from "vitest";
import { type AppendRecord, checkAppends, type PrefixDigest, type ReadRecord } from "./appends.ts";

const STORED = ["a", "b", "c"];
const digestOf =
  (items: readonly string[]): PrefixDigest =>
  (length) =>
    items.slice(0, length).join();
const ok = (item: string, index: number, calledMs: number): AppendRecord => ({
  item,
  calledMs,
  returnedMs: calledMs + 5,
  outcome: "ok",
  index,
});
const read = (length: number, calledMs: number, last = STORED[length - 1]): ReadRecord => ({
  calledMs,
  returnedMs: calledMs + 5,
  length,
  last,
});
const GOOD = [ok("a", 0, 0), ok("b", 1, 10), ok("c", 2, 20)];
const rules = (
  appends: readonly AppendRecord[],
  reads: readonly ReadRecord[] = [],
  stored: readonly string[] = STORED,
): string[] =>
  checkAppends(appends, reads, stored, digestOf(stored)).map((violation) => violation.rule);

test("a correct history passes", () => {
  expect(rules(GOOD, [read(0, 0), read(1, 8), read(3, 22), read(3, 30)])).toEqual([]);
  expect(rules([...GOOD, { ...ok("d", 3, 30), outcome: "unknown" }])).toEqual([]);
  expect(rules([...GOOD, { ...ok("d", 3, 30), outcome: "threw" }])).toEqual([]);
  expect(
    rules(
      [...GOOD.slice(0, 2), { ...GOOD[2]!, prefix: "a,b,c" }],
      [{ ...read(3, 30), prefix: "a,b,c" }],
    ),
  ).toEqual([]);
});

test.each<[string, readonly AppendRecord[], readonly ReadRecord[], readonly string[]]>([
  ["duplicate", GOOD, [], ["a", "b", "c", "a"]],
  ["phantom", GOOD.slice(0, 2), [], STORED],
  ["lost", GOOD, [], ["a", "b"]],
  ["fork", [ok("a", 0, 0), ok("b", 1, 10), ok("c", 1, 20)], [], STORED],
  ["fork", GOOD, [read(2, 30, "x")], STORED],
  ["fork", GOOD, [read(4, 30)], STORED],
  ["fork", [...GOOD.slice(0, 2), { ...GOOD[2]!, prefix: "a,x,c" }], [], STORED],
  ["fork", GOOD, [{ ...read(3, 30), prefix: "a,x,c" }], STORED],
  ["ghost", [...GOOD.slice(0, 2), { ...GOOD[2]!, outcome: "not-executed" }], [], STORED],
  ["ghost", [...GOOD.slice(0, 2), { ...GOOD[2]!, outcome: "threw" }], [], STORED],
  ["order", [ok("a", 0, 0), ok("b", 1, 30), ok("c", 2, 10)], [], STORED],
  ["stale", GOOD, [read(1, 40)], STORED],
  ["future", GOOD, [read(3, 2)], STORED],
  ["backwards", GOOD, [read(3, 21), { ...read(2, 27), calledMs: 26.5 }], STORED],
])("a planted %s is found", (rule, appends, reads, stored) => {
  expect(rules(appends, reads, stored)).toContain(rule);
});
