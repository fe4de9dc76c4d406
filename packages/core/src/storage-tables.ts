// The storage port over tables that one process holds; the sibling of directory-tables.ts, under the same rules T1 to T3.
import type { ActorAddress } from "./actor-id.ts";
import type { Sequenced } from "./directory.ts";
import type { TableSession } from "./directory-tables.ts";
import {
  type LoadRequest,
  ownershipRules,
  type OwnershipRules,
  type RowMeta,
  type SaveAnswer,
  type SaveRequest,
} from "./ownership-rules.ts";
import { StoreUnavailableError } from "./port.ts";
import { DamagedRecord } from "./records.ts";
import {
  KEY_HEADER_BYTES,
  isResultPart,
  type LoadAnswer,
  type PartsRequest,
  type Storage,
} from "./storage.ts";

/** One cluster's rows, as an atomic step sees them. */
export interface RowTables {
  row(actor: ActorAddress): RowMeta | DamagedRecord | undefined;
  /** Writes the meta, and the due index with it (S6). */
  putRow(actor: ActorAddress, meta: RowMeta): void;
  /** Every part; of a recorded result at least the first KEY_HEADER_BYTES. The bytes may be the table's own. */
  partHeads(actor: ActorAddress): Iterable<readonly [name: string, bytes: Uint8Array]>;
  part(actor: ActorAddress, name: string): Uint8Array | undefined;
  /** Keeps a copy of the bytes. */
  putPart(actor: ActorAddress, name: string, bytes: Uint8Array): void;
  deletePart(actor: ActorAddress, name: string): void;
  /** Why the row as this save would leave it is more than the store can hold. Without it, any row fits. */
  tooLarge?(meta: RowMeta, save: SaveRequest): string | undefined;
  dueBefore(bucket: number, time: number, limit: number): readonly DueRow[];
}

export interface DueRow {
  readonly actor: ActorAddress;
  readonly due: number;
}

export interface TableStorageSession extends TableSession<RowTables> {
  readonly maxStateBytes: number;
}

export class TableStorage implements Storage {
  readonly durability: string;
  readonly maxStateBytes: number;
  readonly #session: TableStorageSession;
  readonly #rules: OwnershipRules;
  #closed = false;

  constructor(session: TableStorageSession, rules: OwnershipRules = ownershipRules) {
    this.durability = session.durability;
    this.maxStateBytes = session.maxStateBytes;
    this.#session = session;
    this.#rules = rules;
  }

  load(requests: readonly LoadRequest[]): Promise<Sequenced<readonly LoadAnswer[]>> {
    return this.#step((tables) =>
      requests.map((request) => loadFrom(tables, request, this.#rules)),
    );
  }

  save(requests: readonly SaveRequest[]): Promise<Sequenced<readonly SaveAnswer[]>> {
    return this.#step((tables) => requests.map((request) => saveIn(tables, request, this.#rules)));
  }

  verify(requests: readonly LoadRequest[]): Promise<Sequenced<readonly boolean[]>> {
    return this.#step((tables) =>
      requests.map((request) => {
        const row = tables.row(request.actor);
        return !(row instanceof DamagedRecord) && this.#rules.decideVerify(row, request);
      }),
    );
  }

  async parts(request: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>> {
    const { answer } = await this.#step((tables) => {
      const found = new Map<string, Uint8Array>();
      for (const name of request.names) {
        const bytes = tables.part(request.actor, name);
        if (bytes) found.set(name, ownBytes(bytes));
      }
      return found;
    });
    return answer;
  }

  async dueBefore(bucket: number, time: number, limit: number): Promise<readonly DueRow[]> {
    const { answer } = await this.#step((tables) => tables.dueBefore(bucket, time, limit));
    return answer;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#session.close();
  }

  #step<T>(step: (tables: RowTables) => T): Promise<Sequenced<T>> {
    if (this.#closed)
      return Promise.reject(new StoreUnavailableError("this session of the storage is closed"));
    return this.#session.transact(step);
  }
}

export function loadFrom(
  tables: RowTables,
  request: LoadRequest,
  rules: OwnershipRules,
): LoadAnswer {
  const row = tables.row(request.actor);
  if (row instanceof DamagedRecord) return { ok: false, refusal: "damaged", problem: row.problem };
  const decision = rules.decideLoad(row, request);
  if (!decision.ok) return decision;
  // The same load again changes nothing, so it need not cost a write.
  if (!rules.decideVerify(row, request)) tables.putRow(request.actor, decision.meta);
  const parts = new Map<string, Uint8Array>();
  for (const [name, bytes] of tables.partHeads(request.actor))
    parts.set(name, ownBytes(isResultPart(name) ? bytes.subarray(0, KEY_HEADER_BYTES) : bytes));
  return { ok: true, row: { meta: decision.meta, parts } };
}

function saveIn(tables: RowTables, request: SaveRequest, rules: OwnershipRules): SaveAnswer {
  const { actor } = request;
  const row = tables.row(actor);
  if (row instanceof DamagedRecord) return { ok: false, refusal: "damaged", problem: row.problem };
  const { answer, meta } = rules.decideSave(row, request);
  if (!meta) return answer;
  const problem = tables.tooLarge?.(meta, request);
  if (problem !== undefined) return { ok: false, refusal: "too-large", problem };
  // A name both deleted and put ends up put, whatever the order in which a caller collected them.
  for (const name of request.del) tables.deletePart(actor, name);
  for (const [name, bytes] of request.put) tables.putPart(actor, name, bytes);
  tables.putRow(actor, meta);
  return answer;
}

// S7: the receiver's own. Not slice(): a Buffer's shares its memory.
function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
