// The storage's tables in SQLite. Decides nothing: see core's storage-tables.
import {
  type ActorAddress,
  checkRowMeta,
  DamagedRecord,
  decodeActorKey,
  dueBucket,
  type DueRow,
  encodeActorKey,
  KEY_HEADER_BYTES,
  KEY_PARTS,
  SENDER_PARTS,
  ROW_FORMAT,
  type RowMeta,
  type RowTables,
} from "@tenure/core/internal";
import type { ClusterHeader } from "./cluster-header.ts";
import { asBytes, type SqlDatabase, type SqlStatement } from "./driver.ts";

type StatementName =
  | "row"
  | "putRow"
  | "partHeads"
  | "part"
  | "putPart"
  | "deletePart"
  | "dueBefore";

const PUT_ROW = `
  INSERT INTO rows (cluster, actor, format, generation, token, etag, version, bucket, due)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET format = excluded.format, generation = excluded.generation,
    token = excluded.token, etag = excluded.etag, version = excluded.version, due = excluded.due`;

// Of recorded results only the header leaves SQLite: a row may have thousands (S3).
const PART_HEADS = `
  SELECT name,
    CASE WHEN substr(name, 1, ${KEY_PARTS.length}) IN (CAST('${KEY_PARTS}' AS BLOB), CAST('${SENDER_PARTS}' AS BLOB))
      THEN substr(bytes, 1, ${KEY_HEADER_BYTES}) ELSE bytes END AS bytes
  FROM parts WHERE cluster = ? AND actor = ?`;

export class SqlRowTables implements RowTables {
  readonly #header: ClusterHeader;
  readonly #sql: Readonly<Record<StatementName, SqlStatement>>;

  constructor(database: SqlDatabase, header: ClusterHeader) {
    this.#header = header;
    this.#sql = {
      row: database.prepare(
        "SELECT format, generation, token, etag, version, due FROM rows WHERE cluster = ? AND actor = ?",
      ),
      putRow: database.prepare(PUT_ROW),
      partHeads: database.prepare(PART_HEADS),
      part: database.prepare(
        "SELECT bytes FROM parts WHERE cluster = ? AND actor = ? AND name = ?",
      ),
      putPart: database.prepare(
        "INSERT INTO parts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
      ),
      deletePart: database.prepare(
        "DELETE FROM parts WHERE cluster = ? AND actor = ? AND name = ?",
      ),
      dueBefore: database.prepare(
        "SELECT actor, due FROM rows WHERE cluster = ? AND bucket = ? AND due <= ? ORDER BY due LIMIT ?",
      ),
    };
  }

  row(actor: ActorAddress): RowMeta | DamagedRecord | undefined {
    try {
      const row = this.#sql.row.get(this.#header.id, encodeActorKey(actor));
      return row && checkRowMeta(row, ROW_FORMAT);
    } catch (error) {
      // node:sqlite throws on an integer that is none in JavaScript: no such number was ever written by us.
      if ((error as NodeJS.ErrnoException).code !== "ERR_OUT_OF_RANGE") throw error;
      return new DamagedRecord("row: a number is out of range");
    }
  }

  putRow(actor: ActorAddress, meta: RowMeta): void {
    this.#header.wrote();
    const key = encodeActorKey(actor);
    const { format, generation, token, etag, version, due } = meta;
    const bucket = dueBucket(key);
    this.#sql.putRow.run(
      this.#header.id,
      key,
      format,
      generation,
      token,
      etag,
      version,
      bucket,
      due ?? null,
    );
  }

  *partHeads(actor: ActorAddress): Iterable<readonly [string, Uint8Array]> {
    for (const row of this.#sql.partHeads.all(this.#header.id, encodeActorKey(actor)))
      yield [Buffer.from(asBytes(row["name"])).toString("utf8"), asBytes(row["bytes"])];
  }

  part(actor: ActorAddress, name: string): Uint8Array | undefined {
    const row = this.#sql.part.get(this.#header.id, encodeActorKey(actor), nameBytes(name));
    return row && asBytes(row["bytes"]);
  }

  putPart(actor: ActorAddress, name: string, bytes: Uint8Array): void {
    this.#sql.putPart.run(this.#header.id, encodeActorKey(actor), nameBytes(name), bytes);
  }

  deletePart(actor: ActorAddress, name: string): void {
    this.#sql.deletePart.run(this.#header.id, encodeActorKey(actor), nameBytes(name));
  }

  dueBefore(bucket: number, time: number, limit: number): readonly DueRow[] {
    return this.#sql.dueBefore.all(this.#header.id, bucket, time, limit).map((row) => ({
      actor: decodeActorKey(row["actor"] as string),
      due: Number(row["due"]),
    }));
  }
}

function nameBytes(name: string): Uint8Array {
  return Buffer.from(name, "utf8");
}
