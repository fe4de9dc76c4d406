import { expect, test } from "vitest";
import { hashOf } from "../support/ledger.ts";
import { checkHistory } from "./checkers.ts";
import type { ActorName, CallRecord, History, Op, Stored } from "./history.ts";

const ITEMS = ["a", "b", "c"];
const call = (
  actor: ActorName,
  op: Op,
  calledMs: number,
  rest: Partial<CallRecord> = {},
): CallRecord => ({
  client: "x",
  actor,
  op,
  calledMs,
  returnedMs: calledMs + 5,
  outcome: "ok",
  ...rest,
});

const append = (item: string, index: number, calledMs: number): CallRecord =>
  call("ledger/1", { kind: "append", item }, calledMs, {
    value: { index, hash: hashOf([...ITEMS.slice(0, index), item]) },
  });
const peek = (length: number, calledMs: number): CallRecord =>
  call("ledger/1", { kind: "peek" }, calledMs, {
    value: { length, last: ITEMS[length - 1], hash: hashOf(ITEMS.slice(0, length)) },
  });
const credit = (key: string, value: number, calledMs = 0): CallRecord =>
  call("tally/1", { kind: "credit", key }, calledMs, { value });
const put = (value: string, calledMs: number): CallRecord =>
  call("register/1", { kind: "put", value }, calledMs);
const get = (value: string, calledMs: number): CallRecord =>
  call("register/1", { kind: "get" }, calledMs, { value });
const swap = (expected: string, value: string, calledMs: number, swapped: boolean): CallRecord =>
  call("register/1", { kind: "swap", expected, value }, calledMs, { value: swapped });

const LEDGER = [
  append("a", 0, 0),
  append("b", 1, 10),
  peek(2, 20),
  append("c", 2, 30),
  peek(3, 40),
];
const TALLY = [credit("a", 0), credit("a", 0, 10), credit("b", 1, 10), credit("c", 2, 20)];
const REGISTER = [put("a", 0), get("a", 10), swap("a", "c", 20, true), swap("a", "d", 30, false)];
const GOOD = [...LEDGER, ...TALLY, ...REGISTER];
const STORED: Readonly<Record<string, Stored>> = {
  "ledger/1": ITEMS,
  "tally/1": ITEMS,
  "register/1": "c",
};

function check(
  records: readonly CallRecord[],
  stored: Readonly<Record<string, Stored>> = STORED,
  losses: History["losses"] = [],
) {
  return checkHistory({
    records,
    stored: new Map(Object.entries(stored) as [ActorName, Stored][]),
    storedMs: 1_000,
    losses,
  });
}

test("a correct history passes", () => {
  expect(check(GOOD)).toEqual({ violations: [], undecided: 0 });
});

test.each<[string, readonly CallRecord[], Readonly<Record<string, Stored>>]>([
  ["lost", GOOD, { "ledger/1": ["a", "b"] }],
  ["duplicate", GOOD, { "ledger/1": ["a", "b", "c", "b"] }],
  ["phantom", GOOD, { "ledger/1": ["a", "b", "c", "d"] }],
  ["fork", GOOD, { "ledger/1": ["a", "x", "c"] }],
  ["fork", [...GOOD, append("d", 3, 50)], { "ledger/1": ["a", "b", "c", "e", "d"] }],
  ["stale", [...GOOD, peek(2, 50)], {}],
  ["future", [peek(3, 1), ...GOOD], {}],
  ["ghost", [...GOOD.slice(0, 3), { ...GOOD[3]!, outcome: "not-executed" }], {}],
  [
    "ghost",
    [...GOOD, call("ledger/1", { kind: "fail", item: "d" }, 50, { outcome: "threw" })],
    { "ledger/1": [...ITEMS, "d"] },
  ],
  ["order", [append("a", 0, 50), ...GOOD.slice(1)], {}],
  ["twice", GOOD, { "tally/1": ["a", "b", "c", "a"] }],
  ["lost", GOOD, { "tally/1": ["a", "b"] }],
  ["two-results", [...GOOD, credit("a", 2, 50)], {}],
  ["not-linearizable", [...GOOD, get("a", 50)], {}],
  ["not-linearizable", GOOD, { "register/1": "a" }],
  ["not-linearizable", [...GOOD, swap("c", "e", 50, false)], {}],
  [
    "untyped",
    [...GOOD, call("tally/1", { kind: "credit", key: "z" }, 50, { outcome: "threw" })],
    {},
  ],
  ["unread", [...GOOD, call("ledger/2", { kind: "peek" }, 50, { value: { length: 0 } })], {}],
])("a planted %s is found", (rule, records, changed) => {
  const { violations } = check(records, { ...STORED, ...changed });
  expect(violations.map((violation) => violation.rule)).toContain(rule);
});

test("what a storage lost may be gone, and nothing else (T1)", () => {
  const loss = [{ fromMs: 14, toMs: 26 }];
  const emptied = { "ledger/1": ["d"], "tally/1": ["d"], "register/1": "" };
  const after = [
    call("ledger/1", { kind: "append", item: "d" }, 30, {
      value: { index: 0, hash: hashOf(["d"]) },
    }),
    call("ledger/1", { kind: "peek" }, 40, {
      value: { length: 1, last: "d", hash: hashOf(["d"]) },
    }),
    credit("d", 0, 30),
  ];
  const before = GOOD.filter(({ calledMs }) => calledMs < 26);
  const { violations, undecided } = check([...before, ...after], emptied, loss);
  expect(violations).toEqual([]);
  expect(undecided).toBe(1);
  const rules = (records: readonly CallRecord[]): string[] =>
    check([...before, ...records], emptied, loss).violations.map(({ rule }) => rule);
  expect(rules([...after, append("e", 1, 50)])).toContain("lost");
  expect(rules([...after, credit("e", 1, 50)])).toContain("lost");
  expect(
    rules([...after, { ...peek(1, 50), value: { length: 1, last: "a", hash: hashOf(["a"]) } }]),
  ).toContain("fork");
  expect(check(before, emptied).violations.map(({ rule }) => rule)).toContain("lost");
});
