// What Tenure on Redis does when the server is gone, slow, damaged, or set up in a way that cannot work.
import {
  type ClaimRequest,
  ConfigError,
  type Directory,
  encodeActorKey,
  type EventBody,
  type PortEnvironment,
  type SaveRequest,
  type Storage,
  StoreUnavailableError,
  systemClock,
  systemRandom,
  UnreachableError,
} from "@tenure/core/internal";
import { redis } from "@tenure/redis";
import { Redis } from "ioredis";
import { createServer } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import {
  freePort,
  type RedisServer,
  type RedisServerOptions,
  startRedis,
} from "../support/redis-server.ts";

const ME = "a".repeat(32);
const ACTOR = { type: "Cart", id: "alice" };

/** Undone after each test, the newest first. */
const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  undo.push(() => server.stop());
  return server;
}

function client(server: RedisServer): Redis {
  const raw = new Redis(server.port, "127.0.0.1");
  raw.on("error", () => {});
  undo.push(async () => raw.disconnect());
  return raw;
}

const environment: PortEnvironment = {
  cluster: "faults",
  clock: systemClock(),
  random: systemRandom(),
  emit: () => {},
  leaseTtlMs: 4_000,
  openTimeoutMs: 8_000,
  durability: "default",
};

async function openBoth(
  url: string,
  changes: Partial<PortEnvironment> = {},
): Promise<{ directory: Directory; storage: Storage }> {
  // Short, for those that wait for it; long enough for a machine that is busy with other tests.
  const backend = redis({ url, commandTimeoutMs: 1_500 });
  const directory = await backend.directory.open({ ...environment, ...changes });
  undo.push(() => directory.close());
  const storage = await backend.storage.open({ ...environment, ...changes });
  undo.push(() => storage.close());
  return { directory, storage };
}

async function join(directory: Directory): Promise<void> {
  const { answer } = await directory.register({
    incarnation: ME,
    name: "north",
    types: { Cart: 1 },
    roles: [],
    protocol: 1,
    proposedStoreId: "5".repeat(32),
    bootstrap: true,
  });
  expect(answer).toMatchObject({ ok: true });
}

function claim(id: string, token: string): ClaimRequest {
  const actor = { type: "Cart", id };
  return { actor, incarnation: ME, token, expected: "free", floor: 0, reason: "call" };
}

function save(changes: Partial<SaveRequest> = {}): SaveRequest {
  const put = new Map([["state", Buffer.from("state")]]);
  const base = {
    actor: ACTOR,
    generation: 1,
    token: "t1",
    etag: "",
    newEtag: "e1",
    due: undefined,
  };
  return { ...base, put, del: [], ...changes };
}

/** The next event of a type. */
function nextEvent(type: EventBody["type"]): {
  emit: (event: EventBody) => void;
  seen: Promise<EventBody>;
} {
  let emit!: (event: EventBody) => void;
  const seen = new Promise<EventBody>((resolve) => {
    emit = (event) => {
      if (event.type === type) resolve(event);
    };
  });
  return { emit, seen };
}

