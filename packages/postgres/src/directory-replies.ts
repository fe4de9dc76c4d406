// What the directory's functions answer, read into the answers of the port.
//   PR1. A record is checked again on its way out: what the functions do not look at may be damaged too.
//   PR2. A damaged member has no answer in a decision on it: the operation rejects with the reason. Elsewhere damage is an
//        item's own answer (D4).
import {
  type ClaimAnswer,
  DamagedRecord,
  decodeEntry,
  decodeMember,
  type LookupAnswer,
  type MarkDeadAnswer,
  type MemberRecord,
  type MembersAnswer,
  type RegisterAnswer,
  type ReleaseAnswer,
  type RenewAnswer,
  type Sentinel,
  StoreUnavailableError,
  type SweepAnswer,
} from "@tenure/core/internal";
import { type SqlRow, textOf } from "./sql.ts";

export function readRegister(row: SqlRow): RegisterAnswer {
  switch (row["kind"]) {
    case "ok":
      return { ok: true, member: memberOf(row), sentinel: sentinelOf(row)! };
    case "dead":
      return { ok: false, refusal: "dead" };
    case "name-taken":
    case "protocol":
      return { ok: false, refusal: row["kind"], holder: memberOf(row) };
    default:
      throw unknownAnswer(row);
  }
}

export function readRenew(row: SqlRow): RenewAnswer {
  switch (row["kind"]) {
    case "ok":
      return { ok: true, member: memberOf(row) };
    case "absent":
      return { ok: false, refusal: "absent" };
    case "dead":
    case "conflict":
      return { ok: false, refusal: row["kind"], member: memberOf(row) };
    default:
      throw unknownAnswer(row);
  }
}

export function readMarkDead(row: SqlRow): MarkDeadAnswer {
  switch (row["kind"]) {
    case "ok":
      return { ok: true, member: memberOf(row) };
    case "absent":
      return { ok: false, refusal: "absent" };
    case "conflict":
      return { ok: false, refusal: "conflict", member: memberOf(row) };
    default:
      throw unknownAnswer(row);
  }
}

export function readSweep(row: SqlRow): SweepAnswer {
  switch (row["kind"]) {
    case "ok":
      return { ok: true, member: memberOf(row) };
    case "absent":
      return { ok: false, refusal: "absent" };
    case "not-dead":
      return { ok: false, refusal: "not-dead", member: memberOf(row) };
    default:
      throw unknownAnswer(row);
  }
}

/** One row per member; a single one without a member where there is none. */
export function readMembers(rows: readonly SqlRow[]): MembersAnswer {
  const members: MemberRecord[] = [];
  const damaged: { key: string; problem: string }[] = [];
  for (const row of rows) {
    if (row["incarnation"] === null) continue;
    const member = decodeMember(row["member"]);
    const problem = row["problem"] ?? (member instanceof DamagedRecord ? member.problem : null);
    if (problem !== null)
      damaged.push({ key: `member:${textOf(row["incarnation"])}`, problem: textOf(problem) });
    else members.push(member as MemberRecord);
  }
  return { sentinel: sentinelOf(rows[0]!), members, damaged };
}

export function readClaim(row: SqlRow): ClaimAnswer {
  const refusal = row["kind"];
  switch (refusal) {
    case "ok":
      return { ok: true, generation: Number(row["granted"]), counter: Number(row["place"]) };
    case "owned":
    case "owner-absent": {
      const entry = decodeEntry(row["entry"]);
      if (entry instanceof DamagedRecord) return damagedAnswer(entry.problem);
      return { ok: false, refusal, entry };
    }
    case "changed":
    case "token-used":
    case "claimant-not-alive":
    case "closed":
      return { ok: false, refusal };
    case "damaged":
      return damagedAnswer(row["problem"]);
    default:
      throw unknownAnswer(row);
  }
}

export function readRelease(row: SqlRow): ReleaseAnswer {
  switch (row["kind"]) {
    case "ok":
      return { ok: true };
    case "not-owner":
      return { ok: false, refusal: "not-owner" };
    case "damaged":
      return damagedAnswer(row["problem"]);
    default:
      throw unknownAnswer(row);
  }
}

export function readLookup(row: SqlRow): LookupAnswer {
  if (row["problem"] !== null) return damagedAnswer(row["problem"]);
  if (row["entry"] === null) return { ok: true, entry: undefined };
  const entry = decodeEntry(row["entry"]);
  return entry instanceof DamagedRecord ? damagedAnswer(entry.problem) : { ok: true, entry };
}

function sentinelOf(row: SqlRow): Sentinel | undefined {
  const storeId = row["store_id"];
  return typeof storeId === "string" ? { storeId, open: row["open"] === true } : undefined;
}

function memberOf(row: SqlRow): MemberRecord {
  const member = decodeMember(row["member"]);
  if (member instanceof DamagedRecord)
    throw new StoreUnavailableError(`a record is damaged and left as it is: ${member.problem}`);
  return member;
}

function damagedAnswer(problem: unknown): {
  readonly ok: false;
  readonly refusal: "damaged";
  readonly problem: string;
} {
  return { ok: false, refusal: "damaged", problem: textOf(problem) };
}

export function unknownAnswer(row: SqlRow): StoreUnavailableError {
  return new StoreUnavailableError(`postgres: the answer ${textOf(row["kind"])} is unknown`);
}
