// Records that cannot be read, and requests of unusual size.
import { encodeActorKey } from "@tenure/core/internal";
import { afterEach, expect, test } from "vitest";
import { ACTOR, ME, claim, client, join, openBoth, save, start, cleanUp } from "./redis-bench.ts";

afterEach(cleanUp);

test("one damaged entry is its own answer, and the batch goes on (D4)", async () => {
  const server = await start();
  const { directory } = await openBoth(server.url);
  await join(directory);
  const raw = client(server);
  const key = (id: string): string => `tenure:faults:entry:${encodeActorKey({ type: "Cart", id })}`;
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

test.each([
  '[["1","i","t0","call",1e999]]',
  '[["1","i","t0","call"]]',
  '[{"generation":"1"}]',
  '{"claims":[]}',
  '["1"]',
  "[",
])(
  "claims that are %s damage their own item, and the counters rise for the others (LU2, R15)",
  async (claims) => {
    const server = await start();
    const { directory } = await openBoth(server.url);
    await join(directory);
    const raw = client(server);
    const key = `tenure:faults:entry:${encodeActorKey({ type: "Cart", id: "odd" })}`;
    const fields = ["incarnation", ME, "token", "t0", "generation", "1", "free", "1"];
    await raw.hset(key, ...fields, "claims", claims);
    const { answer } = await directory.claim([claim("before", "t1"), claim("odd", "t2")]);
    expect(answer).toMatchObject([{ ok: true, generation: 1 }, { refusal: "damaged" }]);
    expect(await raw.hget("tenure:faults:directory", "counter")).toBe("1");
    expect(await raw.hget(key, "token")).toBe("t0");
    expect(await raw.hget(key, "claims")).toBe(claims);
  },
);

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