/** Asks until it is answered; each refusal must be a StoreUnavailableError. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      // Waits for the connection, not for a time: a refusal comes back at once.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe("a server that is gone", () => {
  test("operations are refused at once, and work again when it is back (R7)", async () => {
    const server = await start({ appendonly: true });
    const { emit, seen } = nextEvent("store.unavailable");
    const { directory, storage } = await openBoth(server.url, { emit });
    await join(directory);
    await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);

    await server.kill();
    expect(await seen).toMatchObject({ store: `redis at 127.0.0.1:${server.port}` });
    const started = performance.now();
    const asked = [
      directory.members(),
      directory.claim([claim("bob", "t2")]),
      storage.save([save()]),
      storage.parts({ actor: ACTOR, names: ["state"] }),
    ];
    for (const result of await Promise.allSettled(asked)) {
      expect(result).toMatchObject({ status: "rejected" });
      const { reason } = result as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(StoreUnavailableError);
      expect(String(reason)).toContain(`127.0.0.1:${server.port}`);
    }
    expect(performance.now() - started).toBeLessThan(1_000);

    await server.restart();
    const { answer } = await eventually(() => directory.members());
    expect(answer.members).toMatchObject([{ incarnation: ME, name: "north" }]);
    const saved = await eventually(() => storage.save([save()]));
    expect(saved.answer).toEqual([{ ok: true }]);
    const claimed = await eventually(() => directory.claim([claim("bob", "t2")]));
    expect(claimed.answer).toMatchObject([{ ok: true }]);
  });

  test("an operation in flight is rejected when the server dies, and is not sent again (H10)", async () => {
    const server = await start({ appendonly: true });
    const { storage } = await openBoth(server.url);
    await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
    server.freeze();
    const asked = storage.save([save()]);
    await Promise.all([expect(asked).rejects.toBeInstanceOf(StoreUnavailableError), server.kill()]);
    await server.restart();
    const { answer } = await eventually(() =>
      storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]),
    );
    expect(answer).toMatchObject([{ ok: true, row: { meta: { etag: "", version: 0 } } }]);
  });

  test("a server that hangs is given up after the command timeout, and works when it goes on", async () => {
    const server = await start();
    const { directory } = await openBoth(server.url);
    await join(directory);
    server.freeze();
    await expect(directory.members()).rejects.toBeInstanceOf(StoreUnavailableError);
    server.thaw();
    const { answer } = await eventually(() => directory.members());
    expect(answer.members).toHaveLength(1);
  });

  test("a server that has forgotten the scripts gets them again", async () => {
    const server = await start();
    const { directory } = await openBoth(server.url);
    await join(directory);
    await client(server).script("FLUSH");
    const both = await Promise.all([directory.members(), directory.members()]);
    expect(both.map(({ answer }) => answer.members.length)).toEqual([1, 1]);
  });

  test("after close every operation rejects (D6)", async () => {
    const server = await start();
    const { directory, storage } = await openBoth(server.url);
    await directory.close();
    await storage.close();
    await expect(directory.members()).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(directory.lookup([ACTOR])).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(storage.dueBefore(0, 1, 1)).rejects.toBeInstanceOf(StoreUnavailableError);
  });
});

describe("opening", () => {
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
    undo.push(async () => {
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
    expect(directory.durability).toMatch(
      /^an acknowledged write survives a crash of the server and/,
    );
    expect(storage.durability).toBe(directory.durability);
  });

  test("where CONFIG is not allowed, what it would say is not promised", async () => {
    const server = await start({ appendonly: true, config: 'rename-command CONFIG ""' });
    const { storage } = await openBoth(server.url);
    expect(storage.durability).toContain("could not be read");
    await expect(openBoth(server.url, { durability: "strict" })).rejects.toBeInstanceOf(
      ConfigError,
    );
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
});

describe("a server that changes", () => {
  test("a primary that became a replica answers nothing, reads neither (D3)", async () => {
    const server = await start();
    const { directory, storage } = await openBoth(server.url);
    await join(directory);
    const raw = client(server);
    await raw.replicaof("127.0.0.1", await freePort());
    const asked = [
      directory.members(),
      directory.lookup([ACTOR]),
      storage.verify([{ actor: ACTOR, generation: 1, token: "t1" }]),
    ];
    for (const result of await Promise.allSettled(asked)) expect(result.status).toBe("rejected");
    await raw.replicaof("NO", "ONE");
    await eventually(() => directory.members());
  });

  test("without memory nothing is claimed or saved, and leases live on", async () => {
    const server = await start();
    const { directory, storage } = await openBoth(server.url);
    await join(directory);
    const held = { actor: ACTOR, generation: 1, token: "t1" };
    await storage.load([held]);
    const raw = client(server);
    await raw.config("SET", "maxmemory", "1");
    await expect(directory.claim([claim("bob", "t2")])).rejects.toThrow(/OOM/);
    await expect(storage.save([save()])).rejects.toThrow(/OOM/);
    const { answer } = await directory.renew({
      incarnation: ME,
      expectedRev: 1,
      load: 0,
      state: "alive",
    });
    expect(answer).toMatchObject({ ok: true });
    expect((await storage.verify([held])).answer).toEqual([true]);
    await raw.config("SET", "maxmemory", "0");
    expect((await storage.save([save()])).answer).toEqual([{ ok: true }]);
  });
});

describe("records that cannot be read", () => {
  test("one damaged entry is its own answer, and the batch goes on (D4)", async () => {
    const server = await start();
    const { directory } = await openBoth(server.url);
    await join(directory);
    const raw = client(server);
    const key = (id: string): string =>
      `tenure:faults:entry:${encodeActorKey({ type: "Cart", id })}`;
    await raw.set(key("text"), "not a hash");
    await raw.hset(key("odd"), "odd", "1");
    await raw.hset(key("partly"), "incarnation", ME, "token", "t9", "generation", "1.5");
    const ids = ["text", "odd", "partly", "whole"];
    const { answer } = await directory.claim(ids.map((id) => claim(id, `token-${id}`)));
    expect(answer).toMatchObject([
      { refusal: "damaged", problem: "directory entry: not a hash" },
      { refusal: "damaged", problem: "directory entry: none of its fields is there" },
      { refusal: "damaged", problem: 'directory entry: generation is "1.5"' },
      { ok: true, generation: 1 },
    ]);
    const looked = await directory.lookup(ids.map((id) => ({ type: "Cart", id })));
    expect(looked.answer.map(({ ok }) => ok)).toEqual([false, false, false, true]);
    expect(await raw.get(key("text"))).toBe("not a hash");
  });

  test("a damaged due index refuses the save before any of it is written (LU2)", async () => {
    const server = await start();
    const { storage } = await openBoth(server.url);
    await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
    const raw = client(server);
    for (let bucket = 0; bucket < 64; bucket++) await raw.set(`tenure:faults:due:${bucket}`, "x");
    const { answer } = await storage.save([save({ due: 5 })]);
    expect(answer).toMatchObject([{ ok: false, refusal: "damaged" }]);
    const again = await storage.save([save()]);
    expect(again.answer).toEqual([{ ok: true }]);
  });

  test("a damaged record of the store itself answers nobody, and changes nothing (LU2)", async () => {
    const server = await start();
    const { directory } = await openBoth(server.url);
    await join(directory);
    const raw = client(server);
    await raw.hset("tenure:faults:directory", "counter", "many");
    await expect(directory.claim([claim("bob", "t2")])).rejects.toThrow(/counter is "many"/);
    expect(await raw.keys("*entry*")).toEqual([]);
  });

  test("ten thousand parts and a batch of a thousand claims fit in one call", async () => {
    const server = await start();
    const { directory, storage } = await openBoth(server.url);
    await join(directory);
    const put = new Map(
      Array.from({ length: 10_000 }, (_, i) => [`k/${i}`, Buffer.alloc(100, i)] as const),
    );
    await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
    expect((await storage.save([save({ put })])).answer).toEqual([{ ok: true }]);
    const del = [...put.keys()].slice(1);
    const next = save({ put: new Map(), del, etag: "e1", newEtag: "e2" });
    expect((await storage.save([next])).answer).toEqual([{ ok: true }]);
    const { answer } = await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
    expect(answer).toMatchObject([{ row: { parts: new Map([["k/0", new Uint8Array(24)]]) } }]);
    const claims = await directory.claim(
      Array.from({ length: 1_000 }, (_, i) => claim(`a${i}`, `t${i}`)),
    );
    expect(claims.answer.every(({ ok }) => ok)).toBe(true);
  });
});
