// Records that cannot be read, and requests of unusual size.
import { encodeActorKey } from "@tenure/core/internal";
import { afterEach, expect, test } from "vitest";
import { ACTOR, ME, claim, client, join, openBoth, save, start, cleanUp } from "./redis-bench.ts";

afterEach(cleanUp);

const entryKey = (id: string): string =>
  `tenure:faults:entry:${encodeActorKey({ type: "Cart", id })}`;
const ROW = `tenure:faults:row:${encodeActorKey(ACTOR)}`;
const STATE = `tenure:faults:state:${encodeActorKey(ACTOR)}`;
const PARTS = `tenure:faults:parts:${encodeActorKey(ACTOR)}`;

test("one damaged entry is its own answer, and the batch goes on (D4)", async () => {
  const server = await start();
  const { directory } = await openBoth(server.url);
  await join(directory);
  const raw = client(server);
  await raw.set(entryKey("text"), "not an entry");
  await raw.set(entryKey("partly"), `1 1 1.5 ${ME} t9 call 3`);
  await raw.set(entryKey("short"), `1 1 5 ${ME} t9`);
  await raw.set(entryKey("longer"), `1 1 5 ${ME} t9 call 3x`);
  await raw.sadd(entryKey("set"), "odd");
  await raw.hset(entryKey("odd"), "odd", "1");
  await raw.hset(entryKey("old"), "incarnation", ME, "token", "t9", "generation", "1.5");
  const ids = ["text", "partly", "short", "longer", "set", "odd", "old", "whole"];
  const { answer } = await directory.claim(ids.map((id) => claim(id, `token-${id}`)));
  expect(answer).toMatchObject([
    { refusal: "damaged", problem: 'directory entry: not one of ours: "not an entry"' },
    { refusal: "damaged", problem: expect.stringContaining("not one of ours") as string },
    { refusal: "damaged", problem: expect.stringContaining("not one of ours") as string },
    { refusal: "damaged", problem: expect.stringContaining("not one of ours") as string },
    { refusal: "damaged", problem: "directory entry: not a text" },
    { refusal: "damaged", problem: "directory entry: none of its fields is there" },
    { refusal: "damaged", problem: "directory entry: free is missing" },
    { ok: true, generation: 1 },
  ]);
  const looked = await directory.lookup(ids.map((id) => ({ type: "Cart", id })));
  expect(looked.answer.map(({ ok }) => ok)).toEqual([...Array<boolean>(7).fill(false), true]);
  expect(await raw.get(entryKey("text"))).toBe("not an entry");
  expect(await raw.hgetall(entryKey("odd"))).toEqual({ odd: "1" });
});

test("an entry whose older claims are damaged is told by whoever reads them, and costs nobody else anything", async () => {
  const server = await start();
  const { directory } = await openBoth(server.url);
  await join(directory);
  const raw = client(server);
  await raw.set(entryKey("less"), `1 3 5 ${ME} t9 call 3`);
  await raw.set(entryKey("other"), `1 2 5 ${ME} t9 call 3 x ${ME} t8 call 1`);
  const actors = ["less", "other"].map((id) => ({ type: "Cart", id }));
  const { answer } = await directory.lookup(actors);
  expect(answer).toMatchObject([
    { refusal: "damaged", problem: expect.stringContaining("not 3 claims") as string },
    { refusal: "damaged", problem: expect.stringContaining("claims is") as string },
  ]);
  for (let i = 0; i < 10; i++) {
    const claimed = await directory.claim([claim("less", `t-${i}`), claim("whole", `w-${i}`)]);
    expect(claimed.answer).toMatchObject([{ ok: true }, { ok: true }]);
    await directory.release([
      { actor: actors[0]!, token: `t-${i}` },
      { actor: { type: "Cart", id: "whole" }, token: `w-${i}` },
    ]);
  }
});

test.each([
  '[["1","i","t0","call",1e999]]',
  '[["1","i","t0","call"]]',
  '[["1","i","t 0","call","1"]]',
  '[["1","i","another","call","1"]]',
  '[{"generation":"1"}]',
  '{"claims":[]}',
  '["1"]',
  "[]",
  "[",
])(
  "claims of layout 1 that are %s damage their own item, and the counters rise for the others (LU2, LU6, R15)",
  async (claims) => {
    const server = await start();
    const { directory } = await openBoth(server.url);
    await join(directory);
    const raw = client(server);
    const key = entryKey("odd");
    const fields = ["incarnation", ME, "token", "t0", "generation", "1", "free", "1"];
    await raw.hset(key, ...fields, "claims", claims);
    const { answer } = await directory.claim([claim("before", "t1"), claim("odd", "t2")]);
    expect(answer).toMatchObject([{ ok: true, generation: 1 }, { refusal: "damaged" }]);
    expect(await raw.hget("tenure:faults:directory", "counter")).toBe("1");
    expect(await raw.hget(key, "token")).toBe("t0");
    expect(await raw.hget(key, "claims")).toBe(claims);
  },
);

