// What Tenure on Redis does when the server is gone, hangs, or changes under it.
import { StoreUnavailableError } from "@tenure/core/internal";
import { freePort } from "../support/redis-server.ts";
import { afterEach, expect, test } from "vitest";
import {
  ACTOR,
  ME,
  claim,
  client,
  eventually,
  join,
  nextEvent,
  openBoth,
  save,
  start,
  cleanUp,
} from "./redis-bench.ts";

afterEach(cleanUp);

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
  const asked = storage.save([save()]).catch((error: unknown) => error);
  await server.kill();
  await server.restart();
  // The first that is answered after the reconnection: what the library sent again by itself would have gone before it.
  const { answer } = await eventually(() =>
    storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]),
  );
  expect(answer).toMatchObject([{ ok: true, row: { meta: { etag: "", version: 0 } } }]);
  expect(await asked).toBeInstanceOf(StoreUnavailableError);
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
