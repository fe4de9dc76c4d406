// Every decision about who owns an actor and which save counts, written once, as pure functions of (record, request).
// A store with transactions runs them inside one; Redis states them again in Lua, and a property test compares every
// answer. Nothing here reads a clock: no server-side TTL decides anything (R4).
//   O1. dead is monotone: a dead record never becomes alive again (I5, R3).
//   O2. a claim names what it displaces, and only a free entry, the claimant's own or one of a dead incarnation can be
//       displaced; the claimant itself must be alive (R2, R16, R18).
//   O3. generation = max(store counter, entry, floor) + 1: it never goes back (I7, R15).
//   O4. the row's token and generation change only by load, and only upwards (I1).
//   O5. a save counts only with the row's token, generation and etag; it never creates a row (R1, R9).
//   O6. every decision is idempotent by the id in its request: the same request again gets the same answer (R8).
// Leases: Gray and Cheriton 1989. Fencing: Burrows (Chubby) 2006, Kleppmann 2016.
import type { ActorAddress } from "./actor-id.ts";
import type { Incarnation } from "./silo-id.ts";

/** The version of everything that silos say to each other and to stores. A silo refuses a cluster with another one. */
export const PROTOCOL_VERSION = 1;
/** The format of a row. A reader refuses a newer one and leaves its bytes untouched. */
export const ROW_FORMAT = 1;
/** How many past claims an entry remembers. */
export const CLAIMS_KEPT = 8;

// ---- members -------------------------------------------------------------------------------------------------------

export type MemberState = "alive" | "draining" | "dead";

export interface MemberRecord {
  readonly incarnation: Incarnation;
  /** The silo's configured name; the same over restarts. Empty in a record that only says that an incarnation is dead. */
  readonly name: string;
  /** Raised by each renewal: what observers watch. */
  readonly rev: number;
  /** Raised by each renewal and each claim: how a silo sees that the directory lost writes (R14). */
  readonly counter: number;
  readonly state: MemberState;
  readonly protocol: number;
  /** Actor type → class version. */
  readonly types: Readonly<Record<string, number>>;
  readonly roles: readonly string[];
  /** Activations held, as of the last renewal. */
  readonly load: number;
}

/** Says whether the directory's absent entries can be trusted (R13). */
export interface Sentinel {
  readonly storeId: string;
  readonly open: boolean;
}

export interface RegisterRequest {
  readonly incarnation: Incarnation;
  readonly name: string;
  readonly types: Readonly<Record<string, number>>;
  readonly roles: readonly string[];
  readonly protocol: number;
  /** Becomes the store's id if it has none. */
  readonly proposedStoreId: string;
  /** The caller declares the directory new: a missing sentinel is made open at once. */
  readonly bootstrap: boolean;
}

export type RegisterAnswer =
  | { readonly ok: true; readonly member: MemberRecord; readonly sentinel: Sentinel }
  | { readonly ok: false; readonly refusal: "dead" }
  | { readonly ok: false; readonly refusal: "name-taken"; readonly holder: MemberRecord }
  | { readonly ok: false; readonly refusal: "protocol"; readonly holder: MemberRecord };

export function decideRegister(
  members: Iterable<MemberRecord>,
  sentinel: Sentinel | undefined,
  request: RegisterRequest,
): RegisterAnswer {
  let own: MemberRecord | undefined;
  let namesake: MemberRecord | undefined;
  let foreign: MemberRecord | undefined;
  for (const member of members) {
    if (member.incarnation === request.incarnation) own = member;
    else if (member.state === "dead") continue;
    else if (member.protocol !== request.protocol) foreign ??= member;
    else if (member.name === request.name) namesake ??= member;
  }
  if (own?.state === "dead") return { ok: false, refusal: "dead" };
  if (foreign) return { ok: false, refusal: "protocol", holder: foreign };
  if (namesake) return { ok: false, refusal: "name-taken", holder: namesake };
  return {
    ok: true,
    sentinel: sentinel ?? { storeId: request.proposedStoreId, open: request.bootstrap },
    member: own ?? {
      incarnation: request.incarnation,
      name: request.name,
      rev: 1,
      counter: 1,
      state: "alive",
      protocol: request.protocol,
      types: request.types,
      roles: request.roles,
      load: 0,
    },
  };
}

