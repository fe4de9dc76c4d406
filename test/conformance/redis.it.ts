// Redis through the exported conformance and model suites, on a private server. Redis alone states the ownership rules a
// second time, in Lua: against the models, which decide by the rules themselves, every answer and every record is compared.
import { type ActorAddress, encodeActorKey, PROTOCOL_VERSION } from "@tenure/core/internal";
import { redis } from "@tenure/redis";
import {
  claimingWithLoads,
  directoryConformance,
  directoryModelConformance,
  jointConformance,
  type OpenedModelDirectory,
  type OpenedModelStorage,
  type Planted,
  storageConformance,
  storageModelConformance,
} from "@tenure/testing/internal";
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { compareDirectory, compareStorage, isOfStorage } from "./redis-records.ts";

let server: RedisServer;
/** Spoils records behind the store's back. */
let raw: Redis;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.port, "127.0.0.1");
});
afterAll(async () => {
  raw?.disconnect();
  await server?.stop();
});

async function fresh(): Promise<void> {
  await raw.flushall();
}

/** Notes a key as it is now; the answer compares with what it is then. */
async function planted(key: string): Promise<Planted> {
  const dump = await raw.dumpBuffer(key);
  return { unchanged: async () => dump.equals(await raw.dumpBuffer(key)) };
}

const dispose = (): Promise<void> => Promise.resolve();

directoryConformance({ name: "redis", open: openDirectory });
storageConformance({ name: "redis", open: openStorage });
directoryModelConformance({ name: "redis", open: openDirectory });
storageModelConformance({ name: "redis", open: openStorage });
// A claim that loads decides as one that does not: the same script has both, and this is to stay so.
directoryConformance({ name: "redis, with loads", open: openLoading });
directoryModelConformance({ name: "redis, with loads", open: openLoading });
jointConformance({
  name: "redis",
  open: async () => {
    const { plant } = await openStorage();
    return { ...(await openDirectory()), plantRow: plant! };
  },
});

async function openLoading(): Promise<OpenedModelDirectory> {
  const { compareRecords: _, ...opened } = await openDirectory();
  return {
    ...opened,
    provider: claimingWithLoads(opened.provider),
    reopen: async () => claimingWithLoads(await opened.reopen!()),
    // What the storage has is not the directory's.
    compareRecords: (cluster, model) => compareDirectory(raw, cluster, model, isOfStorage),
  };
}

async function openDirectory(): Promise<OpenedModelDirectory> {
  await fresh();
  const memberKey = (cluster: string, incarnation: string): string =>
    `tenure:${cluster}:member:${incarnation}`;
  return {
    provider: redis({ url: server.url }).directory,
    reopen: () => Promise.resolve(redis({ url: server.url }).directory),
    dispose,
    compareRecords: (cluster, model) => compareDirectory(raw, cluster, model),
    plant: {
      damagedEntry: async (cluster, actor) => {
        const key = `tenure:${cluster}:entry:${encodeActorKey(actor)}`;
        await raw.set(key, (await raw.get(key))!.replace(/ \d+$/, " many"));
        return await planted(key);
      },
      // Another type under the key: Redis refuses to look into it.
      damagedMember: async (cluster, incarnation) => {
        const key = memberKey(cluster, incarnation);
        await raw.set(key, "spoiled");
        return await planted(key);
      },
      lostMember: async (cluster, incarnation) => {
        await raw.del(memberKey(cluster, incarnation));
      },
      foreignMember: async (cluster, incarnation) => {
        await raw.hset(memberKey(cluster, incarnation), "protocol", PROTOCOL_VERSION + 1);
      },
    },
  };
}

async function openStorage(): Promise<OpenedModelStorage> {
  await fresh();
  const change = async (
    cluster: string,
    actor: ActorAddress,
    words: (words: string[]) => void,
  ): Promise<Planted> => {
    const key = `tenure:${cluster}:row:${encodeActorKey(actor)}`;
    // A state's bytes may follow.
    const row = (await raw.getBuffer(key))!.toString("latin1").split(" ");
    words(row);
    await raw.set(key, Buffer.from(row.join(" "), "latin1"));
    return await planted(key);
  };
  return {
    provider: redis({ url: server.url }).storage,
    reopen: () => Promise.resolve(redis({ url: server.url }).storage),
    dispose,
    compareRecords: (cluster, model) => compareStorage(raw, cluster, model),
    plant: {
      damagedRow: (cluster, actor) => change(cluster, actor, (words) => words.splice(1, 1, "2e0")),
      newerRow: (cluster, actor) => change(cluster, actor, (words) => words.splice(0, 1, "2")),
    },
  };
}
