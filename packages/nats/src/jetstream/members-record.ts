// The record of a directory's members, sentinel and counter, at rest: JSON with a format number.
//   MR1. What is not exactly such a record decides nothing, and is left as it is: the caller gets no answer.
import { type Incarnation, type Sentinel, StoreUnavailableError } from "@tenure/core/internal";
import { isJson } from "./api.ts";

const FORMAT = 1;

export interface MembersRecord {
  sentinel: Sentinel | undefined;
  /** The highest generation ever granted. */
  counter: number;
  /** Each as core's records encode it. */
  readonly texts: Map<Incarnation, string>;
}

export function encodeMembers({ sentinel, counter, texts }: MembersRecord): Uint8Array {
  const members = Object.fromEntries(texts);
  return Buffer.from(JSON.stringify({ format: FORMAT, sentinel, counter, members }), "utf8");
}

/** @throws StoreUnavailableError (MR1) */
export function decodeMembers(bytes: Uint8Array | undefined): MembersRecord {
  if (!bytes) return { sentinel: undefined, counter: 0, texts: new Map() };
  const record = parsed(bytes);
  if (!isJson(record)) throw damaged("not an object");
  const { format, sentinel, counter, members } = record;
  if (typeof format === "number" && format > FORMAT)
    throw new StoreUnavailableError(
      `the members' record has format ${format}, and this version knows ${FORMAT}; it is left as it is`,
    );
  if (format !== FORMAT) throw damaged(`format is ${JSON.stringify(format)}`);
  if (!Number.isSafeInteger(counter) || Number(counter) < 0)
    throw damaged(`counter is ${JSON.stringify(counter)}`);
  if (sentinel !== undefined && !isSentinel(sentinel))
    throw damaged(`sentinel is ${JSON.stringify(sentinel)}`);
  if (!isJson(members) || !Object.values(members).every((text) => typeof text === "string"))
    throw damaged("members are not texts by incarnation");
  return {
    sentinel,
    counter: Number(counter),
    texts: new Map(Object.entries(members as Readonly<Record<string, string>>)),
  };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw damaged("not JSON");
  }
}

function isSentinel(value: unknown): value is Sentinel {
  return (
    isJson(value) && typeof value["storeId"] === "string" && typeof value["open"] === "boolean"
  );
}

function damaged(problem: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `the members' record is damaged and left as it is: ${problem}; nothing is decided before it is mended, or removed with nothing running`,
  );
}
