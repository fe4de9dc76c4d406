// What the directory's scripts answer, read into the answers of the port.
//   RR1. A record is checked again on its way out: what the scripts cannot judge (the JSON in it) may be damaged too.
//   RR2. A damaged member has no answer in a decision on it: the operation rejects with the reason. Elsewhere damage is an
//        item's own answer (D4).
import {
  type ClaimAnswer,
  DamagedRecord,
  decodeEntry,
  decodeMember,
  type DirectoryEntry,
  type LookupAnswer,
  type MarkDeadAnswer,
  type MemberRecord,
  type MembersAnswer,
  type RegisterAnswer,
  type ReleaseAnswer,
  type RenewAnswer,
  StoreUnavailableError,
  type SweepAnswer,
} from "@tenure/core/internal";
import { listOf, numberOf, type Reply, textOf } from "./reply.ts";

export function readRegister(reply: Reply): RegisterAnswer {
  const [kind, record, storeId, open] = listOf(reply);
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok":
      return {
        ok: true,
        member: memberOf(record),
        sentinel: { storeId: textOf(storeId), open: textOf(open) === "1" },
      };
    case "dead":
      return { ok: false, refusal };
    case "name-taken":
    case "protocol":
      return { ok: false, refusal, holder: memberOf(record) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readRenew(reply: Reply): RenewAnswer {
  const [kind, record] = listOf(reply);
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok":
      return { ok: true, member: memberOf(record) };
    case "absent":
      return { ok: false, refusal };
    case "dead":
    case "conflict":
      return { ok: false, refusal, member: memberOf(record) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readMarkDead(reply: Reply): MarkDeadAnswer {
  const [kind, record] = listOf(reply);
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok":
      return { ok: true, member: memberOf(record) };
    case "absent":
      return { ok: false, refusal };
    case "conflict":
      return { ok: false, refusal, member: memberOf(record) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readSweep(reply: Reply): SweepAnswer {
  const [kind, record] = listOf(reply);
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok":
      return { ok: true, member: memberOf(record) };
    case "absent":
      return { ok: false, refusal };
    case "not-dead":
      return { ok: false, refusal, member: memberOf(record) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readMembers(reply: Reply): MembersAnswer {
  const [storeId, open, found] = listOf(reply);
  const members: MemberRecord[] = [];
  const damaged: { key: string; problem: string }[] = [];
  for (const item of listOf(found)) {
    const [kind, record, problem] = listOf(item);
    if (textOf(kind) === "damaged") {
      damaged.push({ key: `member:${textOf(record)}`, problem: textOf(problem) });
      continue;
    }
    const member = decodeMemberReply(record);
    if (member instanceof DamagedRecord)
      damaged.push({ key: `member:${textOf(listOf(record)[0])}`, problem: member.problem });
    else members.push(member);
  }
  return {
    sentinel:
      storeId === null ? undefined : { storeId: textOf(storeId), open: textOf(open) === "1" },
    members,
    damaged,
  };
}

export function readClaim(reply: readonly Reply[]): ClaimAnswer {
  const [kind, detail, counter] = reply;
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok":
      return { ok: true, generation: numberOf(detail), counter: numberOf(counter) };
    case "owned":
    case "owner-absent": {
      const entry = decodeEntryReply(detail);
      if (entry instanceof DamagedRecord)
        return { ok: false, refusal: "damaged", problem: entry.problem };
      return { ok: false, refusal, entry };
    }
    case "changed":
    case "token-used":
    case "claimant-not-alive":
    case "closed":
      return { ok: false, refusal };
    case "damaged":
      return { ok: false, refusal, problem: textOf(detail) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readRelease(reply: readonly Reply[]): ReleaseAnswer {
  const [kind, problem] = reply;
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok":
      return { ok: true };
    case "not-owner":
      return { ok: false, refusal };
    case "damaged":
      return { ok: false, refusal, problem: textOf(problem) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readLookup(reply: readonly Reply[]): LookupAnswer {
  const [kind, detail] = reply;
  if (textOf(kind) === "damaged") return { ok: false, refusal: "damaged", problem: textOf(detail) };
  if (detail === undefined) return { ok: true, entry: undefined };
  const entry = decodeEntryReply(detail);
  if (entry instanceof DamagedRecord)
    return { ok: false, refusal: "damaged", problem: entry.problem };
  return { ok: true, entry };
}

function memberOf(reply: Reply | undefined): MemberRecord {
  const member = decodeMemberReply(reply);
  if (member instanceof DamagedRecord)
    throw new StoreUnavailableError(`a record is damaged and left as it is: ${member.problem}`);
  return member;
}

function decodeMemberReply(reply: Reply | undefined): MemberRecord | DamagedRecord {
  const [incarnation, name, rev, counter, state, protocol, types, roles, load] =
    listOf(reply).map(textOf);
  return decodeMember(
    JSON.stringify({
      incarnation,
      name,
      rev: Number(rev),
      counter: Number(counter),
      state,
      protocol: Number(protocol),
      types: parsed(types!),
      roles: parsed(roles!),
      load: Number(load),
    }),
  );
}

function decodeEntryReply(reply: Reply | undefined): DirectoryEntry | DamagedRecord {
  const [incarnation, token, generation, free, claims] = listOf(reply).map(textOf);
  const notes = parsed(claims!);
  return decodeEntry(
    JSON.stringify({
      incarnation,
      token,
      generation: Number(generation),
      free: free === "1",
      claims: Array.isArray(notes) ? notes.map(claimNote) : notes,
    }),
  );
}

function claimNote(note: unknown): unknown {
  if (!Array.isArray(note)) return note;
  const [generation, incarnation, token, reason, counter] = note as readonly unknown[];
  return { generation: Number(generation), incarnation, token, reason, counter: Number(counter) };
}

/** JSON inside a record; what is none is left for the check of the whole record to refuse. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unknownAnswer(kind: string): StoreUnavailableError {
  return new StoreUnavailableError(`redis: the answer ${kind} is unknown`);
}
