// Idempotency keys on the way of a call through a turn: known ones are answered, new ones recorded with the effect.
import {
  type ActorAddress,
  type CallResult,
  type Clock,
  errorText,
  type IdempotencyKey,
  KEY_HEADER_BYTES,
  KEY_PARTS,
  keyText,
  SENDER_PARTS,
  TenureError,
} from "@tenure/core/internal";
import type { Changes } from "./commit-pipeline.ts";
import { KeyTable } from "./idempotency.ts";
import { type IncomingCall, refused } from "./incoming-call.ts";
import {
  keyRecord,
  readSequenceHeader,
  recordedResult,
  sequenceRecord,
} from "./recorded-result.ts";
import { SenderTable } from "./sender-sequences.ts";

export interface KeyedDeps {
  readonly address: ActorAddress;
  readonly clock: Clock;
  /** How long a key's result is kept (R22). */
  readonly retentionMs: number;
  /** The store no longer has what it had acknowledged: this activation's memory is of a row that is gone (I8). */
  forgotten(what: string): void;
  fetchParts(names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

export type Admission =
  /** Run it; with a key, its result is recorded under this digest. */
  | { readonly kind: "run"; readonly digest: Uint8Array | undefined }
  | { readonly kind: "refused"; readonly result: CallResult }
  /** It was applied before. `bytes` are its record, unless that is only in the store. */
  | {
      readonly kind: "recorded";
      readonly key: IdempotencyKey;
      readonly bytes: Uint8Array | undefined;
    };

/** A record that is not in the table yet: the turn may still fail. */
export interface KeyDraft {
  readonly key: IdempotencyKey;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** A result that is to be committed together with its call's changes. */
export interface KeyedChange extends Changes {
  /** The record is in the store: it need not be kept in memory. */
  durable(): void;
}

const UNKEYED: Admission = { kind: "run", digest: undefined };

interface Tables {
  readonly opaque: KeyTable;
  readonly senders: SenderTable;
}

export class KeyedCalls {
  readonly #d: KeyedDeps;
  readonly #stateful: boolean;
  // Most actors have no keys, and it should cost them nothing.
  #made: Tables | undefined;
  /** How often all were forgotten. */
  #forgettings = 0;

  /** `parts` are the row's; undefined for an actor without a row. */
  constructor(deps: KeyedDeps, parts: ReadonlyMap<string, Uint8Array> | undefined) {
    this.#d = deps;
    this.#stateful = parts !== undefined;
    for (const name of parts?.keys() ?? [])
      if (name.startsWith(KEY_PARTS) || name.startsWith(SENDER_PARTS)) {
        this.#made = this.#make(parts!);
        break;
      }
  }

  get #tables(): Tables {
    return (this.#made ??= this.#make([]));
  }

  #make(parts: Iterable<readonly [string, Uint8Array]>): Tables {
    const { retentionMs } = this.#d;
    return {
      opaque: new KeyTable(parts, retentionMs),
      senders: new SenderTable(parts, retentionMs),
    };
  }

  admit(call: IncomingCall): Admission {
    const { key } = call;
    if (key === undefined || call.method.mode !== "write") return UNKEYED;
    if (!this.#stateful)
      return {
        kind: "refused",
        result: refused(
          "key-refused",
          `${this.#d.address.type} has no state to keep an idempotency key in; declare state: () => ({})`,
        ),
      };
    const { opaque, senders } = this.#tables;
    const nowMs = this.#d.clock.wallMs();
    const verdict =
      typeof key === "string" ? opaque.check(key, call, nowMs) : senders.check(key, call, nowMs);
    switch (verdict.kind) {
      case "refused":
        return verdict;
      case "recorded":
        return { kind: "recorded", key, bytes: verdict.bytes };
      case "new":
        return { kind: "run", digest: verdict.digest };
    }
  }

  /** The recorded result of a call that was applied before. */
  async recorded({ key, bytes }: Extract<Admission, { kind: "recorded" }>): Promise<CallResult> {
    const name = typeof key === "string" ? KEY_PARTS + key : SENDER_PARTS + key.sender;
    const before = this.#forgettings;
    let record = bytes;
    if (!record)
      try {
        record = (await this.#d.fetchParts([name])).get(name);
      } catch (error) {
        return refused("unavailable", `the recorded result cannot be read: ${errorText(error)}`);
      }
    const at = record && sequenceIn(record, key);
    // The sender's next call was applied while this one looked for its result.
    if (at === "later")
      return refused("key-refused", `after ${keyText(key)} a later one was applied`);
    if (this.#forgettings > before)
      return refused("unavailable", "the actor's idempotency keys were forgotten meanwhile");
    if (!record || at === "earlier") {
      this.#d.forgotten(`the recorded result of the idempotency key ${keyText(key)}`);
      return refused("unavailable", "the recorded result is gone; the actor is loaded anew");
    }
    return (
      recordedResult(record) ?? {
        status: "failed",
        code: "UNREADABLE_STATE",
        message: "the recorded result of the idempotency key is damaged",
      }
    );
  }

  /** How the result is recorded; undefined when it is not: no key, or an error of the framework, after which it may still succeed. */
  draft(
    call: IncomingCall,
    digest: Uint8Array | undefined,
    result: CallResult,
    thrown: unknown,
  ): KeyDraft | undefined {
    if (!digest || call.key === undefined || thrown instanceof TenureError) return undefined;
    const atMs = this.#d.clock.wallMs();
    const { key } = call;
    const bytes =
      typeof key === "string"
        ? keyRecord({ digest, atMs }, result)
        : sequenceRecord({ digest, atMs, sequence: key.sequence }, result);
    return { key, atMs, bytes };
  }

  /** Forgets every key and sender; answers the parts to delete. Each call is new after it. */
  forgetAll(): readonly string[] {
    this.#forgettings += 1;
    const { opaque, senders } = this.#tables;
    return [...opaque.forgetAll(), ...senders.forgetAll()];
  }

  /** Enters a record into the table, and says what is to be saved for it. */
  enter({ key, atMs, bytes }: KeyDraft): KeyedChange {
    const { opaque, senders } = this.#tables;
    if (typeof key === "string") {
      const { put, del } = opaque.record(key, bytes, atMs);
      return { put: [put], del, durable: () => opaque.durable(key) };
    }
    const { put, del } = senders.record(key, bytes, atMs);
    return { put: [put], del, durable: () => senders.durable(key) };
  }
}

/** Which of a sender's sequences a part records, seen from the one that is looked for. */
function sequenceIn(part: Uint8Array, key: IdempotencyKey): "earlier" | "this" | "later" {
  if (typeof key === "string" || part.length < KEY_HEADER_BYTES) return "this";
  const { sequence } = readSequenceHeader(part);
  return sequence === key.sequence ? "this" : sequence > key.sequence ? "later" : "earlier";
}
