import { expect, test } from "vitest";
import { type AppendRecord, checkAppends } from "./append-check.ts";
import { hashOf } from "./ledger.ts";

const STORED = ["a", "b", "c"];
const prefix = (items: readonly string[]) => (length: number) => hashOf(items.slice(0, length));
const ok = (item: string, index: number, calledMs: number, over = STORED): AppendRecord => ({
  item,
  calledMs,
  returnedMs: calledMs + 5,
  outcome: "ok",
  index,
  hash: hashOf(over.slice(0, index + 1)),
});
const GOOD = [ok("a", 0, 0), ok("b", 1, 10), ok("c", 2, 20)];
const rules = (history: readonly AppendRecord[], stored: readonly string[]): string[] =>
  checkAppends(history, stored, prefix(stored)).map((violation) => violation.rule);

test("a correct history passes", () => {
  expect(rules(GOOD, STORED)).toEqual([]);
  expect(rules([...GOOD, { ...ok("d", 3, 30), outcome: "unknown" }], STORED)).toEqual([]);
});

test.each<[string, readonly AppendRecord[], readonly string[]]>([
  ["duplicate", GOOD, ["a", "b", "c", "a"]],
  ["phantom", GOOD.slice(0, 2), STORED],
  ["lost", GOOD, ["a", "b"]],
  ["fork", [ok("a", 0, 0), ok("b", 1, 10), { ...ok("c", 2, 20), hash: "other" }], STORED],
  ["ghost", [...GOOD.slice(0, 2), { ...GOOD[2]!, outcome: "not-executed" }], STORED],
  ["order", [ok("a", 0, 0), ok("b", 1, 30), ok("c", 2, 10)], STORED],
])("a planted %s is found", (rule, history, stored) => {
  expect(rules(history, stored)).toContain(rule);
});
