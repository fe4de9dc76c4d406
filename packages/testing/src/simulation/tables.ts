// The tables of one simulated primary, with an undo for each transaction: a store may lose its newest ones, each whole.
import {
  type ActorAddress,
  type DirectoryEntry,
  type DirectoryTables,
  type DueRow,
  formatActor,
  type Incarnation,
  type MemberRecord,
  type RowMeta,
  type RowTables,
  type Sentinel,
} from "@tenure/core/internal";

export interface SimRow {
  readonly meta: RowMeta;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** Directory and rows of one primary. */
export class SimTables implements DirectoryTables, RowTables {
  writes = 0;
  storeSentinel: Sentinel | undefined;
  grants = 0;
  readonly memberRecords: Map<Incarnation, MemberRecord> = new Map();
  /** Dead members that were swept. */
  readonly unlisted: Set<Incarnation> = new Set();
  readonly entries: Map<string, DirectoryEntry> = new Map();
  readonly rows: Map<string, SimRow> = new Map();
  /** One list per transaction, the newest last. */
  #undo: (() => void)[][] = [];
  #open: (() => void)[] | undefined;

  /** One step of a store: kept whole, or lost whole. */
  atomic<T>(step: (tables: this) => T): T {
    this.#open = [];
    try {
      return step(this);
    } finally {
      if (this.#open.length > 0) this.#undo.push(this.#open);
      this.#open = undefined;
      if (this.#undo.length > 2_000) this.#undo.splice(0, 1_000);
    }
  }

  sentinel(): Sentinel | undefined {
    return this.storeSentinel;
  }
  putSentinel(sentinel: Sentinel): void {
    const before = this.storeSentinel;
    this.storeSentinel = sentinel;
    this.#wrote(() => (this.storeSentinel = before));
  }
  counter(): number {
    return this.grants;
  }
  putCounter(counter: number): void {
    const before = this.grants;
    this.grants = counter;
    this.#wrote(() => (this.grants = before));
  }
  *members(): Iterable<readonly [Incarnation, MemberRecord]> {
    for (const member of this.memberRecords) if (!this.unlisted.has(member[0])) yield member;
  }
  member(incarnation: Incarnation): MemberRecord | undefined {
    return this.memberRecords.get(incarnation);
  }
  putMember(member: MemberRecord): void {
    this.#put(this.memberRecords, member.incarnation, member);
  }
  unlistMember(incarnation: Incarnation): void {
    if (this.unlisted.has(incarnation)) return;
    this.unlisted.add(incarnation);
    this.#wrote(() => this.unlisted.delete(incarnation));
  }
  entry(actor: ActorAddress): DirectoryEntry | undefined {
    return this.entries.get(formatActor(actor));
  }
  putEntry(actor: ActorAddress, entry: DirectoryEntry): void {
    this.#put(this.entries, formatActor(actor), entry);
  }
  row(actor: ActorAddress): RowMeta | undefined {
    return this.rows.get(formatActor(actor))?.meta;
  }
  putRow(actor: ActorAddress, meta: RowMeta): void {
    const key = formatActor(actor);
    this.#put(this.rows, key, { meta, parts: this.rows.get(key)?.parts ?? new Map() });
  }
  partHeads(actor: ActorAddress): Iterable<readonly [string, Uint8Array]> {
    return this.rows.get(formatActor(actor))?.parts ?? [];
  }
  part(actor: ActorAddress, name: string): Uint8Array | undefined {
    return this.rows.get(formatActor(actor))?.parts.get(name);
  }
  putPart(actor: ActorAddress, name: string, bytes: Uint8Array): void {
    this.#changeParts(actor, (parts) => parts.set(name, new Uint8Array(bytes)));
  }
  deletePart(actor: ActorAddress, name: string): void {
    this.#changeParts(actor, (parts) => parts.delete(name));
  }
  dueBefore(): readonly DueRow[] {
    return [];
  }

  /** Takes back the newest `count` transactions. */
  lose(count: number): void {
    for (let i = 0; i < count; i++)
      for (const undo of (this.#undo.pop() ?? []).toReversed()) undo();
  }

  /** A record that is gone by itself, as if something had collected it (R16). */
  loseMember(incarnation: Incarnation): void {
    this.memberRecords.delete(incarnation);
    this.unlisted.delete(incarnation);
    // What is taken back later must not bring it back.
    this.#undo = [];
  }

  loseEverything(): void {
    this.storeSentinel = undefined;
    this.grants = 0;
    this.memberRecords.clear();
    this.unlisted.clear();
    this.entries.clear();
    this.rows.clear();
    this.#undo = [];
  }

  /** A copy that lives on by itself: the other primary of a split, or a replica that stays behind. */
  fork(): SimTables {
    const copy = new SimTables();
    copy.writes = this.writes;
    copy.storeSentinel = this.storeSentinel;
    copy.grants = this.grants;
    for (const [key, value] of this.memberRecords) copy.memberRecords.set(key, value);
    for (const incarnation of this.unlisted) copy.unlisted.add(incarnation);
    for (const [key, value] of this.entries) copy.entries.set(key, value);
    for (const [key, value] of this.rows) copy.rows.set(key, value);
    return copy;
  }

  #changeParts(actor: ActorAddress, change: (parts: Map<string, Uint8Array>) => void): void {
    const key = formatActor(actor);
    const row = this.rows.get(key);
    if (!row) return;
    const parts = new Map(row.parts);
    change(parts);
    this.#put(this.rows, key, { meta: row.meta, parts });
  }

  #put<V>(map: Map<string, V>, key: string, value: V): void {
    const before = map.get(key);
    map.set(key, value);
    this.#wrote(() => {
      if (before === undefined) map.delete(key);
      else map.set(key, before);
    });
  }

  #wrote(undo: () => void): void {
    this.writes += 1;
    if (this.#open) this.#open.push(undo);
    else this.#undo.push([undo]);
  }
}
