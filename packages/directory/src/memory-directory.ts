// The directory in this process's memory: shared by every silo that is given the same provider, gone with the process.
//   MD1. A request is decided at the call, so requests are decided in the order of their calls.
//   MD2. Nothing can be lost while anyone is left to ask, so absent entries are trusted from the start (R13).
import {
  type ActorAddress,
  type DirectoryEntry,
  type DirectoryProvider,
  type DirectoryTables,
  formatActor,
  type Incarnation,
  type MemberRecord,
  type Sentinel,
  TableDirectory,
} from "@tenure/core/internal";
import { atTheCall, refuseStrict, type WriteCount } from "./memory-step.ts";

/** A directory for the silos of one process: for development, tests and examples. */
export function memoryDirectory(): DirectoryProvider {
  const clusters = new Map<string, MemoryDirectoryTables>();
  return {
    name: "memory",
    open: async ({ cluster, durability }) => {
      refuseStrict(durability);
      let tables = clusters.get(cluster);
      if (!tables) clusters.set(cluster, (tables = new MemoryDirectoryTables()));
      return new TableDirectory({
        durability: "an acknowledged write is lost when the process ends: it is in its memory",
        startsOpen: true,
        transact: atTheCall(tables),
        close: () => Promise.resolve(),
      });
    },
  };
}

/** Exported for tests of what the provider never shows: a directory that starts closed. */
export class MemoryDirectoryTables implements DirectoryTables, WriteCount {
  writes = 0;
  readonly #members = new Map<Incarnation, MemberRecord>();
  /** Swept ones: dead, and not listed. */
  readonly #swept = new Map<Incarnation, MemberRecord>();
  readonly #entries = new Map<string, DirectoryEntry>();
  #sentinel: Sentinel | undefined;
  #counter = 0;

  sentinel(): Sentinel | undefined {
    return this.#sentinel;
  }

  putSentinel(sentinel: Sentinel): void {
    this.writes++;
    this.#sentinel = sentinel;
  }

  counter(): number {
    return this.#counter;
  }

  putCounter(counter: number): void {
    this.#counter = counter;
  }

  members(): Iterable<readonly [Incarnation, MemberRecord]> {
    return this.#members;
  }

  member(incarnation: Incarnation): MemberRecord | undefined {
    return this.#members.get(incarnation) ?? this.#swept.get(incarnation);
  }

  putMember(member: MemberRecord): void {
    this.writes++;
    this.#members.set(member.incarnation, member);
  }

  unlistMember(incarnation: Incarnation): void {
    const member = this.#members.get(incarnation);
    if (!member) return;
    this.writes++;
    this.#members.delete(incarnation);
    this.#swept.set(incarnation, member);
  }

  entry(actor: ActorAddress): DirectoryEntry | undefined {
    return this.#entries.get(formatActor(actor));
  }

  putEntry(actor: ActorAddress, entry: DirectoryEntry): void {
    this.writes++;
    this.#entries.set(formatActor(actor), entry);
  }
}
