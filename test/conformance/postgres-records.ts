// The records that PostgreSQL holds, column by column, against what the models of the ports have. What the port cannot show
// is seen here: a row too many, a number that changed on its way, an entry's history.
import { deepStrictEqual } from "node:assert";
import {
  type DirectoryEntry,
  dueBucket,
  encodeActorKey,
  type MemberRecord,
} from "@tenure/core/internal";
import type { DirectoryState, StorageState } from "@tenure/testing/internal";
import type { Pool } from "pg";

export async function compareDirectory(
  raw: Pool,
  cluster: string,
  model: DirectoryState,
): Promise<void> {
  const { members, swept, entries, sentinel, counter } = model;
  const [store = { cluster: undefined, store_id: null, open: false, counter: "0" }] =
    await recordsOf(raw, "clusters", cluster);
  deepStrictEqual(store, {
    cluster: undefined,
    store_id: sentinel?.storeId ?? null,
    open: sentinel?.open ?? false,
    counter: String(counter),
  });
  deepStrictEqual(
    byKey(await recordsOf(raw, "members", cluster), "incarnation"),
    byKey(
      [...members.values()].map((member) => memberOf(member, !swept.has(member.incarnation))),
      "incarnation",
    ),
  );
  const wanted = [...entries].map(([name, entry]) => {
    const slash = name.indexOf("/");
    const actor = { type: name.slice(0, slash), id: name.slice(slash + 1) };
    return entryOf(`${cluster}:${encodeActorKey(actor)}`, entry);
  });
  deepStrictEqual(byKey(await recordsOf(raw, "entries", cluster), "key"), byKey(wanted, "key"));
}

export async function compareStorage(
  raw: Pool,
  cluster: string,
  model: StorageState,
): Promise<void> {
  const rows: SqlRow[] = [];
  const parts: SqlRow[] = [];
  for (const { actor, meta, parts: named } of model.rows.values()) {
    const key = `${cluster}:${encodeActorKey(actor)}`;
    rows.push({
      key,
      cluster,
      bucket: dueBucket(encodeActorKey(actor)),
      format: String(meta.format),
      generation: String(meta.generation),
      token: meta.token,
      etag: meta.etag,
      version: String(meta.version),
      due: meta.due ?? null,
    });
    for (const [name, bytes] of named)
      parts.push({ key: `${key} ${name}`, bytes: Buffer.from(bytes).toString("hex") });
  }
  deepStrictEqual(byKey(await recordsOf(raw, "rows", cluster), "key"), byKey(rows, "key"));
  const found = (await recordsOf(raw, "parts", cluster)).map(({ key, name, bytes }) => ({
    key: `${String(key)} ${(name as Buffer).toString("utf8")}`,
    bytes: (bytes as Buffer).toString("hex"),
  }));
  deepStrictEqual(byKey(found, "key"), byKey(parts, "key"));
}

type SqlRow = Readonly<Record<string, unknown>>;

function memberOf(member: MemberRecord, listed: boolean): SqlRow {
  const { rev, counter, protocol, ...rest } = member;
  const numbers = { rev: String(rev), counter: String(counter), protocol: String(protocol) };
  return { ...rest, ...numbers, listed, cluster: undefined };
}

function entryOf(key: string, entry: DirectoryEntry): SqlRow {
  // As JSON numbers: the library reads them as JavaScript's, which hold all that we write.
  return { key, ...entry, generation: String(entry.generation) };
}

async function recordsOf(raw: Pool, table: string, cluster: string): Promise<SqlRow[]> {
  const hasKeys = table === "entries" || table === "rows" || table === "parts";
  const where = hasKeys ? "starts_with(key, $1 || ':')" : "cluster = $1";
  const { rows } = await raw.query<SqlRow>(`SELECT * FROM tenure.${table} WHERE ${where}`, [
    cluster,
  ]);
  return hasKeys ? rows : rows.map((row) => Object.assign(row, { cluster: undefined }));
}

function byKey(records: readonly SqlRow[], key: string): Record<string, SqlRow> {
  const found = Object.fromEntries(records.map((record) => [record[key], record]));
  deepStrictEqual(Object.keys(found).length, records.length);
  return found;
}
