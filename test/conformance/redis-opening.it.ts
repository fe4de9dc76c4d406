// Which servers Tenure opens, and what it says of those that it does not.
import { ConfigError, UnreachableError } from "@tenure/core/internal";
import { redis } from "@tenure/redis";
import { once } from "node:events";
import { createServer } from "node:net";
import { freePort } from "../support/redis-server.ts";
import { afterEach, expect, test } from "vitest";
import { atEnd, client, environment, join, openBoth, start, cleanUp } from "./redis-bench.ts";

afterEach(cleanUp);

test("a server that is not there is named, and its password is not", async () => {
  const port = await freePort();
  const backend = redis({ url: `redis://user:secret@127.0.0.1:${port}/2` });
  const started = performance.now();
  const error = await backend.storage.open(environment).catch((reason: unknown) => reason);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(error).toBeInstanceOf(UnreachableError);
  expect(String(error)).toContain(`redis at 127.0.0.1:${port} cannot be reached`);
  expect(String(error)).toContain("ECONNREFUSED");
  expect(String(error)).not.toContain("secret");
  await expect(backend.directory.open(environment)).rejects.toBeInstanceOf(UnreachableError);
});

test("a server that takes connections and says nothing is given up in openTimeoutMs", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  atEnd(async () => {
    silent.close();
  });
  const { port } = silent.address() as { port: number };
  const opened = redis({ url: `redis://127.0.0.1:${port}` }).storage.open({
    ...environment,
    openTimeoutMs: 300,
  });
  await expect(opened).rejects.toThrow(
    expect.objectContaining({ code: "UNREACHABLE", details: { address: `127.0.0.1:${port}` } }),
  );
});

test("a server in cluster mode is refused", async () => {
  const server = await start({ config: "cluster-enabled yes" });
  await expect(openBoth(server.url)).rejects.toThrow(/is in cluster mode.*name a primary/);
  await expect(openBoth(server.url)).rejects.toBeInstanceOf(ConfigError);
});

test("a replica is refused", async () => {
  const primary = await start();
  const server = await start({ config: `replicaof 127.0.0.1 ${primary.port}` });
  await expect(openBoth(server.url)).rejects.toThrow(/is a replica/);
});

test("a server that would evict entries is refused", async () => {
  const server = await start({ config: "maxmemory 100mb\nmaxmemory-policy allkeys-lru" });
  await expect(openBoth(server.url)).rejects.toThrow(/evicts any key.*allkeys-lru.*noeviction/);
});

test("strict is refused without an append-only file, and granted with one that is flushed", async () => {
  const volatile = await start();
  await expect(openBoth(volatile.url, { durability: "strict" })).rejects.toThrow(
    /^durability: 'strict' needs .*appendonly no/,
  );
  const durable = await start({ appendonly: true });
  const { directory, storage } = await openBoth(durable.url, { durability: "strict" });
  expect(directory.durability).toMatch(/^an acknowledged write survives a crash of the server and/);
  expect(storage.durability).toBe(directory.durability);
});

test("where CONFIG is not allowed, what it would say is not promised", async () => {
  const server = await start({ appendonly: true, config: 'rename-command CONFIG ""' });
  const { storage } = await openBoth(server.url);
  expect(storage.durability).toContain("could not be read");
  await expect(openBoth(server.url, { durability: "strict" })).rejects.toBeInstanceOf(ConfigError);
});

test("a password that is wrong, or missing, is an error of the configuration", async () => {
  const server = await start({ config: "requirepass secret" });
  const at = `127.0.0.1:${server.port}`;
  await expect(openBoth(`redis://:wrong@${at}`)).rejects.toThrow(/did not accept the user and/);
  await expect(openBoth(`redis://${at}`)).rejects.toBeInstanceOf(ConfigError);
  const { directory } = await openBoth(`redis://:secret@${at}/3`);
  await join(directory);
});

test("a database that the server does not have is refused, and database 0 is left alone", async () => {
  const server = await start();
  await expect(openBoth(`${server.url}/99`)).rejects.toThrow(/does not have that database/);
  expect(await client(server).dbsize()).toBe(0);
});