export interface RenewRequest {
  readonly incarnation: Incarnation;
  readonly expectedRev: number;
  readonly load: number;
  readonly state: "alive" | "draining";
}

export type RenewAnswer =
  | { readonly ok: true; readonly member: MemberRecord }
  | { readonly ok: false; readonly refusal: "absent" }
  | { readonly ok: false; readonly refusal: "dead" | "conflict"; readonly member: MemberRecord };

/** A compare-and-set of rev to rev + 1. */
export function decideRenew(record: MemberRecord | undefined, request: RenewRequest): RenewAnswer {
  if (!record) return { ok: false, refusal: "absent" };
  if (record.state === "dead") return { ok: false, refusal: "dead", member: record };
  if (record.rev !== request.expectedRev) return { ok: false, refusal: "conflict", member: record };
  return {
    ok: true,
    member: {
      ...record,
      rev: record.rev + 1,
      counter: record.counter + 1,
      load: request.load,
      // Draining is not undone by a renewal that was sent before it.
      state: record.state === "draining" ? "draining" : request.state,
    },
  };
}

export interface MarkDeadRequest {
  readonly incarnation: Incarnation;
  /** The rev that was watched; "absent" creates the record as dead (R16). */
  readonly expectedRev: number | "absent";
}

export type MarkDeadAnswer =
  | { readonly ok: true; readonly member: MemberRecord }
  | { readonly ok: false; readonly refusal: "absent" }
  | { readonly ok: false; readonly refusal: "conflict"; readonly member: MemberRecord };

export function decideMarkDead(
  record: MemberRecord | undefined,
  request: MarkDeadRequest,
): MarkDeadAnswer {
  if (!record) {
    if (request.expectedRev !== "absent") return { ok: false, refusal: "absent" };
    return {
      ok: true,
      member: {
        incarnation: request.incarnation,
        name: "",
        rev: 1,
        counter: 1,
        state: "dead",
        protocol: PROTOCOL_VERSION,
        types: {},
        roles: [],
        load: 0,
      },
    };
  }
  if (record.state === "dead") return { ok: true, member: record };
  if (record.rev !== request.expectedRev) return { ok: false, refusal: "conflict", member: record };
  return { ok: true, member: { ...record, rev: record.rev + 1, state: "dead", load: 0 } };
}

export interface SweepRequest {
  readonly incarnation: Incarnation;
}

export type SweepAnswer =
  | { readonly ok: true; readonly member: MemberRecord }
  | { readonly ok: false; readonly refusal: "absent" }
  | { readonly ok: false; readonly refusal: "not-dead"; readonly member: MemberRecord };

/** The list of members goes on without a dead one. Its record stays, so that it stays dead for whoever asks for it by name. */
export function decideSweep(record: MemberRecord | undefined): SweepAnswer {
  if (!record) return { ok: false, refusal: "absent" };
  return record.state === "dead"
    ? { ok: true, member: record }
    : { ok: false, refusal: "not-dead", member: record };
}

// ---- entries -------------------------------------------------------------------------------------------------------

export interface ClaimNote {
  readonly generation: number;
  readonly incarnation: Incarnation;
  readonly token: string;
  readonly reason: ClaimReason;
  /** The claimant's own counter after this claim: the claim's place among all that the claimant wrote (R14). */
  readonly counter: number;
}

/** Why an actor was claimed: first call, after its owner's death, again by its owner, above a stored fence. */
export type ClaimReason = "call" | "takeover" | "reactivate" | "above-fence" | "recovery";

/** Who owns an actor. Once made it stays, free or owned, and remembers its last claims. */
export interface DirectoryEntry {
  readonly incarnation: Incarnation;
  readonly token: string;
  readonly generation: number;
  /** True after a release: nobody owns the actor; the other fields say who did last. */
  readonly free: boolean;
  readonly claims: readonly ClaimNote[];
}

export interface ClaimRequest {
  readonly actor: ActorAddress;
  readonly incarnation: Incarnation;
  readonly token: string;
  /** What the claim displaces: nothing, or the claim of that token as the claimant saw it (R2). */
  readonly expected: "free" | { readonly token: string };
  /** The new generation will be higher than this. */
  readonly floor: number;
  readonly reason: ClaimReason;
}

