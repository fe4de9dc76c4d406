// Opaque idempotency keys of one actor: which calls were already applied, and with what result (Joshi: Idempotent Receiver).
//   Y1. A key and its result are committed in the same save as the call's effect (R23): none without the other.
//   Y2. The same key with the same request gets the recorded result and runs nothing; with another request, an error.
//   Y3. Unexpired keys are never evicted: when the table is full, new ones are refused (R22).
//   Y4. A UUIDv7 older than the retention is refused: its record may be gone. Any other string is a new call after it.
//   Y5. A call with the key of one that is running waits behind it in the mailbox and then finds its record (R21).
import { bodyBytes, digest16, KEY_PARTS } from "@tenure/core/internal";
import type { IncomingCall } from "./incoming-call.ts";
import { keyRefused, type KeyVerdict, readKeyHeader } from "./recorded-result.ts";

export const KEY_RETENTION_MS: number = 24 * 3_600_000;
export const MAX_KEYS = 10_000;
const PRUNED_PER_COMMIT = 16;

interface KeyRecord {
  readonly digest: Uint8Array;
  readonly atMs: number;
  /** The recorded result, while it is not known to be durable. */
  bytes: Uint8Array | undefined;
}

export class KeyTable {
  // In order of time, since Map keeps insertion order and records are added as they are made.
  readonly #records = new Map<string, KeyRecord>();
  readonly #retentionMs: number;

  /** `parts` are the row's; of those under `k/` only the header is needed. */
  constructor(
    parts: Iterable<readonly [string, Uint8Array]>,
    retentionMs: number = KEY_RETENTION_MS,
  ) {
    this.#retentionMs = retentionMs;
    const loaded: [string, KeyRecord][] = [];
    for (const [name, bytes] of parts)
      if (name.startsWith(KEY_PARTS))
        loaded.push([name.slice(KEY_PARTS.length), { ...readKeyHeader(bytes), bytes: undefined }]);
    loaded.sort((a, b) => a[1].atMs - b[1].atMs);
    for (const [key, record] of loaded) this.#records.set(key, record);
  }

  get size(): number {
    return this.#records.size;
  }

  check(key: string, call: IncomingCall, nowMs: number): KeyVerdict {
    const born = uuidV7Ms(key);
    if (born !== undefined && born < nowMs - this.#retentionMs)
      return keyRefused(
        "key-refused",
        "the idempotency key is a UUIDv7 older than the retention of 24 hours: whether it was applied is no longer known",
      );
    const digest = digest16(call.method.name, bodyBytes(call.args));
    const record = this.#records.get(key);
    if (record && record.atMs >= nowMs - this.#retentionMs) {
      if (Buffer.compare(record.digest, digest) !== 0)
        return keyRefused(
          "key-refused",
          "the idempotency key was used before for another method or other arguments",
        );
      return { kind: "recorded", bytes: record.bytes };
    }
    if (!record && this.#records.size >= MAX_KEYS && !this.#oldestExpired(nowMs))
      return keyRefused(
        "overloaded",
        `the actor keeps ${MAX_KEYS} unexpired idempotency keys; a new one has no room`,
      );
    return { kind: "new", digest };
  }

  /** Records a result: the part to put, and expired ones to delete, in the same save (Y1). */
  record(
    key: string,
    bytes: Uint8Array,
    nowMs: number,
  ): { readonly put: readonly [string, Uint8Array]; readonly del: readonly string[] } {
    const del = this.#prune(nowMs);
    this.#records.delete(key);
    this.#records.set(key, { ...readKeyHeader(bytes), bytes });
    return { put: [KEY_PARTS + key, bytes], del: del.filter((name) => name !== KEY_PARTS + key) };
  }

  /** Answers the parts to delete. */
  forgetAll(): readonly string[] {
    const names = [...this.#records.keys()].map((key) => KEY_PARTS + key);
    this.#records.clear();
    return names;
  }

  /** The record is in the store: its result need not be kept here. */
  durable(key: string): void {
    const record = this.#records.get(key);
    if (record) record.bytes = undefined;
  }

  #oldestExpired(nowMs: number): boolean {
    for (const record of this.#records.values()) return record.atMs < nowMs - this.#retentionMs;
    return false;
  }

  #prune(nowMs: number): string[] {
    const pruned: string[] = [];
    for (const [key, record] of this.#records) {
      if (record.atMs >= nowMs - this.#retentionMs || pruned.length >= PRUNED_PER_COMMIT) break;
      this.#records.delete(key);
      pruned.push(KEY_PARTS + key);
    }
    return pruned;
  }
}

/** When a UUIDv7 was made, in milliseconds since the epoch; undefined for any other string. */
export function uuidV7Ms(key: string): number | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(key))
    return undefined;
  return Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16);
}