test("an entry of layout 1 is looked up as it is, and becomes a text when it is released or claimed (LU6)", async () => {
  const server = await start();
  const { directory } = await openBoth(server.url);
  await join(directory);
  const raw = client(server);
  const claims = [
    ["6", ME, "t5", "call", "2"],
    ["7", ME, "t6", "call", "3"],
  ];
  const fields = ["incarnation", ME, "token", "t6", "generation", "7", "free", "0"];
  await raw.hset(entryKey("old"), ...fields, "claims", JSON.stringify(claims));
  const actor = { type: "Cart", id: "old" };
  const looked = await directory.lookup([actor]);
  expect(looked.answer).toMatchObject([
    {
      entry: { generation: 7, token: "t6", free: false, claims: [{ token: "t5" }, { counter: 3 }] },
    },
  ]);
  expect(await raw.type(entryKey("old"))).toBe("hash");
  expect((await directory.claim([claim("old", "t7")])).answer).toMatchObject([
    { refusal: "owned" },
  ]);
  expect((await directory.claim([claim("old", "t6")])).answer).toMatchObject([{ generation: 7 }]);
  await directory.release([{ actor, token: "t6" }]);
  expect(await raw.get(entryKey("old"))).toBe(`1 2 7 ${ME} t6 call 3 6 ${ME} t5 call 2`);
  expect((await directory.claim([claim("old", "t5")])).answer).toMatchObject([
    { refusal: "token-used" },
  ]);
  const { answer } = await directory.claim([claim("old", "t8")]);
  expect(answer).toMatchObject([{ ok: true, generation: 8 }]);
});

test("a row of layout 1 is loaded whole, and is a text from then on (LU6)", async () => {
  const server = await start();
  const { storage } = await openBoth(server.url);
  const raw = client(server);
  const old = { format: "1", generation: "5", token: "t1", etag: "e3", version: "3", due: "9" };
  const state = Buffer.from([0, 10, 255]);
  await raw.hset(ROW, { ...old, "p:state": state, "p:k/a": Buffer.alloc(30, 1) });
  const fenced = await storage.load([{ actor: ACTOR, generation: 4, token: "t0" }]);
  expect(fenced.answer).toEqual([{ ok: false, refusal: "fenced", generation: 5 }]);
  const { answer } = await storage.load([{ actor: ACTOR, generation: 6, token: "t2" }]);
  expect(answer).toMatchObject([
    {
      row: {
        meta: { generation: 6, etag: "e3", version: 3, due: 9 },
        parts: new Map([
          ["state", new Uint8Array(state)],
          ["k/a", new Uint8Array(24).fill(1)],
        ]),
      },
    },
  ]);
  expect(await raw.getBuffer(ROW)).toEqual(
    Buffer.concat([Buffer.from("1 6 t2 e3 3 ip 9\n"), state]),
  );
  expect(await raw.hgetBuffer(PARTS, "k/a")).toEqual(Buffer.alloc(30, 1));
  const saved = await storage.save([
    save({ generation: 6, token: "t2", etag: "e3", newEtag: "e4" }),
  ]);
  expect(saved.answer).toEqual([{ ok: true }]);
});

test.each([{ generation: "1.5" }, { token: "" }, { version: "-1" }, { due: "soon" }])(
  "a row of layout 1 with %o is damaged, and left as it is (LU6, S5)",
  async (change) => {
    const server = await start();
    const { storage } = await openBoth(server.url);
    const raw = client(server);
    const old = { format: "1", generation: "5", token: "t1", etag: "e3", version: "3", ...change };
    await raw.hset(ROW, { ...old, "p:state": "x" });
    const { answer } = await storage.load([{ actor: ACTOR, generation: 6, token: "t2" }]);
    expect(answer).toMatchObject([{ ok: false, refusal: "damaged" }]);
    expect(await raw.hgetall(ROW)).toEqual({ ...old, "p:state": "x" });
  },
);

test("a state may grow beyond what stands in a row, shrink again and go, and what is left is one copy", async () => {
  const server = await start();
  const { storage } = await openBoth(server.url);
  const raw = client(server);
  await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  const sizes = [10, 1_024, 1_025, 20_000, 1_025, 10, undefined, 2_000, undefined, 0];
  for (const [i, size] of sizes.entries()) {
    const state = size === undefined ? undefined : Buffer.alloc(size, i);
    const put = new Map(state ? [["state", state]] : []);
    const del = state ? [] : ["state"];
    const etag = i === 0 ? "" : `e${i - 1}`;
    const saved = await storage.save([save({ etag, newEtag: `e${i}`, put, del })]);
    expect(saved.answer).toEqual([{ ok: true }]);
    const { answer } = await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
    const parts = new Map(state ? [["state", new Uint8Array(state)]] : []);
    expect(answer).toMatchObject([{ row: { meta: { version: i + 1 }, parts } }]);
    expect(await storage.parts({ actor: ACTOR, names: ["state"] })).toEqual(parts);
    expect(await raw.exists(STATE)).toBe(size !== undefined && size > 1_024 ? 1 : 0);
  }
});

