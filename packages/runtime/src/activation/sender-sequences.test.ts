import {
  bodyBytes,
  type CallResult,
  digest16,
  KEY_HEADER_BYTES,
  valueBody,
} from "@tenure/core/internal";
import fc from "fast-check";
import { expect, test } from "vitest";
import { KEY_RETENTION_MS } from "./idempotency.ts";
import type { IncomingCall } from "./incoming-call.ts";
import { readSequenceHeader, recordedResult, sequenceRecord } from "./recorded-result.ts";
import { MAX_SENDERS, SenderTable } from "./sender-sequences.ts";

const NOW = 1_800_000_000_000;
const OK: CallResult = { status: "ok", body: valueBody({ sum: 5 }) };

const callOf = (args: readonly unknown[]): IncomingCall => ({
  request: 1,
  from: "f".repeat(32),
  actor: { type: "t", id: "i" },
  method: { name: "pay", mode: "write", timeoutMs: undefined, idempotent: false, args: undefined },
  args: valueBody(args),
  key: undefined,
  chain: [],
  repeatable: true,
  strict: false,
  deadlineMs: 1,
  snapshot: (value) => valueBody(value),
  reply: () => undefined,
  abandon: () => undefined,
});

/** Takes a call through the table, as a turn does. */
function apply(table: SenderTable, sender: string, sequence: number, nowMs = NOW, args = [1]) {
  const key = { sender, sequence };
  const verdict = table.check(key, callOf(args), nowMs);
  if (verdict.kind !== "new") throw new Error(`the sequence is ${verdict.kind}`);
  const { digest } = verdict;
  return table.record(key, sequenceRecord({ digest, sequence, atMs: nowMs }, OK), nowMs);
}

function verdictOf(table: SenderTable, sender: string, sequence: number, nowMs = NOW, args = [1]) {
  const verdict = table.check({ sender, sequence }, callOf(args), nowMs);
  if (verdict.kind !== "refused") return verdict.kind;
  const { result } = verdict;
  return result.status === "refused" ? `${result.reason}: ${result.message}` : result.status;
}

test("a record holds the sequence, the request's digest, the time and the result, and reads back", () => {
  const digest = digest16("pay", bodyBytes(valueBody([1])));
  for (const sequence of [0, 1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    const bytes = sequenceRecord({ digest, sequence, atMs: NOW }, OK);
    expect(readSequenceHeader(bytes.subarray(0, KEY_HEADER_BYTES))).toEqual({
      digest: digest.subarray(0, 8),
      sequence,
      atMs: NOW,
    });
    expect(recordedResult(bytes)).toMatchObject({ status: "ok" });
  }
});

test("the last sequence is recorded, a lower one is refused, a higher one is new and takes its place (N2)", () => {
  const table = new SenderTable([]);
  expect(verdictOf(table, "s", 7)).toBe("new");
  const { put, del } = apply(table, "s", 7);
  expect([put[0], del]).toEqual(["s/s", []]);
  expect(table.check({ sender: "s", sequence: 7 }, callOf([1]), NOW)).toEqual({
    kind: "recorded",
    bytes: put[1],
  });
  table.durable({ sender: "s", sequence: 6 });
  expect(table.check({ sender: "s", sequence: 7 }, callOf([1]), NOW)).toMatchObject({
    bytes: put[1],
  });
  table.durable({ sender: "s", sequence: 7 });
  expect(table.check({ sender: "s", sequence: 7 }, callOf([1]), NOW)).toEqual({
    kind: "recorded",
    bytes: undefined,
  });
  expect(verdictOf(table, "s", 7, NOW, [2])).toContain(
    "key-refused: sequence 7 of sender 's' was used before",
  );
  expect(verdictOf(table, "s", 6)).toContain(
    "key-refused: sequence 6 of sender 's' is lower than 7",
  );
  expect(verdictOf(table, "other", 6)).toBe("new");
  apply(table, "s", 9);
  expect(verdictOf(table, "s", 7)).toContain("lower than 9");
  expect(table.size).toBe(1);
});

test("a sender that was not heard of for the retention has its past refused, and goes on with a higher number (N3)", () => {
  const table = new SenderTable([]);
  apply(table, "s", 7);
  expect(verdictOf(table, "s", 7, NOW + KEY_RETENTION_MS)).toBe("recorded");
  const later = NOW + KEY_RETENTION_MS + 1;
  expect(verdictOf(table, "s", 7, later)).toContain("longer ago than the retention");
  expect(verdictOf(table, "s", 6, later)).toContain("lower than 7");
  expect(apply(table, "s", 8, later).del).toEqual([]);
});

test("a full table refuses a new sender until the oldest is expired, and never one that it has (N4, R22)", () => {
  const table = new SenderTable([]);
  for (let i = 0; i < MAX_SENDERS; i++) apply(table, `sender ${i}`, 1, NOW + i);
  expect(verdictOf(table, "new", 1)).toContain("overloaded");
  expect(verdictOf(table, "sender 5", 1)).toBe("recorded");
  expect(apply(table, "sender 0", 2, NOW + MAX_SENDERS).del).toEqual([]);
  const later = NOW + 1 + KEY_RETENTION_MS;
  expect(verdictOf(table, "new", 1, later)).toContain("overloaded");
  expect(apply(table, "new", 1, later + 1).del).toEqual(["s/sender 1"]);
  expect(table.size).toBe(MAX_SENDERS);
});

test("whatever senders do, and however often the row is loaded anew, each sequence is applied at most once (N1, N2)", () => {
  const act = fc.record({
    sender: fc.constantFrom("a", "b", ""),
    sequence: fc.nat(6),
    arg: fc.nat(1),
    reload: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const parts = new Map<string, Uint8Array>();
      const last = new Map<string, { sequence: number; arg: number }>();
      let table = new SenderTable([]);
      for (const [i, { sender, sequence, arg, reload }] of acts.entries()) {
        if (reload)
          table = new SenderTable(
            [...parts].map(([name, part]) => [name, part.subarray(0, KEY_HEADER_BYTES)] as const),
          );
        const key = { sender, sequence };
        const verdict = table.check(key, callOf([arg]), NOW + i);
        const before = last.get(sender);
        const expected =
          before === undefined || sequence > before.sequence
            ? "new"
            : sequence === before.sequence && arg === before.arg
              ? "recorded"
              : "refused";
        expect(verdict.kind).toBe(expected);
        if (verdict.kind !== "new") continue;
        const record = sequenceRecord({ digest: verdict.digest, sequence, atMs: NOW + i }, OK);
        const { put, del } = table.record(key, record, NOW + i);
        expect(del).toEqual([]);
        parts.set(...(put as [string, Uint8Array]));
        last.set(sender, { sequence, arg });
      }
      expect(parts.size).toBe(last.size);
    }),
  );
});
