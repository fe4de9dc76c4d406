// Everything that a Redis holds, as text that a person can read in a diff, and back.
import type { Redis } from "ioredis";
import { type Bytes, toBytes, toText } from "./text-bytes.ts";

type Dumped =
  | { readonly text: Bytes }
  | { readonly hash: readonly (readonly [field: string, value: Bytes])[] }
  | { readonly zset: readonly (readonly [member: string, score: string])[] }
  | { readonly set: readonly string[] };

export type RedisDump = Readonly<Record<string, Dumped>>;

export async function dumpRedis(raw: Redis): Promise<RedisDump> {
  const dump: Record<string, Dumped> = {};
  for (const key of (await raw.keys("*")).toSorted()) dump[key] = await dumpKey(raw, key);
  return dump;
}

async function dumpKey(raw: Redis, key: string): Promise<Dumped> {
  switch (await raw.type(key)) {
    case "string":
      return { text: toText((await raw.getBuffer(key))!) };
    case "hash": {
      const fields = Object.entries(await raw.hgetallBuffer(key)).toSorted(([a], [b]) =>
        a < b ? -1 : 1,
      );
      return { hash: fields.map(([field, value]) => [field, toText(value)]) };
    }
    case "zset": {
      const flat = await raw.zrange(key, "0", "-1", "WITHSCORES");
      return { zset: flat.flatMap((member, i) => (i % 2 ? [] : [[member, flat[i + 1]!]])) };
    }
    case "set":
      return { set: (await raw.smembers(key)).toSorted() };
    default:
      throw new Error(`${key} is of a type that we do not use`);
  }
}

export async function restoreRedis(raw: Redis, dump: RedisDump): Promise<void> {
  await raw.flushall();
  for (const [key, dumped] of Object.entries(dump)) {
    if ("text" in dumped) await raw.set(key, toBytes(dumped.text));
    else if ("hash" in dumped)
      await raw.hset(key, ...dumped.hash.flatMap(([field, value]) => [field, toBytes(value)]));
    else if ("zset" in dumped)
      await raw.zadd(key, ...dumped.zset.flatMap(([member, score]) => [score, member]));
    else await raw.sadd(key, ...dumped.set);
  }
}
