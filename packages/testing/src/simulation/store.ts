// The simulated store: directory and storage ports over tables in memory, with everything that stores do wrong.
//   S1. An operation travels to the store, is decided there in one atomic step, and its answer travels back. Each part may
//       be delayed or lost; the request may be applied twice; the answer may be an error though it was applied.
//   S2. A store may lose its newest writes (a suffix, A2), answer reads from an older copy, split into two primaries of
//       which one is later dropped, be away, or lose everything.
//   S3. The decisions are ownership-rules', handed in, so that a test can hand in broken ones.
import {
  type ActorAddress,
  type DirectoryEntry,
  type DirectoryProvider,
  type DirectoryTables,
  type DueRow,
  formatActor,
  type Incarnation,
  type MemberRecord,
  type OwnershipRules,
  type RowMeta,
  type RowTables,
  type Sentinel,
  type StorageProvider,
  StoreUnavailableError,
  TableDirectory,
  TableStorage,
  type Transact,
} from "@tenure/core/internal";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

export interface StoreFaults {
  /** Mean time of each way. */
  delayMs: number;
  /** Chances, per operation. */
  requestLost: number;
  answerLost: number;
  /** Applied, and answered with an error. */
  failedAfterApplying: number;
  appliedTwice: number;
  /** Reads that are answered from a copy that is some writes old. */
  staleRead: number;
}

export const CALM_STORE: Readonly<StoreFaults> = {
  delayMs: 0.5,
  requestLost: 0,
  answerLost: 0,
  failedAfterApplying: 0,
  appliedTwice: 0,
  staleRead: 0,
};

interface Row {
  readonly meta: RowMeta;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** All tables of one primary, with an undo for each write. */
export class SimTables implements DirectoryTables, RowTables {
  writes = 0;
  storeSentinel: Sentinel | undefined;
  grants = 0;
  readonly memberRecords: Map<Incarnation, MemberRecord> = new Map();
  readonly entries: Map<string, DirectoryEntry> = new Map();
  readonly rows: Map<string, Row> = new Map();
  #undo: (() => void)[] = [];

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
  members(): Iterable<readonly [Incarnation, MemberRecord]> {
    return this.memberRecords;
  }
  member(incarnation: Incarnation): MemberRecord | undefined {
    return this.memberRecords.get(incarnation);
  }
  putMember(member: MemberRecord): void {
    this.#put(this.memberRecords, member.incarnation, member);
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

  /** Takes back the newest `count` writes. */
  lose(count: number): void {
    for (let i = 0; i < count; i++) this.#undo.pop()?.();
  }

  loseEverything(): void {
    this.storeSentinel = undefined;
    this.grants = 0;
    this.memberRecords.clear();
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
    this.#undo.push(undo);
    if (this.#undo.length > 2_000) this.#undo.splice(0, 1_000);
  }
}

export interface SimStoreOptions {
  readonly rules?: OwnershipRules | undefined;
  /** An empty directory is trusted from the start, as the embedded store's is. @default true */
  readonly startsOpen?: boolean | undefined;
}

export class SimStore {
  readonly faults: StoreFaults = { ...CALM_STORE };
  readonly world: World;
  tables: SimTables = new SimTables();
  away = false;
  readonly #options: SimStoreOptions;
  readonly #random;
  /** Processes that talk to the other primary of a split. */
  #other: { readonly tables: SimTables; readonly nodes: ReadonlySet<string> } | undefined;
  #stale: SimTables | undefined;

  constructor(world: World, options: SimStoreOptions = {}) {
    this.world = world;
    this.#options = options;
    this.#random = world.fork();
  }

  directory(node: SimNode): DirectoryProvider {
    return {
      name: "simulated",
      open: () =>
        Promise.resolve(
          new TableDirectory(
            {
              durability: "what the simulation lets it keep",
              startsOpen: this.#options.startsOpen ?? true,
              transact: this.#transact(node, "directory"),
              close: () => Promise.resolve(),
            },
            this.#options.rules,
          ),
        ),
    };
  }

  storage(node: SimNode): StorageProvider {
    return {
      name: "simulated",
      open: () =>
        Promise.resolve(
          new TableStorage(
            {
              durability: "what the simulation lets it keep",
              maxStateBytes: 1 << 20,
              transact: this.#transact(node, "storage"),
              close: () => Promise.resolve(),
            },
            this.#options.rules,
          ),
        ),
    };
  }

  /** From now on these processes write to another primary; the returned function ends the split and drops one side. */
  split(nodes: ReadonlySet<string>): (keep: "first" | "second") => void {
    this.#other = { tables: this.tables.fork(), nodes };
    return (keep) => {
      if (keep === "second" && this.#other) this.tables = this.#other.tables;
      this.#other = undefined;
    };
  }

  /** A replica that stays behind from now on, and answers some reads. */
  lagBehind(): void {
    this.#stale = this.tables.fork();
  }

  catchUp(): void {
    this.#stale = undefined;
  }

  #tablesOf(node: SimNode): SimTables {
    return this.#other?.nodes.has(node.name) ? this.#other.tables : this.tables;
  }

  #transact(node: SimNode, port: string): Transact<DirectoryTables & RowTables> {
    return <T>(step: (tables: DirectoryTables & RowTables) => T) =>
      new Promise<{ sequence: number; answer: T }>((resolve, reject) => {
        const { faults } = this;
        const lost = this.#random.next() < faults.requestLost;
        this.world.schedule(this.#delayMs(), `${port} < ${node.name}`, () => {
          if (this.away) {
            this.#answer(node, port, () => reject(new StoreUnavailableError("the store is away")));
            return;
          }
          if (lost) return;
          const stale = this.#stale && this.#random.next() < faults.staleRead;
          const tables = stale ? this.#stale!.fork() : this.#tablesOf(node);
          const answer = step(tables);
          const { writes } = tables;
          if (this.#random.next() < faults.appliedTwice)
            this.world.schedule(this.#delayMs() * 4, `${port} << ${node.name}`, () => {
              if (!this.away) step(this.#tablesOf(node));
            });
          if (this.#random.next() < faults.answerLost) return;
          if (this.#random.next() < faults.failedAfterApplying)
            this.#answer(node, port, () =>
              reject(new StoreUnavailableError("the connection broke")),
            );
          else this.#answer(node, port, () => resolve({ sequence: writes, answer }));
        });
      });
  }

  #answer(node: SimNode, port: string, run: () => void): void {
    this.world.schedule(this.#delayMs(), `${port} > ${node.name}`, () => node.run("message", run));
  }

  #delayMs(): number {
    return -Math.log(1 - this.#random.next()) * this.faults.delayMs;
  }
}
