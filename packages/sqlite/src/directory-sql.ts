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
    Record<"members" | "member" | "putMember" | "entry" | "putEntry", SqlStatement>
  >;

  constructor(database: SqlDatabase, header: ClusterHeader) {
    this.#header = header;
    const upsert = "ON CONFLICT DO UPDATE SET record = excluded.record";
    this.#sql = {
      members: database.prepare("SELECT incarnation, record FROM members WHERE cluster = ?"),
      member: database.prepare("SELECT record FROM members WHERE cluster = ? AND incarnation = ?"),
      putMember: database.prepare(`INSERT INTO members VALUES (?, ?, ?) ${upsert}`),
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
    const row = this.#sql.member.get(this.#header.id, incarnation);
    return row && decodeMember(row["record"]);
  }

  putMember(member: MemberRecord): void {
    this.#header.wrote();
    this.#sql.putMember.run(this.#header.id, member.incarnation, encodeMember(member));
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
