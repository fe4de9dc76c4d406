// Idempotency by numbers: senders that number their calls to an actor, each higher than the one before (R22).
//   N1. A sender costs one record, of its last sequence, however many calls it makes. It is committed as a key's (Y1).
//   N2. The last sequence with the same request gets the recorded result; with another request it is an error. A lower one is
//       refused: whether it was applied is not known any more. A higher one is a new call, and its record takes the place.
//   N3. The record of a sender that was not heard of for the retention stays for as long as there is room: its last sequence
//       and all before it are refused, as too old. Without a record any sequence is new.
//   N4. Unexpired senders are never evicted: when the table is full, new ones are refused.
import { bodyBytes, digest16, SENDER_PARTS, type SenderSequence } from "@tenure/core/internal";
import { KEY_RETENTION_MS } from "./idempotency.ts";
import type { IncomingCall } from "./incoming-call.ts";
import {
  keyRefused,
  type KeyVerdict,
  readSequenceHeader,
  SEQUENCE_DIGEST_BYTES,
  type SequenceHeader,
} from "./recorded-result.ts";

export const MAX_SENDERS = 10_000;

interface SenderRecord extends SequenceHeader {
  /** The recorded result, while it is not known to be durable. */
  bytes: Uint8Array | undefined;
}

export class SenderTable {
  // In order of time, since Map keeps insertion order and records are added as they are made.
  readonly #records = new Map<string, SenderRecord>();
  readonly #retentionMs: number;

  /** `parts` are the row's; of those under `s/` only the header is needed. */
  constructor(
    parts: Iterable<readonly [string, Uint8Array]>,
    retentionMs: number = KEY_RETENTION_MS,
  ) {
    this.#retentionMs = retentionMs;
    const loaded: [string, SenderRecord][] = [];
    for (const [name, bytes] of parts)
      if (name.startsWith(SENDER_PARTS))
        loaded.push([
          name.slice(SENDER_PARTS.length),
          { ...readSequenceHeader(bytes), bytes: undefined },
        ]);
    loaded.sort((a, b) => a[1].atMs - b[1].atMs);
    for (const [sender, record] of loaded) this.#records.set(sender, record);
  }

  get size(): number {
    return this.#records.size;
  }

  check({ sender, sequence }: SenderSequence, call: IncomingCall, nowMs: number): KeyVerdict {
    const digest = digest16(call.method.name, bodyBytes(call.args));
    const record = this.#records.get(sender);
    if (!record) {
      if (this.#records.size >= MAX_SENDERS && this.#expired(nowMs) === undefined)
        return keyRefused(
          "overloaded",
          `the actor keeps the last sequences of ${MAX_SENDERS} senders; a new one has no room`,
        );
      return { kind: "new", digest };
    }
    if (sequence > record.sequence) return { kind: "new", digest };
    if (sequence < record.sequence)
      return keyRefused(
        "key-refused",
        `sequence ${sequence} of sender '${sender}' is lower than ${record.sequence}, its last one that was applied here: whether it was applied is no longer known`,
      );
    if (record.atMs < nowMs - this.#retentionMs)
      return keyRefused(
        "key-refused",
        `sequence ${sequence} of sender '${sender}' was applied longer ago than the retention of 24 hours`,
      );
    if (Buffer.compare(record.digest, digest.subarray(0, SEQUENCE_DIGEST_BYTES)) !== 0)
      return keyRefused(
        "key-refused",
        `sequence ${sequence} of sender '${sender}' was used before for another method or other arguments`,
      );
    return { kind: "recorded", bytes: record.bytes };
  }

  /** Records a result: the part to put, and one that makes room for it, in the same save (N1, N3). */
  record(
    { sender }: SenderSequence,
    bytes: Uint8Array,
    nowMs: number,
  ): { readonly put: readonly [string, Uint8Array]; readonly del: readonly string[] } {
    const isNew = !this.#records.delete(sender);
    const oldest = isNew && this.#records.size >= MAX_SENDERS ? this.#expired(nowMs) : undefined;
    if (oldest !== undefined) this.#records.delete(oldest);
    this.#records.set(sender, { ...readSequenceHeader(bytes), bytes });
    return {
      put: [SENDER_PARTS + sender, bytes],
      del: oldest === undefined ? [] : [SENDER_PARTS + oldest],
    };
  }

  /** Answers the parts to delete. */
  forgetAll(): readonly string[] {
    const names = [...this.#records.keys()].map((sender) => SENDER_PARTS + sender);
    this.#records.clear();
    return names;
  }

  /** The record of this sequence is in the store: its result need not be kept here. */
  durable({ sender, sequence }: SenderSequence): void {
    const record = this.#records.get(sender);
    if (record?.sequence === sequence) record.bytes = undefined;
  }

  /** The sender that was not heard of for longest, if that is longer than the retention. */
  #expired(nowMs: number): string | undefined {
    for (const [sender, { atMs }] of this.#records)
      return atMs < nowMs - this.#retentionMs ? sender : undefined;
    return undefined;
  }
}
