// The directory's tables in SQLite. Decides nothing: see core's directory-tables.
import {
  type ActorAddress,
  type DamagedRecord,
  decodeEntry,
  decodeMember,
  type DirectoryEntry,
  type DirectoryTables,
  encodeActorKey,
  encodeEntry,
  encodeMember,
  type Incarnation,
  type MemberRecord,
  type Sentinel,
} from "@tenure/core/internal";
import type { ClusterHeader } from "./cluster-header.ts";
import type { SqlDatabase, SqlStatement } from "./driver.ts";

export class SqlDirectoryTables implements DirectoryTables {
  readonly #header: ClusterHeader;
  readonly #sql: Readonly<
    Record<
      "members" | "listed" | "swept" | "putMember" | "putSwept" | "unlist" | "entry" | "putEntry",
      SqlStatement
    >
  >;

  constructor(database: SqlDatabase, header: ClusterHeader) {
    this.#header = header;
    const upsert = "ON CONFLICT DO UPDATE SET record = excluded.record";
    this.#sql = {
      members: database.prepare("SELECT incarnation, record FROM members WHERE cluster = ?"),
      listed: database.prepare("SELECT record FROM members WHERE cluster = ? AND incarnation = ?"),
      swept: database.prepare("SELECT record FROM swept WHERE cluster = ? AND incarnation = ?"),
      putMember: database.prepare(`INSERT INTO members VALUES (?, ?, ?) ${upsert}`),
      putSwept: database.prepare("INSERT INTO swept VALUES (?, ?, ?)"),
      unlist: database.prepare("DELETE FROM members WHERE cluster = ? AND incarnation = ?"),
      entry: database.prepare("SELECT record FROM entries WHERE cluster = ? AND actor = ?"),
      putEntry: database.prepare(`INSERT INTO entries VALUES (?, ?, ?) ${upsert}`),
    };
  }

  sentinel(): Sentinel | undefined {
    return this.#header.sentinel;
  }

  putSentinel({ storeId, open }: Sentinel): void {
    this.#header.wrote({ storeId, open });
  }

  counter(): number {
    return this.#header.state.counter;
  }

  putCounter(counter: number): void {
    this.#header.wrote({ counter });
  }

  *members(): Iterable<readonly [Incarnation, MemberRecord | DamagedRecord]> {
    for (const row of this.#sql.members.all(this.#header.id))
      yield [row["incarnation"] as string, decodeMember(row["record"])];
  }

  member(incarnation: Incarnation): MemberRecord | DamagedRecord | undefined {
    const row =
      this.#sql.listed.get(this.#header.id, incarnation) ??
      this.#sql.swept.get(this.#header.id, incarnation);
    return row && decodeMember(row["record"]);
  }

  putMember(member: MemberRecord): void {
    this.#header.wrote();
    this.#sql.putMember.run(this.#header.id, member.incarnation, encodeMember(member));
  }

  unlistMember(incarnation: Incarnation): void {
    const row = this.#sql.listed.get(this.#header.id, incarnation);
    if (!row) return;
    this.#header.wrote();
    this.#sql.putSwept.run(this.#header.id, incarnation, row["record"] as string);
    this.#sql.unlist.run(this.#header.id, incarnation);
  }

  entry(actor: ActorAddress): DirectoryEntry | DamagedRecord | undefined {
    const row = this.#sql.entry.get(this.#header.id, encodeActorKey(actor));
    return row && decodeEntry(row["record"]);
  }

  putEntry(actor: ActorAddress, entry: DirectoryEntry): void {
    this.#header.wrote();
    this.#sql.putEntry.run(this.#header.id, encodeActorKey(actor), encodeEntry(entry));
  }
}
