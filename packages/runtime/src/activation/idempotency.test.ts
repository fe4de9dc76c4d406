import {
  bytesBody,
  type CallResult,
  encodeValue,
  KEY_HEADER_BYTES,
  valueBody,
} from "@tenure/core/internal";
import { expect, test } from "vitest";
import { KEY_RETENTION_MS, KeyTable, MAX_KEYS, uuidV7Ms } from "./idempotency.ts";
import type { IncomingCall } from "./incoming-call.ts";
import { keyRecord, recordedResult } from "./recorded-result.ts";

const NOW = 1_800_000_000_000;

const callOf = (method: string, args: readonly unknown[]): IncomingCall => ({
  request: 1,
  from: "f".repeat(32),
  actor: { type: "t", id: "i" },
  method: { name: method, mode: "write", timeoutMs: undefined, idempotent: false, args: undefined },
  args: valueBody(args),
  key: "key",
  chain: [],
  repeatable: true,
  strict: false,
  deadlineMs: 1,
  snapshot: (value) => valueBody(value),
  reply: () => undefined,
  abandon: () => undefined,
});

const OK: CallResult = { status: "ok", body: valueBody({ sum: 5 }) };

/** Takes a call with this key through the table, as a turn does. */
function apply(table: KeyTable, key: string, nowMs: number, args: readonly unknown[] = [1]) {
  const verdict = table.check(key, callOf("pay", args), nowMs);
  if (verdict.kind !== "new") throw new Error(`the key is ${verdict.kind}`);
  return table.record(key, keyRecord({ digest: verdict.digest, atMs: nowMs }, OK), nowMs);
}

const kindOf = (table: KeyTable, key: string, nowMs: number, args: readonly unknown[] = [1]) =>
  table.check(key, callOf("pay", args), nowMs).kind;

test("a record holds the request's digest, the time and the result, and reads back", () => {
  for (const status of ["ok", "threw"] as const) {
    const header = { digest: new Uint8Array(16).fill(7), atMs: NOW };
    const bytes = keyRecord(header, { status, body: valueBody([1, "x"]) });
    expect([...bytes.subarray(0, 16)]).toEqual(Array.from({ length: 16 }, () => 7));
    expect(recordedResult(bytes)).toEqual({ status, body: bytesBody(encodeValue([1, "x"])) });
  }
  expect(recordedResult(new Uint8Array(KEY_HEADER_BYTES))).toBeUndefined();
});

test("a key is new once; then it is recorded, for the same method and arguments (Y2)", () => {
  const table = new KeyTable([]);
  const { put, del } = apply(table, "a", NOW);
  expect(put[0]).toBe("k/a");
  expect(del).toEqual([]);
  const again = table.check("a", callOf("pay", [1]), NOW + 1);
  expect(again).toEqual({ kind: "recorded", bytes: put[1] });
  table.durable("a");
  expect(table.check("a", callOf("pay", [1]), NOW + 1)).toEqual({
    kind: "recorded",
    bytes: undefined,
  });
  for (const other of [callOf("pay", [2]), callOf("refund", [1]), callOf("pay", [])])
    expect(table.check("a", other, NOW)).toMatchObject({
      kind: "refused",
      result: { reason: "key-refused" },
    });
});

test("a table that is loaded knows what was recorded, from the headers alone", () => {
  const table = new KeyTable([]);
  const [name, bytes] = apply(table, "a", NOW).put;
  const loaded = new KeyTable([
    ["state", new Uint8Array([1])],
    [name, bytes.subarray(0, KEY_HEADER_BYTES)],
  ]);
  expect(loaded.size).toBe(1);
  expect(loaded.check("a", callOf("pay", [1]), NOW)).toEqual({
    kind: "recorded",
    bytes: undefined,
  });
  expect(kindOf(loaded, "a", NOW, [2])).toBe("refused");
});

test("an expired key is a new call, and is recorded anew, not deleted (R22)", () => {
  const table = new KeyTable([]);
  apply(table, "a", NOW);
  expect(kindOf(table, "a", NOW + KEY_RETENTION_MS)).toBe("recorded");
  const later = NOW + KEY_RETENTION_MS + 1;
  expect(apply(table, "a", later, [2]).del).toEqual([]);
  expect(kindOf(table, "a", later, [2])).toBe("recorded");
});

test("expired keys go, a few with each save, the oldest first", () => {
  const table = new KeyTable([]);
  for (let i = 0; i < 40; i++) apply(table, `old ${i}`, NOW + i);
  apply(table, "young", NOW + KEY_RETENTION_MS);
  const later = NOW + KEY_RETENTION_MS + 30.5;
  const gone = [apply(table, "x", later), apply(table, "y", later), apply(table, "z", later)].map(
    ({ del }) => del,
  );
  expect(gone.map((del) => del.length)).toEqual([16, 15, 0]);
  expect(gone[0]![0]).toBe("k/old 0");
  expect(kindOf(table, "young", later)).toBe("recorded");
  expect(kindOf(table, "old 39", later)).toBe("recorded");
});

test("a full table refuses new keys until the oldest is expired, and never those it has (Y3, R22)", () => {
  const table = new KeyTable([]);
  for (let i = 0; i < MAX_KEYS; i++) apply(table, `key ${i}`, NOW + i);
  expect(table.check("new", callOf("pay", [1]), NOW)).toMatchObject({
    kind: "refused",
    result: { reason: "overloaded" },
  });
  expect(kindOf(table, "key 5", NOW)).toBe("recorded");
  expect(kindOf(table, "new", NOW + KEY_RETENTION_MS)).toBe("refused");
  expect(apply(table, "new", NOW + KEY_RETENTION_MS + 1).del).toEqual(["k/key 0"]);
  expect(table.size).toBe(MAX_KEYS);
});

test("a UUIDv7 tells its age; nothing else does (Y4)", () => {
  expect(uuidV7Ms("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")).toBe(1_645_557_742_000);
  expect(uuidV7Ms("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")).toBe(1_645_557_742_000);
  for (const other of [
    "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
    "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",
    "x017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "017f22e279b07cc398c4dc0c0c07398f",
    "order-1",
  ])
    expect(uuidV7Ms(other)).toBeUndefined();
  const table = new KeyTable([]);
  expect(kindOf(table, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", NOW)).toBe("refused");
  expect(kindOf(table, "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", NOW)).toBe("new");
});
