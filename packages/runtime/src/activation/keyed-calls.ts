// Idempotency keys on the way of a call through a turn: known ones are answered, new ones recorded with the effect.
import {
  type ActorAddress,
  type CallResult,
  type Clock,
  errorText,
  TenureError,
} from "@tenure/core/internal";
import type { Changes } from "./commit-pipeline.ts";
import { keyRecord, type KeyTable, recordedResult } from "./idempotency.ts";
import { type IncomingCall, refused } from "./incoming-call.ts";

export interface KeyedDeps {
  readonly address: ActorAddress;
  readonly clock: Clock;
  /** Undefined for an actor without a row. */
  readonly keys: KeyTable | undefined;
  /** The store no longer has what it had acknowledged: this activation's memory is of a row that is gone (I8). */
  forgotten(what: string): void;
  fetchParts(names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

export type Admission =
  /** Run it; with a key, its result is recorded under this digest. */
  | { readonly kind: "run"; readonly digest: Uint8Array | undefined }
  | { readonly kind: "refused"; readonly result: CallResult }
  /** It was applied before. `bytes` are its record, unless that is only in the store. */
  | { readonly kind: "recorded"; readonly key: string; readonly bytes: Uint8Array | undefined };

/** A record that is not in the table yet: the turn may still fail. */
interface Draft {
  readonly key: string;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** A result that is to be committed together with its call's changes. */
export interface KeyedChange extends Changes {
  /** The record is in the store: it need not be kept in memory. */
  durable(): void;
}

const UNKEYED: Admission = { kind: "run", digest: undefined };

export class KeyedCalls {
  readonly #d: KeyedDeps;

  constructor(deps: KeyedDeps) {
    this.#d = deps;
  }

  admit(call: IncomingCall): Admission {
    const { key } = call;
    if (key === undefined || call.method.mode !== "write") return UNKEYED;
    if (!this.#d.keys)
      return {
        kind: "refused",
        result: refused(
          "key-refused",
          `${this.#d.address.type} has no state to keep an idempotency key in; declare state: () => ({})`,
        ),
      };
    const verdict = this.#d.keys.check(key, call, this.#d.clock.wallMs());
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
    const name = `k/${key}`;
    let record = bytes;
    if (!record)
      try {
        record = (await this.#d.fetchParts([name])).get(name);
      } catch (error) {
        return refused("unavailable", `the recorded result cannot be read: ${errorText(error)}`);
      }
    if (!record) {
      this.#d.forgotten(`the recorded result of the idempotency key '${key}'`);
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
  ): Draft | undefined {
    if (!digest || call.key === undefined || thrown instanceof TenureError) return undefined;
    const atMs = this.#d.clock.wallMs();
    return { key: call.key, atMs, bytes: keyRecord(digest, atMs, result) };
  }

  /** Enters a record into the table, and says what is to be saved for it. */
  enter({ key, atMs, bytes }: Draft): KeyedChange {
    const keys = this.#d.keys!;
    const { put, del } = keys.record(key, bytes, atMs);
    return { put: [put], del, durable: () => keys.durable(key) };
  }
}
