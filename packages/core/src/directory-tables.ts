// The directory port over tables that one process holds: read the records, let ownership-rules decide, write what it
// says. Memory and SQLite differ only in their tables and in how an atomic step is made.
//   T1. One operation is one atomic step, decided only by ownership-rules (D1).
//   T2. A damaged record is reported and never written over (C2): a decision that needs it is refused.
//   T3. After close() every operation rejects (D6); what was stored lives on.
import type { ActorAddress } from "./actor-id.ts";
import type { Directory, LookupAnswer, MembersAnswer, Sequenced } from "./directory.ts";
import {
  type ClaimAnswer,
  type ClaimRequest,
  type DirectoryEntry,
  type MarkDeadAnswer,
  type MarkDeadRequest,
  type MemberRecord,
  ownershipRules,
  type OwnershipRules,
  type RegisterAnswer,
  type RegisterRequest,
  type ReleaseAnswer,
  type ReleaseRequest,
  type RenewAnswer,
  type RenewRequest,
  type Sentinel,
  type SweepAnswer,
  type SweepRequest,
} from "./ownership-rules.ts";
import { StoreUnavailableError } from "./port.ts";
import { DamagedRecord } from "./records.ts";
import type { Incarnation } from "./silo-id.ts";

/** One cluster's directory, as an atomic step sees it. */
export interface DirectoryTables {
  sentinel(): Sentinel | undefined;
  putSentinel(sentinel: Sentinel): void;
  /** The highest generation ever granted. */
  counter(): number;
  putCounter(counter: number): void;
  /** All but those that were swept (D7). */
  members(): Iterable<readonly [Incarnation, MemberRecord | DamagedRecord]>;
  /** Whether it was swept, or not. */
  member(incarnation: Incarnation): MemberRecord | DamagedRecord | undefined;
  /** A new one is listed. */
  putMember(member: MemberRecord): void;
  /** Takes a member off the list, if it is there. */
  unlistMember(incarnation: Incarnation): void;
  entry(actor: ActorAddress): DirectoryEntry | DamagedRecord | undefined;
  putEntry(actor: ActorAddress, entry: DirectoryEntry): void;
}

/** Runs `step` atomically, and answers once what it changed is as durable as the store promises. */
export type Transact<Tables> = <T>(step: (tables: Tables) => T) => Promise<Sequenced<T>>;

export interface TableSession<Tables> {
  readonly durability: string;
  readonly transact: Transact<Tables>;
  close(): Promise<void>;
}

export interface TableDirectorySession extends TableSession<DirectoryTables> {
  /** True when absent entries can be trusted in a directory without a sentinel, whatever the registrant says (R13). */
  readonly startsOpen: boolean;
}

export class TableDirectory implements Directory {
  readonly durability: string;
  readonly #session: TableDirectorySession;
  readonly #rules: OwnershipRules;
  #closed = false;

  constructor(session: TableDirectorySession, rules: OwnershipRules = ownershipRules) {
    this.durability = session.durability;
    this.#session = session;
    this.#rules = rules;
  }

