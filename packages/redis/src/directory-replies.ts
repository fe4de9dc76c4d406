// What the directory's scripts answer, read into the answers of the port.
//   RR1. A record is checked again on its way out: what the scripts cannot judge (the JSON in it) may be damaged too.
//   RR2. A damaged member has no answer in a decision on it: the operation rejects with the reason. Elsewhere damage is an
//        item's own answer (D4).
import {
  type ClaimAnswer,
  type ClaimedRow,
  type ClaimNote,
  type ClaimRequest,
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
import { type Reply, unknownAnswer } from "./reply.ts";
import { readLoad } from "./storage-replies.ts";

/** As they were found: not yet checked. */
type ClaimWords = Readonly<Record<keyof ClaimNote, unknown>>;

export function readRegister(reply: Reply): RegisterAnswer {
  reply.list();
  const refusal = reply.text();
  switch (refusal) {
    case "ok":
      return {
        ok: true,
        member: memberOf(reply),
        sentinel: { storeId: reply.text(), open: reply.flag() },
      };
    case "dead":
      return { ok: false, refusal };
    case "name-taken":
    case "protocol":
      return { ok: false, refusal, holder: memberOf(reply) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readRenew(reply: Reply): RenewAnswer {
  reply.list();
  const refusal = reply.text();
  switch (refusal) {
    case "ok":
      return { ok: true, member: memberOf(reply) };
    case "absent":
      return { ok: false, refusal };
    case "dead":
    case "conflict":
      return { ok: false, refusal, member: memberOf(reply) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readMarkDead(reply: Reply): MarkDeadAnswer {
  reply.list();
  const refusal = reply.text();
  switch (refusal) {
    case "ok":
      return { ok: true, member: memberOf(reply) };
    case "absent":
      return { ok: false, refusal };
    case "conflict":
      return { ok: false, refusal, member: memberOf(reply) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readSweep(reply: Reply): SweepAnswer {
  reply.list();
  const refusal = reply.text();
  switch (refusal) {
    case "ok":
      return { ok: true, member: memberOf(reply) };
    case "absent":
      return { ok: false, refusal };
    case "not-dead":
      return { ok: false, refusal, member: memberOf(reply) };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readMembers(reply: Reply): MembersAnswer {
  reply.list();
  const storeId = reply.isNothing() ? undefined : reply.text();
  const open = reply.flag();
  const members: MemberRecord[] = [];
  const damaged: { key: string; problem: string }[] = [];
  for (let left = reply.list(); left > 0; left--) {
    reply.list();
    if (reply.isOk()) {
      const fields = reply.texts();
      const member = decodeMemberFields(fields);
      if (member instanceof DamagedRecord)
        damaged.push({ key: `member:${fields[0]!}`, problem: member.problem });
      else members.push(member);
      continue;
    }
    reply.text();
    damaged.push({ key: `member:${reply.text()}`, problem: reply.text() });
  }
  return { sentinel: storeId === undefined ? undefined : { storeId, open }, members, damaged };
}

export function readClaim(reply: Reply): ClaimAnswer {
  reply.list();
  if (reply.isOk()) return { ok: true, generation: reply.number(), counter: reply.number() };
  const refusal = reply.text();
  switch (refusal) {
    case "owned":
    case "owner-absent": {
      const entry = decodeEntryText(reply.text());
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
      return { ok: false, refusal, problem: reply.text() };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readClaimedRow(reply: Reply, { token }: ClaimRequest): ClaimedRow {
  reply.list();
  const claim = readClaim(reply);
  if (!claim.ok) return { claim, row: undefined };
  return { claim, row: readLoad(reply, { generation: claim.generation, token }) };
}

export function readRelease(reply: Reply): ReleaseAnswer {
  reply.list();
  if (reply.isOk()) return { ok: true };
  const refusal = reply.text();
  switch (refusal) {
    case "not-owner":
      return { ok: false, refusal };
    case "damaged":
      return { ok: false, refusal, problem: reply.text() };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readLookup(reply: Reply): LookupAnswer {
  const length = reply.list();
  if (!reply.isOk()) {
    reply.text();
    return { ok: false, refusal: "damaged", problem: reply.text() };
  }
  if (length === 1) return { ok: true, entry: undefined };
  const entry = decodeEntryText(reply.text());
  if (entry instanceof DamagedRecord)
    return { ok: false, refusal: "damaged", problem: entry.problem };
  return { ok: true, entry };
}

function memberOf(reply: Reply): MemberRecord {
  const member = decodeMemberFields(reply.texts());
  if (member instanceof DamagedRecord)
    throw new StoreUnavailableError(`a record is damaged and left as it is: ${member.problem}`);
  return member;
}

function decodeMemberFields(fields: readonly string[]): MemberRecord | DamagedRecord {
  const [incarnation, name, rev, counter, state, protocol, types, roles, load] = fields;
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

/** Its own fields are those of its newest claim; `claims` has the oldest first. */
function decodeEntryText(text: string): DirectoryEntry | DamagedRecord {
  const [free, count, ...words] = text.split(" ");
  if (words.length !== 5 * Number(count))
    return new DamagedRecord(`directory entry: not ${count} claims: ${JSON.stringify(text)}`);
  const claims: ClaimWords[] = [];
  for (let i = 0; i < words.length; i += 5) {
    const [generation, incarnation, token, reason, counter] = words.slice(i, i + 5);
    claims.unshift({
      generation: Number(generation),
      incarnation,
      token,
      reason,
      counter: Number(counter),
    });
  }
  const { incarnation, token, generation } = claims.at(-1) ?? {};
  return decodeEntry(
    JSON.stringify({ incarnation, token, generation, free: free === "1", claims }),
  );
}

/** JSON inside a record; what is none is left for the check of the whole record to refuse. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
