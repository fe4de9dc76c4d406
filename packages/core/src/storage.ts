// The storage port: one row per actor, with named parts under one fence (R10).
//   S1. Each operation on one row is atomic and decides as `ownership-rules.ts` does; load raises the fence before it
//       returns data.
//   S2. A save puts and deletes in one step, and only the parts that it names.
//   S3. load returns every part whole, but of recorded results (`k/`, `s/`) only the first KEY_HEADER_BYTES; `parts` gives the
//       rest.
//   S4. An operation either answers definitively or rejects; after a rejection it may still be applied (R7).
//   S5. A damaged or newer row is answered as such, with its bytes untouched.
//   S6. dueBefore lists rows whose `due` is not after the time; the index changes in the same step as the row.
//   S7. Bytes handed in are not changed later by the caller; bytes handed out are the receiver's own.
import type { ActorAddress } from "./actor-id.ts";
import type { Sequenced } from "./directory.ts";
import type {
  LoadRequest,
  RowMeta,
  RowRefusal,
  SaveAnswer,
  SaveRequest,
} from "./ownership-rules.ts";
import type { PortEnvironment } from "./port.ts";
import { unitAt } from "./unit-at.ts";

/** The part that holds the actor's state. */
export const STATE_PART = "state";
/** Prefix of the results of calls with an opaque key; their values start with a header: 16 bytes of request hash, 8 of time. */
export const KEY_PARTS = "k/";
/** The same by sender, of its last sequence: 8 bytes of request hash, 8 of sequence, 8 of time (float64, big-endian). */
export const SENDER_PARTS = "s/";
export const KEY_HEADER_BYTES = 24;
/** Prefixes of parts that later versions use: outbox, reminders. */
export const OUTBOX_PARTS = "o/";
export const REMINDER_PARTS = "r/";
/** How many buckets the due index has. */
export const DUE_BUCKETS = 64;

/** Whether a part is a recorded result, of which load answers the header only (S3). */
export function isResultPart(name: string): boolean {
  return name.startsWith(KEY_PARTS) || name.startsWith(SENDER_PARTS);
}

export interface LoadedRow {
  readonly meta: RowMeta;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

export type LoadAnswer = { readonly ok: true; readonly row: LoadedRow } | RowRefusal;

export interface PartsRequest {
  readonly actor: ActorAddress;
  readonly names: readonly string[];
}

export interface Storage {
  /** What an acknowledged write survives, in one sentence. */
  readonly durability: string;
  /** The largest state, in bytes, that this store can hold. */
  readonly maxStateBytes: number;
  load(requests: readonly LoadRequest[]): Promise<Sequenced<readonly LoadAnswer[]>>;
  save(requests: readonly SaveRequest[]): Promise<Sequenced<readonly SaveAnswer[]>>;
  /** Whether each row still holds the claim's token and generation (strict reads, R14). */
  verify(requests: readonly LoadRequest[]): Promise<Sequenced<readonly boolean[]>>;
  /** Whole parts by name; those that are absent are absent from the map. Decides nothing. */
  parts(request: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>>;
  dueBefore(
    bucket: number,
    time: number,
    limit: number,
  ): Promise<readonly { readonly actor: ActorAddress; readonly due: number }[]>;
  close(): Promise<void>;
}

export interface StorageProvider {
  readonly name: string;
  open(environment: PortEnvironment): Promise<Storage>;
}

/** The bucket of the due index that an actor's row belongs to: FNV-1a of its key. */
export function dueBucket(actorKey: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < actorKey.length; i++)
    hash = Math.imul(hash ^ unitAt(actorKey, i), 0x01000193);
  return (hash >>> 0) % DUE_BUCKETS;
}
