// Records at rest: members and entries as JSON, and the checks that every record passes on its way back.
//   C1. What is read is checked in full: a record that is not exactly one of ours is damaged, never half understood.
//   C2. A damaged record is a value, so that one of them spoils no other answer (D4), and nobody writes over it (S5).
//   C3. A field that a later version added is no damage: it is left out.
import { isEndpointAddress } from "./silo-id.ts";
import type { ClaimNote, DirectoryEntry, MemberRecord, RowMeta } from "./ownership-rules.ts";

/** A record that cannot be read, and why. */
export class DamagedRecord {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

export function encodeMember(member: MemberRecord): string {
  return JSON.stringify(member);
}

export function decodeMember(text: unknown): MemberRecord | DamagedRecord {
  return decodeJson(text, "member record", MEMBER);
}

export function encodeEntry(entry: DirectoryEntry): string {
  return JSON.stringify(entry);
}

export function decodeEntry(text: unknown): DirectoryEntry | DamagedRecord {
  return decodeJson(text, "directory entry", ENTRY);
}

/** Checks a row's fields as a store read them; `null` stands for no due time. */
export function checkRowMeta(
  fields: Readonly<Record<string, unknown>>,
  newestFormat: number,
): RowMeta | DamagedRecord {
  // Of a newer row only its format is sure, and that is all that a refusal needs. A save of the claim that it displaced
  // is fenced by the generation, if that is still where it was.
  const { format } = fields;
  if (isCount(format) && format > newestFormat) {
    const generation = isCount(fields["generation"]) ? fields["generation"] : 0;
    return { format, generation, token: "", etag: "", version: 0, due: undefined };
  }
  const problem = firstProblem(fields, ROW);
  if (problem !== undefined) return new DamagedRecord(`row: ${problem}`);
  const { generation, token, etag, version, due } = fields as unknown as RowMeta;
  return { format: format as number, generation, token, etag, version, due: due ?? undefined };
}

type Check = (value: unknown) => boolean;
type Shape<T> = { readonly [K in keyof T]-?: Check };

const isText: Check = (value) => typeof value === "string";
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isNamed: Check = (value) => typeof value === "string" && value.length > 0;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const MEMBER: Shape<MemberRecord> = {
  incarnation: isEndpointAddress,
  name: isText,
  rev: isCount,
  counter: isCount,
  state: (value) => value === "alive" || value === "draining" || value === "dead",
  protocol: isCount,
  types: (value) => isRecord(value) && Object.values(value).every(Number.isFinite),
  roles: listOf(isText),
  load: Number.isFinite,
};

const CLAIM: Shape<ClaimNote> = {
  generation: isCount,
  incarnation: isEndpointAddress,
  token: isNamed,
  reason: isText,
  counter: isCount,
};

const ENTRY: Shape<DirectoryEntry> = {
  incarnation: isEndpointAddress,
  token: isNamed,
  generation: isCount,
  free: (value) => typeof value === "boolean",
  claims: listOf((value) => isRecord(value) && firstProblem(value, CLAIM) === undefined),
};

const ROW: Shape<RowMeta> = {
  format: isCount,
  generation: isCount,
  token: isNamed,
  etag: isText,
  version: isCount,
  due: (value) => value === undefined || value === null || Number.isFinite(value),
};

function firstProblem<T>(
  record: Readonly<Record<string, unknown>>,
  shape: Shape<T>,
): string | undefined {
  for (const field of Object.keys(shape) as (keyof T & string)[])
    if (!shape[field](record[field])) return `${field} is ${JSON.stringify(record[field])}`;
  return undefined;
}

function decodeJson<T>(text: unknown, what: string, shape: Shape<T>): T | DamagedRecord {
  if (typeof text !== "string") return new DamagedRecord(`${what}: not text`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new DamagedRecord(`${what}: not JSON`);
  }
  if (!isRecord(value)) return new DamagedRecord(`${what}: not an object`);
  const problem = firstProblem(value, shape);
  if (problem !== undefined) return new DamagedRecord(`${what}: ${problem}`);
  const known: Record<string, unknown> = {};
  for (const field of Object.keys(shape)) known[field] = value[field];
  return known as T;
}
