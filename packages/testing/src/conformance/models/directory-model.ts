// The model of a directory: a value, and what each request makes of it. Decided by ownership-rules over maps, and by
// nothing else; everything that a store might get wrong between the rules and its records is absent here.
import { isDeepStrictEqual } from "node:util";
import {
  type ClaimAnswer,
  type ClaimRequest,
  type DirectoryEntry,
  formatActor,
  type Incarnation,
  type MarkDeadAnswer,
  type MarkDeadRequest,
  type MemberRecord,
  type OwnershipRules,
  PROTOCOL_VERSION,
  type RegisterAnswer,
  type RegisterRequest,
  type ReleaseAnswer,
  type ReleaseRequest,
  type RenewAnswer,
  type RenewRequest,
  type Sentinel,
  type SweepAnswer,
  type SweepRequest,
} from "@tenure/core/internal";

export interface DirectoryState {
  readonly sentinel: Sentinel | undefined;
  /** The highest generation that was granted to anyone. */
  readonly counter: number;
  readonly members: ReadonlyMap<Incarnation, MemberRecord>;
  /** Of the dead, those that are not listed any more. */
  readonly swept: ReadonlySet<Incarnation>;
  /** By formatActor. */
  readonly entries: ReadonlyMap<string, DirectoryEntry>;
  /** How many operations changed something. */
  readonly writes: number;
}

export const EMPTY_DIRECTORY: DirectoryState = {
  sentinel: undefined,
  counter: 0,
  members: new Map(),
  swept: new Set(),
  entries: new Map(),
  writes: 0,
};

export type DirectoryAsk =
  | { readonly op: "register"; readonly request: RegisterRequest }
  | { readonly op: "renew"; readonly request: RenewRequest }
  | { readonly op: "markDead"; readonly request: MarkDeadRequest }
  | { readonly op: "sweep"; readonly request: SweepRequest }
  | { readonly op: "open"; readonly request: { readonly storeId: string } }
  | { readonly op: "claim"; readonly request: ClaimRequest }
  | { readonly op: "release"; readonly request: ReleaseRequest };

export type DirectoryReply =
  | RegisterAnswer
  | RenewAnswer
  | MarkDeadAnswer
  | SweepAnswer
  | boolean
  | ClaimAnswer
  | ReleaseAnswer;

/** One request and what became of it. `after` is `before` itself if nothing changed. */
export interface DirectoryStep {
  readonly before: DirectoryState;
  readonly ask: DirectoryAsk;
  readonly answer: DirectoryReply;
  readonly after: DirectoryState;
}

/** `named` is looked at first: where several members keep a newcomer out, a store may name any of them. */
export function decideDirectory(
  before: DirectoryState,
  ask: DirectoryAsk,
  rules: OwnershipRules,
  named?: Incarnation,
): DirectoryStep {
  const { answer, changes } = decide(before, ask, rules, named);
  const after = { ...before, ...changes };
  return { before, ask, answer, after: isDeepStrictEqual(after, before) ? before : after };
}

interface Decided {
  readonly answer: DirectoryReply;
  readonly changes?: Partial<DirectoryState>;
}

function decide(
  state: DirectoryState,
  { op, request }: DirectoryAsk,
  rules: OwnershipRules,
  named: Incarnation | undefined,
): Decided {
  const { members, entries, sentinel, counter } = state;
  switch (op) {
    case "register": {
      const first = named === undefined ? undefined : members.get(named);
      const seen = first ? [first, ...members.values()] : [...members.values()];
      const answer = rules.decideRegister(seen, sentinel, request);
      if (!answer.ok) return { answer };
      return {
        answer,
        changes: { sentinel: answer.sentinel, members: withMember(state, answer.member) },
      };
    }
    case "renew":
    case "markDead": {
      const record = members.get(request.incarnation);
      const answer =
        op === "renew" ? rules.decideRenew(record, request) : rules.decideMarkDead(record, request);
      return answer.ok
        ? { answer, changes: { members: withMember(state, answer.member) } }
        : { answer };
    }
    case "sweep": {
      const { incarnation } = request;
      const answer = rules.decideSweep(members.get(incarnation));
      return answer.ok
        ? { answer, changes: { swept: new Set([...state.swept, incarnation]) } }
        : { answer };
    }
    case "open": {
      const { storeId } = request;
      if (sentinel?.storeId !== storeId) return { answer: false };
      return { answer: true, changes: { sentinel: { storeId, open: true } } };
    }
    case "claim": {
      const entry = entries.get(formatActor(request.actor));
      const owner = entry && members.get(entry.incarnation);
      const claimant = members.get(request.incarnation);
      const decision = rules.decideClaim({ sentinel, counter, entry, owner, claimant }, request);
      return {
        answer: decision.answer,
        changes: {
          counter: decision.counter ?? counter,
          members: decision.claimant ? withMember(state, decision.claimant) : members,
          entries: withEntry(state, formatActor(request.actor), decision.entry),
        },
      };
    }
    case "release": {
      const key = formatActor(request.actor);
      const { answer, entry } = rules.decideRelease(entries.get(key), request);
      return { answer, changes: { entries: withEntry(state, key, entry) } };
    }
  }
}

// ---- what happens to a directory from outside -----------------------------------------------------------------------

/** A member record is gone without a trace (R16). */
export function withoutMember(state: DirectoryState, incarnation: Incarnation): DirectoryState {
  const members = new Map(state.members);
  members.delete(incarnation);
  const swept = new Set([...state.swept].filter((other) => other !== incarnation));
  return { ...state, members, swept };
}

/** A silo of another version, which could not have registered beside the others. */
export function withForeigner(state: DirectoryState, incarnation: Incarnation): DirectoryState {
  const member = state.members.get(incarnation);
  if (!member) return state;
  return { ...state, members: withMember(state, { ...member, protocol: PROTOCOL_VERSION + 1 }) };
}

/** What a store knows that only one process can have at a time: whoever opens it has proof that all others are dead. */
export function withEveryoneDead(state: DirectoryState): DirectoryState {
  const members = new Map<Incarnation, MemberRecord>();
  for (const [incarnation, was] of state.members) {
    const dead = { ...was, rev: was.rev + 1, state: "dead", load: 0 } as const;
    members.set(incarnation, was.state === "dead" ? was : dead);
  }
  return { ...state, members, sentinel: state.sentinel && { ...state.sentinel, open: true } };
}

function withMember({ members }: DirectoryState, member: MemberRecord): DirectoryState["members"] {
  return new Map(members).set(member.incarnation, member);
}

function withEntry(
  { entries }: DirectoryState,
  key: string,
  entry: DirectoryEntry | undefined,
): DirectoryState["entries"] {
  return entry ? new Map(entries).set(key, entry) : entries;
}
