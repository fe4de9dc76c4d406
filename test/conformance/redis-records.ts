// The records that Redis holds, word by word, against what the models of the ports have. What the port cannot show is
// seen here: a field or a key too many, a number printed otherwise, a count of writes, a time to live.
import { deepStrictEqual } from "node:assert";
import {
  type DirectoryEntry,
  dueBucket,
  encodeActorKey,
  type MemberRecord,
  STATE_PART,
} from "@tenure/core/internal";
import type { DirectoryState, StorageState } from "@tenure/testing/internal";
import type { Redis } from "ioredis";

/** By key below the cluster's prefix: a text, a hash or a sorted set as the text of its fields, or a set as its members. */
type Records = Readonly<Record<string, unknown>>;

export async function compareDirectory(
  raw: Redis,
  cluster: string,
  model: DirectoryState,
  leaveOut: (key: string) => boolean = () => false,
): Promise<void> {
  const { members, swept, entries, sentinel, counter, writes } = model;
  const all = Object.entries(await recordsOf(raw, cluster));
  const found: Records = Object.fromEntries(all.filter(([key]) => !leaveOut(key)));
  // An index: it may name a member whose record is lost.
  const { members: index = [], ...records } = found;
  const unlisted = [...members.keys()].filter((name) => !(index as string[]).includes(name));
  deepStrictEqual(unlisted.toSorted(), [...swept].toSorted());
  const wanted: Record<string, unknown> = {};
  if (writes > 0)
    wanted["directory"] = {
      sequence: String(writes),
      ...(counter > 0 && { counter: String(counter) }),
      ...(sentinel && { storeId: sentinel.storeId, open: sentinel.open ? "1" : "0" }),
    };
  for (const [incarnation, member] of members) wanted[`member:${incarnation}`] = memberOf(member);
  for (const [name, entry] of entries) {
    const slash = name.indexOf("/");
    const actor = { type: name.slice(0, slash), id: name.slice(slash + 1) };
    wanted[`entry:${encodeActorKey(actor)}`] = entryOf(entry);
  }
  deepStrictEqual(records, wanted);
}

export async function compareStorage(
  raw: Redis,
  cluster: string,
  model: StorageState,
): Promise<void> {
  const wanted: Record<string, unknown> = {};
  if (model.writes > 0) wanted["storage"] = { sequence: String(model.writes) };
  for (const { actor, meta, parts } of model.rows.values()) {
    const key = encodeActorKey(actor);
    const texts = [...parts].map(
      ([name, bytes]) => [name, Buffer.from(bytes).toString("latin1")] as const,
    );
    const { [STATE_PART]: state, ...others } = Object.fromEntries(texts);
    const isSmall = state !== undefined && state.length <= 1_024;
    const holding = [isSmall ? "i" : state === undefined ? "" : "s"];
    if (Object.keys(others).length > 0) {
      holding.push("p");
      wanted[`parts:${key}`] = others;
    }
    const { format, generation, token, etag, version, due } = meta;
    const words = [format, generation, token, etag, version, holding.join("") || "-"];
    const line = [...words, ...(due === undefined ? [] : [due])].join(" ");
    wanted[`row:${key}`] = `${line}\n${isSmall ? state : ""}`;
    if (state !== undefined && !isSmall) wanted[`state:${key}`] = state;
    if (due === undefined) continue;
    const bucket = `due:${dueBucket(key)}`;
    wanted[bucket] = { ...(wanted[bucket] as object | undefined), [key]: due };
  }
  deepStrictEqual(await recordsOf(raw, cluster), wanted);
}

/** Of the storage's records: what it counts, and its rows. */
export function isOfStorage(key: string): boolean {
  return key === "storage" || /^(?:row|state|parts):/.test(key);
}

function memberOf(member: MemberRecord): Record<string, string> {
  const { name, rev, counter, state, protocol, types, roles, load } = member;
  return {
    name,
    rev: String(rev),
    counter: String(counter),
    state,
    protocol: String(protocol),
    types: JSON.stringify(types),
    roles: JSON.stringify(roles),
    load: String(load),
  };
}

function entryOf({ free, claims }: DirectoryEntry): string {
  const words = claims
    .toReversed()
    .map((claim) =>
      [claim.generation, claim.incarnation, claim.token, claim.reason, claim.counter].join(" "),
    );
  return [free ? "1" : "0", claims.length, ...words].join(" ");
}

async function recordsOf(raw: Redis, cluster: string): Promise<Records> {
  const prefix = `tenure:${cluster}:`;
  const records: Record<string, unknown> = {};
  for (const key of await raw.keys(`${prefix}*`)) {
    // D5: nothing has a time to live.
    deepStrictEqual({ key, ttl: await raw.ttl(key) }, { key, ttl: -1 });
    records[key.slice(prefix.length)] = await recordAt(raw, key);
  }
  return records;
}

async function recordAt(raw: Redis, key: string): Promise<unknown> {
  // The bytes of users come as they are.
  const encoding = /^tenure:[^:]+:(?:row|state|parts):/.test(key) ? "latin1" : "utf8";
  switch (await raw.type(key)) {
    case "string":
      return (await raw.getBuffer(key))!.toString(encoding);
    case "hash": {
      const fields = Object.entries(await raw.hgetallBuffer(key));
      return Object.fromEntries(fields.map(([name, value]) => [name, value.toString(encoding)]));
    }
    case "zset": {
      const pairs = await raw.zrange(key, "0", "-1", "WITHSCORES");
      const scores: Record<string, number> = {};
      for (let i = 0; i < pairs.length; i += 2) scores[pairs[i]!] = Number(pairs[i + 1]);
      return scores;
    }
    case "set":
      return await raw.smembers(key);
    default:
      throw new Error(`${key} is of a type that we do not use`);
  }
}
