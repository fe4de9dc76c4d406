// What the tests of Redis's faults share: private servers, and sessions on them.
import type { Directory, PortEnvironment, Storage } from "@tenure/core/internal";
import { redis } from "@tenure/redis";
import { Redis } from "ioredis";
import { type RedisServer, type RedisServerOptions, startRedis } from "../support/redis-server.ts";
import { atEnd, environment } from "./store-bench.ts";

export * from "./store-bench.ts";

export async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  atEnd(() => server.stop());
  return server;
}

export function client(server: RedisServer): Redis {
  const raw = new Redis(server.port, "127.0.0.1");
  raw.on("error", () => {});
  atEnd(async () => raw.disconnect());
  return raw;
}

export async function openBoth(
  url: string,
  changes: Partial<PortEnvironment> = {},
): Promise<{ directory: Directory; storage: Storage }> {
  // Short, for those that wait for it; long enough for a machine that is busy with other tests.
  const backend = redis({ url, commandTimeoutMs: 1_500 });
  const directory = await backend.directory.open({ ...environment, ...changes });
  atEnd(() => directory.close());
  const storage = await backend.storage.open({ ...environment, ...changes });
  atEnd(() => storage.close());
  return { directory, storage };
}
