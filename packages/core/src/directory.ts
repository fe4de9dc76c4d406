// The directory port: who is a member, and who owns an actor.
//   D1. Each operation on one member or one entry is atomic, and answers what `ownership-rules.ts` decides.
//   D2. An operation either answers definitively or rejects; after a rejection it may still have been applied, and the
//       same request may be sent again (R7, R8).
//   D3. members() and lookup() answer from the primary copy: an operation that answered before is seen.
//   D4. A batch is a convenience: each of its items is decided by itself, in order; one damaged item spoils no other.
//   D5. Nothing here has a time to live.
//   D6. After close() every operation rejects.
//   D7. members() leaves out the dead that were swept. Every decision that names one of them still finds its record.
//   D8. claimAndLoad() is a claim, and the load of what it was granted, in one step: nothing comes between the two. A claim that
//       is refused loads nothing. It is there where directory and storage are one store, and saves a round trip.
import type { ActorAddress } from "./actor-id.ts";
import type {
  ClaimAnswer,
  ClaimRequest,
  DirectoryEntry,
  MarkDeadAnswer,
  MarkDeadRequest,
  MemberRecord,
  RegisterAnswer,
  RegisterRequest,
  ReleaseAnswer,
  ReleaseRequest,
  RenewAnswer,
  RenewRequest,
  Sentinel,
  SweepAnswer,
  SweepRequest,
} from "./ownership-rules.ts";
import type { PortEnvironment } from "./port.ts";
import type { LoadAnswer, StorageProvider } from "./storage.ts";

/** Every answer carries the store's own sequence, which never goes back unless the store lost writes. */
export interface Sequenced<T> {
  readonly sequence: number;
  readonly answer: T;
}

export interface MembersAnswer {
  readonly sentinel: Sentinel | undefined;
  readonly members: readonly MemberRecord[];
  /** Records that cannot be read, by key; they are left as they are. */
  readonly damaged: readonly { readonly key: string; readonly problem: string }[];
}

export type LookupAnswer =
  | { readonly ok: true; readonly entry: DirectoryEntry | undefined }
  | { readonly ok: false; readonly refusal: "damaged"; readonly problem: string };

/** What became of a claim, and of the load of what it was granted. */
export interface ClaimedRow {
  readonly claim: ClaimAnswer;
  /** Undefined where the claim was refused. */
  readonly row: LoadAnswer | undefined;
}

export interface Directory {
  /** What an acknowledged write survives, in one sentence. */
  readonly durability: string;
  register(request: RegisterRequest): Promise<Sequenced<RegisterAnswer>>;
  renew(request: RenewRequest): Promise<Sequenced<RenewAnswer>>;
  markDead(request: MarkDeadRequest): Promise<Sequenced<MarkDeadAnswer>>;
  /** Takes a dead member off the list. True of one that was swept before, too. */
  sweep(request: SweepRequest): Promise<Sequenced<SweepAnswer>>;
  members(): Promise<Sequenced<MembersAnswer>>;
  /** Declares that absent entries can be trusted again. True when the sentinel of that id is open afterwards (R13). */
  open(storeId: string): Promise<Sequenced<boolean>>;
  claim(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimAnswer[]>>;
  /** Only of a directory whose provider names its `rows` (D8). The sequence is the directory's. */
  claimAndLoad?(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimedRow[]>>;
  release(requests: readonly ReleaseRequest[]): Promise<Sequenced<readonly ReleaseAnswer[]>>;
  lookup(actors: readonly ActorAddress[]): Promise<Sequenced<readonly LookupAnswer[]>>;
  close(): Promise<void>;
}

/** What a deployment names: makes a session of the directory for one silo. */
export interface DirectoryProvider {
  readonly name: string;
  /** The storage of the same store, if it has one: a silo that is given both claims and loads in one step (D8). */
  readonly rows?: StorageProvider | undefined;
  open(environment: PortEnvironment): Promise<Directory>;
}