export type ClaimAnswer =
  /** `counter`: the claim's place among the claimant's writes, the same when it is sent again. */
  | { readonly ok: true; readonly generation: number; readonly counter: number }
  /** The entry is not, or no longer, what the claim expected, or its owner is not dead. */
  | { readonly ok: false; readonly refusal: "owned"; readonly entry: DirectoryEntry }
  /** The owner has no member record: wait a TTL, mark it dead, claim again (R16). */
  | { readonly ok: false; readonly refusal: "owner-absent"; readonly entry: DirectoryEntry }
  /** The claim expected an owner and the entry is free or absent by now. */
  | { readonly ok: false; readonly refusal: "changed" }
  /** This token was used before: a late duplicate. */
  | { readonly ok: false; readonly refusal: "token-used" }
  | { readonly ok: false; readonly refusal: "claimant-not-alive" }
  /** The directory may have lost entries and is not open yet (R13). */
  | { readonly ok: false; readonly refusal: "closed" }
  | { readonly ok: false; readonly refusal: "damaged"; readonly problem: string };

export interface ClaimView {
  readonly sentinel: Sentinel | undefined;
  /** The highest generation that this store has granted to anyone. */
  readonly counter: number;
  readonly entry: DirectoryEntry | undefined;
  /** The member record of the entry's incarnation. */
  readonly owner: MemberRecord | undefined;
  readonly claimant: MemberRecord | undefined;
}

/** What a claim changes: the entry, the store's counter, and the claimant's own counter. */
export type ClaimDecision = {
  readonly answer: ClaimAnswer;
  readonly entry?: DirectoryEntry;
  readonly counter?: number;
  readonly claimant?: MemberRecord;
};

export function decideClaim(view: ClaimView, request: ClaimRequest): ClaimDecision {
  const { entry, claimant } = view;
  if (claimant?.state !== "alive") return refuse({ ok: false, refusal: "claimant-not-alive" });
  if (entry && !entry.free && entry.token === request.token) {
    const own = entry.claims.find((claim) => claim.token === request.token);
    const counter = own?.counter ?? claimant.counter;
    return refuse({ ok: true, generation: entry.generation, counter });
  }
  if (entry?.claims.some((claim) => claim.token === request.token))
    return refuse({ ok: false, refusal: "token-used" });
  if (!entry && !view.sentinel?.open) return refuse({ ok: false, refusal: "closed" });

  if (entry && !entry.free) {
    if (request.expected === "free" || request.expected.token !== entry.token)
      return refuse({ ok: false, refusal: "owned", entry });
    if (entry.incarnation !== request.incarnation) {
      if (!view.owner) return refuse({ ok: false, refusal: "owner-absent", entry });
      if (view.owner.state !== "dead") return refuse({ ok: false, refusal: "owned", entry });
    }
  } else if (request.expected !== "free") return refuse({ ok: false, refusal: "changed" });

  const generation = Math.max(view.counter, entry?.generation ?? 0, request.floor) + 1;
  const counter = claimant.counter + 1;
  const note: ClaimNote = {
    generation,
    incarnation: request.incarnation,
    token: request.token,
    reason: request.reason,
    counter,
  };
  return {
    answer: { ok: true, generation, counter },
    counter: generation,
    claimant: { ...claimant, counter },
    entry: {
      incarnation: request.incarnation,
      token: request.token,
      generation,
      free: false,
      claims: [...(entry?.claims ?? []), note].slice(-CLAIMS_KEPT),
    },
  };
}

function refuse(answer: ClaimAnswer): ClaimDecision {
  return { answer };
}

export interface ReleaseRequest {
  readonly actor: ActorAddress;
  readonly token: string;
}

export type ReleaseAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly refusal: "not-owner" }
  | { readonly ok: false; readonly refusal: "damaged"; readonly problem: string };

export function decideRelease(
  entry: DirectoryEntry | undefined,
  request: ReleaseRequest,
): { readonly answer: ReleaseAnswer; readonly entry?: DirectoryEntry } {
  if (!entry || entry.token !== request.token)
    return { answer: { ok: false, refusal: "not-owner" } };
  if (entry.free) return { answer: { ok: true } };
  return { answer: { ok: true }, entry: { ...entry, free: true } };
}

