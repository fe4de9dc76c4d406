import { expect, test } from "vitest";
import { checkOncePerKey, type KeyedCall } from "./once-per-key.ts";

const call = (
  key: string,
  outcome: KeyedCall["outcome"],
  result?: string,
  calledMs = 0,
): KeyedCall => ({ key, outcome, calledMs, ...(result === undefined ? {} : { result }) });
const effects = (...keys: readonly string[]): { key: string; result: string }[] =>
  keys.map((key, index) => ({ key, result: String(index) }));
const rules = (calls: readonly KeyedCall[], keys: readonly string[]): string[] =>
  checkOncePerKey(calls, effects(...keys)).map(({ rule }) => rule);

test("each key once, repeats answered alike, and unknown ones there or not", () => {
  expect(rules([call("a", "ok", "0"), call("b", "ok", "1")], ["a", "b"])).toEqual([]);
  expect(rules([call("a", "unknown"), call("a", "ok", "0"), call("a", "ok", "0")], ["a"])).toEqual(
    [],
  );
  expect(rules([call("a", "unknown")], [])).toEqual([]);
  expect(rules([call("a", "unknown"), call("a", "not-executed")], ["a"])).toEqual([]);
  expect(rules([call("a", "not-executed"), call("b", "threw")], [])).toEqual([]);
});

test.each<[string, readonly KeyedCall[], readonly string[]]>([
  ["twice", [call("a", "ok", "0")], ["a", "a"]],
  ["twice", [call("a", "unknown")], ["a", "a"]],
  ["phantom", [], ["a"]],
  ["lost", [call("a", "ok", "0")], []],
  ["lost", [call("a", "unknown"), call("a", "ok", "0")], []],
  ["ghost", [call("a", "not-executed"), call("a", "not-executed")], ["a"]],
  ["ghost", [call("a", "threw")], ["a"]],
  ["two-results", [call("a", "ok", "0"), call("a", "ok", "1")], ["a"]],
  ["wrong-result", [call("a", "ok", "7")], ["a"]],
])("a planted %s is found", (rule, calls, keys) => {
  expect(rules(calls, keys)).toContain(rule);
});

test("a violation says when its key was first sent", () => {
  const [found] = checkOncePerKey(
    [call("a", "unknown", undefined, 3), call("a", "ok", "0", 9)],
    [],
  );
  expect(found).toMatchObject({ rule: "lost", calledMs: 3 });
});
