// Today's code on what Redis held for every release that ever was.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { redis } from "@tenure/redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { complaintsOn } from "./check-release.ts";
import { dumpRedis, type RedisDump, restoreRedis } from "./redis-dump.ts";
import { withFile } from "./releases.ts";

let server: RedisServer;
let raw: Redis;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.port, "127.0.0.1");
});
afterAll(async () => {
  raw?.disconnect();
  await server?.stop();
});

test.for(withFile("redis.json"))(
  "what Redis held for %s opens, and shows what was stored in it",
  async ([, release]) => {
    const dump = JSON.parse(readFileSync(join(release.dir, "redis.json"), "utf8")) as RedisDump;
    await restoreRedis(raw, dump);
    expect(await dumpRedis(raw)).toEqual(dump);
    expect(await complaintsOn(redis({ url: server.url }), release)).toEqual([]);
  },
);
