// The storage in this process's memory; the sibling of memory-directory.ts, decided at the call like it.
import {
  type ActorAddress,
  dueBucket,
  type DueRow,
  encodeActorKey,
  formatActor,
  type RowMeta,
  type RowTables,
  type StorageProvider,
  TableStorage,
} from "@tenure/core/internal";
import { atTheCall, refuseStrict, type WriteCount } from "./memory-step.ts";

/** The same bound as the embedded store, so that what fits in development fits on disk. */
const MAX_STATE_BYTES = 8 * 1_024 * 1_024;

/** A storage for the silos of one process: for development, tests and examples. */
export function memoryStorage(): StorageProvider {
  const clusters = new Map<string, MemoryRowTables>();
  return {
    name: "memory",
    open: async ({ cluster, durability }) => {
      refuseStrict(durability);
      let tables = clusters.get(cluster);
      if (!tables) clusters.set(cluster, (tables = new MemoryRowTables()));
      return new TableStorage({
        durability: "an acknowledged write is lost when the process ends: it is in its memory",
        maxStateBytes: MAX_STATE_BYTES,
        transact: atTheCall(tables),
        close: () => Promise.resolve(),
      });
    },
  };
}

interface Row {
  meta: RowMeta;
  readonly parts: Map<string, Uint8Array>;
}

/** Exported for tests of what the provider never shows: rows that are spoiled, rules that are broken. */
export class MemoryRowTables implements RowTables, WriteCount {
  writes = 0;
  readonly #rows = new Map<string, Row>();
  /** By bucket, then by actor: only rows that are due some time. */
  readonly #due = new Map<number, Map<string, DueRow>>();

  row(actor: ActorAddress): RowMeta | undefined {
    return this.#rows.get(formatActor(actor))?.meta;
  }

  putRow(actor: ActorAddress, meta: RowMeta): void {
    this.writes++;
    const key = formatActor(actor);
    const row = this.#rows.get(key);
    if (row?.meta.due !== meta.due) this.#index(actor, meta.due);
    if (row) row.meta = meta;
    else this.#rows.set(key, { meta, parts: new Map() });
  }

  partHeads(actor: ActorAddress): Iterable<readonly [string, Uint8Array]> {
    return this.#rows.get(formatActor(actor))?.parts ?? [];
  }

  part(actor: ActorAddress, name: string): Uint8Array | undefined {
    return this.#rows.get(formatActor(actor))?.parts.get(name);
  }

  putPart(actor: ActorAddress, name: string, bytes: Uint8Array): void {
    // slice() of a Buffer would share its memory; this copies whatever it is given (S7).
    this.#rows.get(formatActor(actor))?.parts.set(name, new Uint8Array(bytes));
  }

  deletePart(actor: ActorAddress, name: string): void {
    this.#rows.get(formatActor(actor))?.parts.delete(name);
  }

  dueBefore(bucket: number, time: number, limit: number): readonly DueRow[] {
    const due = [...(this.#due.get(bucket)?.values() ?? [])].filter((row) => row.due <= time);
    return due.toSorted((a, b) => a.due - b.due).slice(0, limit);
  }

  #index(actor: ActorAddress, due: number | undefined): void {
    const key = encodeActorKey(actor);
    const number = dueBucket(key);
    let bucket = this.#due.get(number);
    if (!bucket) this.#due.set(number, (bucket = new Map()));
    if (due === undefined) bucket.delete(key);
    else bucket.set(key, { actor: { type: actor.type, id: actor.id }, due });
  }
}