// ---- rows ----------------------------------------------------------------------------------------------------------

/** All of a row but its parts. One fence covers all parts (R10). */
export interface RowMeta {
  readonly format: number;
  readonly generation: number;
  readonly token: string;
  /** Unique per save, for ever; empty before the first save. */
  readonly etag: string;
  /** How many saves were accepted. */
  readonly version: number;
  /** When the actor must next be woken, wall milliseconds. */
  readonly due: number | undefined;
}

export interface LoadRequest {
  readonly actor: ActorAddress;
  readonly generation: number;
  readonly token: string;
}

export type RowRefusal =
  | { readonly ok: false; readonly refusal: "fenced"; readonly generation: number }
  | { readonly ok: false; readonly refusal: "newer-format"; readonly format: number }
  | { readonly ok: false; readonly refusal: "damaged"; readonly problem: string };

/** Raises the fence, and creates the row if it is absent. The new meta is written before any data is returned. */
export function decideLoad(
  row: RowMeta | undefined,
  request: LoadRequest,
): { readonly ok: true; readonly meta: RowMeta } | RowRefusal {
  if (row && row.format > ROW_FORMAT)
    return { ok: false, refusal: "newer-format", format: row.format };
  if (
    row &&
    (row.generation > request.generation ||
      (row.generation === request.generation && row.token !== request.token))
  )
    return { ok: false, refusal: "fenced", generation: row.generation };
  return {
    ok: true,
    meta: {
      format: ROW_FORMAT,
      generation: request.generation,
      token: request.token,
      etag: row?.etag ?? "",
      version: row?.version ?? 0,
      due: row?.due,
    },
  };
}

export interface SaveRequest {
  readonly actor: ActorAddress;
  readonly generation: number;
  readonly token: string;
  /** The etag of the row that this save was computed from (I2). */
  readonly etag: string;
  readonly newEtag: string;
  readonly put: ReadonlyMap<string, Uint8Array>;
  readonly del: readonly string[];
  readonly due: number | undefined;
}

export type SaveAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly refusal: "conflict"; readonly etag: string }
  /** The row with what was to be saved is more than the store holds of one actor. Nothing was saved. */
  | { readonly ok: false; readonly refusal: "too-large"; readonly problem: string }
  | RowRefusal;

/** `meta` is present when the save is to be applied now; an OK without it was applied before (R8). */
export function decideSave(
  row: RowMeta | undefined,
  request: Omit<SaveRequest, "put" | "del" | "actor">,
): { readonly answer: SaveAnswer; readonly meta?: RowMeta } {
  if (row && row.etag === request.newEtag) return { answer: { ok: true } };
  if (!row || row.generation !== request.generation || row.token !== request.token)
    return { answer: { ok: false, refusal: "fenced", generation: row?.generation ?? 0 } };
  if (row.etag !== request.etag)
    return { answer: { ok: false, refusal: "conflict", etag: row.etag } };
  return {
    answer: { ok: true },
    meta: { ...row, etag: request.newEtag, version: row.version + 1, due: request.due },
  };
}

/** Whether the row still holds this claim's token. */
export function decideVerify(
  row: RowMeta | undefined,
  request: Pick<LoadRequest, "generation" | "token">,
): boolean {
  return row !== undefined && row.generation === request.generation && row.token === request.token;
}

// ---- all of them, as one value -------------------------------------------------------------------------------------

/** The decisions as a value: stores that run them take it as an argument, so that a simulation can hand in broken ones. */
export interface OwnershipRules {
  readonly decideRegister: typeof decideRegister;
  readonly decideRenew: typeof decideRenew;
  readonly decideMarkDead: typeof decideMarkDead;
  readonly decideSweep: typeof decideSweep;
  readonly decideClaim: typeof decideClaim;
  readonly decideRelease: typeof decideRelease;
  readonly decideLoad: typeof decideLoad;
  readonly decideSave: typeof decideSave;
  readonly decideVerify: typeof decideVerify;
}

export const ownershipRules: OwnershipRules = {
  decideRegister,
  decideRenew,
  decideMarkDead,
  decideSweep,
  decideClaim,
  decideRelease,
  decideLoad,
  decideSave,
  decideVerify,
};