test.each([
  0,
  8,
  9,
  10,
  19,
  999,
  8_999_999_999_999,
  9_999_999_999_999,
  10_000_000_000_000,
  99_999_999_999_998,
  99_999_999_999_999,
  Number.MAX_SAFE_INTEGER - 1,
])("a save counts from version %s on to the next", async (version) => {
  const server = await start();
  const { storage } = await openBoth(server.url);
  const raw = client(server);
  await raw.set(ROW, `1 1 t1 e1 ${version} i\nold`);
  const { answer } = await storage.save([
    save({ etag: "e1", newEtag: "e2", put: new Map([["state", Buffer.from("new")]]) }),
  ]);
  expect(answer).toEqual([{ ok: true }]);
  expect(await raw.get(ROW)).toBe(`1 1 t1 e2 ${version + 1} i\nnew`);
});

test("a save finds the row's beginning nowhere but there, and no version in what is none", async () => {
  const server = await start();
  const { storage } = await openBoth(server.url);
  const raw = client(server);
  const put = new Map([["state", Buffer.from("new")]]);
  for (const [row, refusal] of [
    ["1 1 t0 e1 1 i\n1 1 t1 e1 1 i\n", "fenced"],
    ["1 1 t1 e0 1 i\n1 1 t1 e1 1 i\n", "conflict"],
    ["1 1 t1 e1 99999999999999999 i\n", "damaged"],
    ["1 1 t1 e1 00000000000000000005 i\n", "damaged"],
    ["1 1 t1 e1 9x i\n", "damaged"],
    ["1 1 t1 e1  i\n", "damaged"],
  ] as const) {
    await raw.set(ROW, row);
    const { answer } = await storage.save([save({ etag: "e1", newEtag: "e2", put })]);
    expect(answer).toMatchObject([{ ok: false, refusal }]);
    expect(await raw.get(ROW)).toBe(row);
  }
});

test("two saves of one actor in one batch end as one after the other, whatever they put and delete", async () => {
  const server = await start();
  const { storage } = await openBoth(server.url);
  await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  const large = new Map([["state", Buffer.alloc(2_000, 1)]]);
  const small = new Map([["state", Buffer.alloc(20, 2)]]);
  const steps = [
    { put: large, del: [] },
    { put: new Map(), del: ["state"] },
    { put: large, del: [] },
    { put: small, del: [] },
    { put: new Map([["k/a", Buffer.alloc(24, 3)]]), del: [] },
    { put: large, del: ["k/a"] },
    { put: small, del: [] },
  ];
  const saves = steps.map((step, i) =>
    save({ ...step, etag: i === 0 ? "" : `e${i - 1}`, newEtag: `e${i}` }),
  );
  const { answer } = await storage.save(saves);
  expect(answer).toEqual(steps.map(() => ({ ok: true })));
  const loaded = await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  const parts = new Map([["state", new Uint8Array(20).fill(2)]]);
  expect(loaded.answer).toMatchObject([{ row: { meta: { version: 7, etag: "e6" }, parts } }]);
  expect(await client(server).exists(STATE, PARTS)).toBe(0);
});

test.each([
  ["its state", STATE],
  ["its parts", PARTS],
])("a row that has lost %s is damaged, and no emptier row than it was", async (_, key) => {
  const server = await start();
  const { storage } = await openBoth(server.url);
  await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  const put = new Map([
    ["state", Buffer.alloc(2_000)],
    ["k/a", Buffer.alloc(24)],
  ]);
  await storage.save([save({ put })]);
  await client(server).del(key);
  const { answer } = await storage.load([{ actor: ACTOR, generation: 2, token: "t2" }]);
  expect(answer).toMatchObject([
    { refusal: "damaged", problem: /^row: its (?:state|parts) (?:is|are) gone$/ },
  ]);
});

test("parts that a removed row has left behind do not come back with the next one", async () => {
  const server = await start();
  const { storage } = await openBoth(server.url);
  const request = { actor: ACTOR, generation: 1, token: "t1" };
  await storage.load([request]);
  await storage.save([save({ put: new Map([["k/old", Buffer.alloc(24)]]) })]);
  await client(server).del(ROW);
  await storage.load([request]);
  await storage.save([save({ put: new Map([["k/new", Buffer.alloc(24)]]) })]);
  const { answer } = await storage.load([request]);
  const parts = new Map([["k/new", new Uint8Array(24)]]);
  expect(answer).toMatchObject([{ row: { parts } }]);
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
