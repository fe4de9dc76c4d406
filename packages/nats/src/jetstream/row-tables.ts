// The storage's tables in JetStream. Decides nothing: see core's storage-tables.
//   JR1. A row is one record, so that one fence covers all its parts, and a save is one step (S2, R10).
//   JR2. The due index is a record per row that may be due, and never later than it: written before a row that becomes due, or due
//        earlier; after one that becomes due later; removed after one that is not any more. It decides nothing: it says which
//        rows are worth reading (S6).
//   JR3. An index record without such a row stays: its row may be on its way.
import {
  type ActorAddress,
  DamagedRecord,
  dueBucket,
  type DueRow,
  encodeActorKey,
  formatActor,
  type RowMeta,
  type RowTables,
  type SaveRequest,
} from "@tenure/core/internal";
import type { View, ViewTables } from "./optimistic.ts";
import { decodeRow, encodeRow, type Row, rowBytes } from "./row-record.ts";
import { actorOf, type RowSubjects } from "./subjects.ts";

interface SeenRow {
  readonly key: string;
  readonly before: Row | undefined;
  meta: RowMeta | undefined;
  /** Copied when the first of them changes. */
  parts: Map<string, Uint8Array>;
  isChanged: boolean;
}

export class JetStreamRowTables implements RowTables, ViewTables {
  readonly #view: View;
  readonly #subjects: RowSubjects;
  readonly #maxBytes: number;
  readonly #rows = new Map<string, SeenRow | DamagedRecord>();

  constructor(view: View, subjects: RowSubjects, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#view = view;
    this.#subjects = subjects;
  }

  row(actor: ActorAddress): RowMeta | DamagedRecord | undefined {
    const row = this.#row(actor);
    return row instanceof DamagedRecord ? row : row.meta;
  }

  putRow(actor: ActorAddress, meta: RowMeta): void {
    const row = this.#changed(actor);
    if (row) row.meta = meta;
  }

  partHeads(actor: ActorAddress): Iterable<readonly [string, Uint8Array]> {
    const row = this.#row(actor);
    return row instanceof DamagedRecord ? [] : row.parts;
  }

  part(actor: ActorAddress, name: string): Uint8Array | undefined {
    const row = this.#row(actor);
    return row instanceof DamagedRecord ? undefined : row.parts.get(name);
  }

  putPart(actor: ActorAddress, name: string, bytes: Uint8Array): void {
    this.#changed(actor)?.parts.set(name, bytes);
  }

  deletePart(actor: ActorAddress, name: string): void {
    this.#changed(actor)?.parts.delete(name);
  }

  tooLarge(meta: RowMeta, { actor, put, del }: SaveRequest): string | undefined {
    const row = this.#row(actor);
    if (row instanceof DamagedRecord) return undefined;
    const parts = new Map(row.parts);
    for (const name of del) parts.delete(name);
    for (const [name, bytes] of put) parts.set(name, bytes);
    const bytes = rowBytes({ meta, parts });
    if (bytes <= this.#maxBytes) return undefined;
    return `state and recorded results of ${formatActor(actor)} would have ${bytes} bytes together, and one message of this server holds ${this.#maxBytes}: keep less, or smaller results of calls with keys, or raise the server's max_payload`;
  }

  dueBefore(bucket: number, time: number, limit: number): readonly DueRow[] {
    const rows = this.#view.list(this.#subjects.dueIn(bucket)).flatMap((subject) => {
      const index = this.#view.read(subject);
      if (!index || Number(Buffer.from(index).toString("utf8")) > time) return [];
      const actor = actorOf(subject);
      const row = this.#row(actor);
      const due = row instanceof DamagedRecord ? undefined : row.before?.due;
      return due !== undefined && due <= time ? [{ actor, due }] : [];
    });
    return rows.toSorted((a, b) => a.due - b.due).slice(0, limit);
  }

  flush(): void {
    for (const row of this.#rows.values())
      if (!(row instanceof DamagedRecord) && row.isChanged && row.meta) this.#flush(row, row.meta);
  }

  /** JR2 */
  #flush({ key, before, parts }: SeenRow, meta: RowMeta): void {
    const index = this.#subjects.due(dueBucket(key), key);
    const was = before?.meta.due;
    // Anew with each change: a removal that is under way then finds another record than the one that it meant.
    if (meta.due !== undefined && meta.due !== was) {
      const later = was !== undefined && meta.due > was;
      this.#view.write(index, Buffer.from(String(meta.due), "utf8"), later ? "third" : "first");
    }
    this.#view.write(this.#subjects.row(key), encodeRow({ meta, parts }), "second");
    if (meta.due === undefined && was !== undefined) this.#view.remove(index);
  }

  #changed(actor: ActorAddress): SeenRow | undefined {
    const row = this.#row(actor);
    if (row instanceof DamagedRecord) return undefined;
    if (!row.isChanged) row.parts = new Map(row.parts);
    row.isChanged = true;
    return row;
  }

  #row(actor: ActorAddress): SeenRow | DamagedRecord {
    const key = encodeActorKey(actor);
    let row = this.#rows.get(key);
    if (!row) {
      const bytes = this.#view.read(this.#subjects.row(key));
      const before = bytes && decodeRow(bytes);
      row =
        before instanceof DamagedRecord
          ? before
          : {
              key,
              before,
              meta: before?.meta,
              parts: before?.parts ?? new Map(),
              isChanged: false,
            };
      this.#rows.set(key, row);
    }
    return row;
  }
}