  register(request: RegisterRequest): Promise<Sequenced<RegisterAnswer>> {
    return this.#step((tables) => {
      const own = readable(tables.member(request.incarnation), `member ${request.incarnation}`);
      // By its name, not from the list: it may be one that was swept.
      const members: MemberRecord[] = own ? [own] : [];
      for (const [incarnation, member] of tables.members())
        if (!(member instanceof DamagedRecord) && incarnation !== request.incarnation)
          members.push(member);
      const sentinel = tables.sentinel();
      const answer = this.#rules.decideRegister(members, sentinel, {
        ...request,
        types: { ...request.types },
        roles: [...request.roles],
        bootstrap: request.bootstrap || this.#session.startsOpen,
      });
      if (answer.ok && answer.sentinel !== sentinel) tables.putSentinel(answer.sentinel);
      if (answer.ok && !members.includes(answer.member)) tables.putMember(answer.member);
      return answer;
    });
  }

  renew(request: RenewRequest): Promise<Sequenced<RenewAnswer>> {
    return this.#step((tables) => {
      const record = readable(tables.member(request.incarnation), `member ${request.incarnation}`);
      const answer = this.#rules.decideRenew(record, request);
      if (answer.ok) tables.putMember(answer.member);
      return answer;
    });
  }

  markDead(request: MarkDeadRequest): Promise<Sequenced<MarkDeadAnswer>> {
    return this.#step((tables) => {
      const record = readable(tables.member(request.incarnation), `member ${request.incarnation}`);
      const answer = this.#rules.decideMarkDead(record, request);
      if (answer.ok && answer.member !== record) tables.putMember(answer.member);
      return answer;
    });
  }

  sweep({ incarnation }: SweepRequest): Promise<Sequenced<SweepAnswer>> {
    return this.#step((tables) => {
      const record = readable(tables.member(incarnation), `member ${incarnation}`);
      const answer = this.#rules.decideSweep(record);
      if (answer.ok) tables.unlistMember(incarnation);
      return answer;
    });
  }

  members(): Promise<Sequenced<MembersAnswer>> {
    return this.#step((tables) => {
      const members: MemberRecord[] = [];
      const damaged: { key: string; problem: string }[] = [];
      for (const [incarnation, member] of tables.members())
        if (member instanceof DamagedRecord)
          damaged.push({ key: `member/${incarnation}`, problem: member.problem });
        else members.push(member);
      return { sentinel: tables.sentinel(), members, damaged };
    });
  }

  open(storeId: string): Promise<Sequenced<boolean>> {
    return this.#step((tables) => {
      const sentinel = tables.sentinel();
      if (sentinel?.storeId !== storeId) return false;
      if (!sentinel.open) tables.putSentinel({ storeId, open: true });
      return true;
    });
  }

  claim(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimAnswer[]>> {
    return this.#step((tables) => requests.map((request) => claimIn(tables, request, this.#rules)));
  }

  release(requests: readonly ReleaseRequest[]): Promise<Sequenced<readonly ReleaseAnswer[]>> {
    return this.#step((tables) =>
      requests.map((request) => releaseIn(tables, request, this.#rules)),
    );
  }

  lookup(actors: readonly ActorAddress[]): Promise<Sequenced<readonly LookupAnswer[]>> {
    return this.#step((tables) =>
      actors.map((actor): LookupAnswer => {
        const entry = tables.entry(actor);
        return entry instanceof DamagedRecord ? damagedAnswer(entry) : { ok: true, entry };
      }),
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#session.close();
  }

  #step<T>(step: (tables: DirectoryTables) => T): Promise<Sequenced<T>> {
    return this.whileOpen(() => this.#session.transact(step));
  }

  protected whileOpen<T>(operation: () => Promise<T>): Promise<T> {
    return this.#closed
      ? Promise.reject(new StoreUnavailableError("this session of the directory is closed"))
      : operation();
  }
}

export function claimIn(
  tables: DirectoryTables,
  request: ClaimRequest,
  rules: OwnershipRules,
): ClaimAnswer {
  const entry = tables.entry(request.actor);
  const claimant = tables.member(request.incarnation);
  if (entry instanceof DamagedRecord) return damagedAnswer(entry);
  if (claimant instanceof DamagedRecord) return damagedAnswer(claimant);
  // Read only where the claim depends on it: a damaged record spoils no more than it must.
  const displaces = entry && !entry.free && entry.incarnation !== request.incarnation;
  const owner = displaces ? tables.member(entry.incarnation) : undefined;
  if (owner instanceof DamagedRecord) return damagedAnswer(owner);
  const decision = rules.decideClaim(
    { sentinel: tables.sentinel(), counter: tables.counter(), entry, owner, claimant },
    request,
  );
  if (decision.counter !== undefined) tables.putCounter(decision.counter);
  if (decision.claimant) tables.putMember(decision.claimant);
  if (decision.entry) tables.putEntry(request.actor, decision.entry);
  return decision.answer;
}

function releaseIn(
  tables: DirectoryTables,
  request: ReleaseRequest,
  rules: OwnershipRules,
): ReleaseAnswer {
  const entry = tables.entry(request.actor);
  if (entry instanceof DamagedRecord) return damagedAnswer(entry);
  const decision = rules.decideRelease(entry, request);
  if (decision.entry) tables.putEntry(request.actor, decision.entry);
  return decision.answer;
}

function damagedAnswer(record: DamagedRecord): {
  readonly ok: false;
  readonly refusal: "damaged";
  readonly problem: string;
} {
  return { ok: false, refusal: "damaged", problem: record.problem };
}

// Decisions on members have no word for a damaged record: the caller gets no answer, and an operator the reason.
function readable<T>(record: T | DamagedRecord, key: string): T {
  if (record instanceof DamagedRecord)
    throw new StoreUnavailableError(`${key} is damaged and left as it is: ${record.problem}`);
  return record;
}
