// Batches, names, damaged rows, sequences and sessions of the storage.
import { ROW_FORMAT } from "@tenure/core/internal";
import { expect } from "vitest";
import { actors, bytes, clustersLike, STRANGE_ACTORS } from "./samples.ts";
import { holds, loaded, loadOne, plain, saveOne, type StorageRule } from "./storage-bench.ts";
import { needed } from "./suite.ts";

const ACTOR = { type: "Cart", id: "alice" };
const OTHER = { type: "Cart", id: "bob" };

export function storageSessionTests(rule: StorageRule): void {
  rule("S1", "an empty batch is answered with nothing", async (bench) => {
    const storage = await bench.open();
    expect((await storage.load([])).answer).toEqual([]);
    expect((await storage.save([])).answer).toEqual([]);
    expect((await storage.verify([])).answer).toEqual([]);
  });

  rule("S1", "a hundred rows are loaded, saved and verified in one batch each", async (bench) => {
    const storage = await bench.open();
    const claims = actors(100).map((actor, i) => bench.loadRequest(actor, i + 1));
    const rows = (await storage.load(claims)).answer;
    expect(rows.map((answer) => answer.ok && answer.row.meta.generation)).toEqual(
      claims.map(({ generation }) => generation),
    );
    const saves = claims.map((claim, i) =>
      bench.saveRequest(claim, "", { put: new Map([["state", bytes(i)]]) }),
    );
    expect((await storage.save(saves)).answer).toEqual(claims.map(() => ({ ok: true })));
    expect((await storage.verify(claims)).answer).toEqual(claims.map(() => true));
    const again = (await storage.load(claims)).answer;
    expect(again.map((answer) => answer.ok && plain(answer.row.parts))).toEqual(
      claims.map((_, i) => ({ state: [i] })),
    );
  });

  rule("S1", "a batch of mixed requests is answered item by item, in order", async (bench) => {
    const storage = await bench.open();
    const [one, two, three] = actors(3).map((actor) => bench.loadRequest(actor, 2));
    const older = { ...bench.loadRequest(one!.actor, 1) };
    const loads = (await storage.load([one!, older, two!])).answer;
    expect(loads).toEqual([
      expect.objectContaining({ ok: true }),
      { ok: false, refusal: "fenced", generation: 2 },
      expect.objectContaining({ ok: true }),
    ]);
    const first = bench.saveRequest(one!, "", { put: new Map([["state", bytes(1)]]) });
    // Computed from the save before it in this very batch.
    const second = bench.saveRequest(one!, first.newEtag, { put: new Map([["s/1", bytes(2)]]) });
    const saves = [
      bench.saveRequest(two!, "stale"),
      first,
      bench.saveRequest(three!, ""),
      second,
      bench.saveRequest(older, first.newEtag),
      second,
    ];
    expect((await storage.save(saves)).answer).toEqual([
      { ok: false, refusal: "conflict", etag: "" },
      { ok: true },
      { ok: false, refusal: "fenced", generation: 0 },
      { ok: true },
      { ok: false, refusal: "fenced", generation: 2 },
      { ok: true },
    ]);
    const row = await loaded(storage, one!);
    expect(row.meta.version).toBe(2);
    expect(plain(row.parts)).toEqual({ state: [1], "s/1": [2] });
  });

  rule("S1 A2", "strange names are kept apart and come back whole", async (bench) => {
    const storage = await bench.open();
    const claims = STRANGE_ACTORS.map((actor) => bench.loadRequest(actor, 1));
    for (const [i, claim] of claims.entries()) {
      const { meta, parts } = await loaded(storage, claim);
      expect([claim.actor, meta.version, parts.size]).toEqual([claim.actor, 0, 0]);
      await saveOne(storage, bench.saveRequest(claim, "", { put: new Map([["n", bytes(i)]]) }));
    }
    expect((await storage.verify(claims)).answer).toEqual(claims.map(() => true));
    for (const [i, actor] of STRANGE_ACTORS.entries())
      expect(plain(await storage.parts({ actor, names: ["n"] }))).toEqual({ n: [i] });
  });

  rule("S5", "a damaged row is answered as such, alone, and left as it is", async (bench) => {
    const before = await bench.open();
    const { claim, etag } = await bench.write(before, ACTOR, 1, { state: bytes(1) });
    await bench.write(before, OTHER, 1, { state: bytes(2) });
    await bench.closeAll();
    const planted = await needed(bench.store.plant, "plant", "S5").damagedRow(bench.cluster, ACTOR);

    const storage = await bench.open();
    const damaged = { ok: false, refusal: "damaged", problem: expect.stringMatching(/./) };
    const heir = bench.loadRequest(OTHER, 2);
    expect((await storage.load([bench.loadRequest(ACTOR, 2), heir, claim])).answer).toEqual([
      damaged,
      expect.objectContaining({ ok: true }),
      damaged,
    ]);
    const put = new Map([["state", bytes(3)]]);
    expect(await saveOne(storage, bench.saveRequest(claim, etag, { put }))).toEqual(damaged);
    expect((await storage.verify([claim, heir])).answer).toEqual([false, true]);
    await bench.closeAll();
    expect(await planted.unchanged()).toBe(true);
  });

  rule("S5", "a row of a newer format is answered as such and left as it is", async (bench) => {
    const before = await bench.open();
    const { claim, etag } = await bench.write(before, ACTOR, 1, { state: bytes(1) });
    await bench.closeAll();
    const planted = await needed(bench.store.plant, "plant", "S5").newerRow(bench.cluster, ACTOR);

    const storage = await bench.open();
    const newer = { ok: false, refusal: "newer-format", format: ROW_FORMAT + 1 };
    for (const request of [bench.loadRequest(ACTOR, 2), claim])
      expect(await loadOne(storage, request)).toEqual(newer);
    const put = new Map([["state", bytes(3)]]);
    const foreign = bench.saveRequest(bench.loadRequest(ACTOR, 2), etag, { put, del: ["state"] });
    expect(await saveOne(storage, foreign)).toMatchObject({ ok: false });
    await bench.closeAll();
    expect(await planted.unchanged()).toBe(true);
  });

  rule("I14", "clusters of one store know nothing of each other", async (bench) => {
    const names = clustersLike(bench.cluster);
    const sessions = await Promise.all(names.map((name) => bench.open(name)));
    const claims = [];
    for (const [i, storage] of sessions.entries()) {
      const row = await bench.write(storage, ACTOR, names.length - i, { state: bytes(i) }, 100 + i);
      claims.push(row.claim);
    }
    for (const [i, storage] of sessions.entries()) {
      const held = (await storage.verify(claims)).answer;
      expect(held).toEqual(claims.map((_, at) => at === i));
      expect(plain((await loaded(storage, claims[i]!)).parts)).toEqual({ state: [i] });
      const found = [];
      for (let bucket = 0; bucket < 64; bucket++)
        found.push(...(await storage.dueBefore(bucket, 1_000, 10)));
      expect(found).toEqual([{ actor: ACTOR, due: 100 + i }]);
    }
  });

  rule(
    "D3",
    "the sequence never goes back and every write that counts raises it",
    async (bench) => {
      const sessions = [await bench.open(), await bench.open()];
      let seen = (await sessions[0]!.verify([])).sequence;
      const claim = bench.loadRequest(ACTOR, 1);
      const save = bench.saveRequest(claim, "", { put: new Map([["state", bytes(1)]]) });
      const steps: readonly (readonly [boolean, () => Promise<{ readonly sequence: number }>])[] = [
        [true, () => sessions[0]!.load([claim])],
        [true, () => sessions[1]!.save([save])],
        [false, () => sessions[0]!.save([save])],
        [false, () => sessions[1]!.verify([claim])],
        [true, () => sessions[0]!.save([bench.saveRequest(claim, save.newEtag)])],
        [false, () => sessions[1]!.save([bench.saveRequest(claim, "stale")])],
        [true, () => sessions[1]!.load([bench.loadRequest(ACTOR, 2)])],
        [false, () => sessions[0]!.load([])],
      ];
      for (const [writes, step] of steps) {
        const { sequence } = await step();
        expect(sequence).toBeGreaterThanOrEqual(writes ? seen + 1 : seen);
        seen = sequence;
      }
    },
  );

  rule("S1", "the promise of durability is one sentence", async (bench) => {
    const { durability } = await bench.open();
    expect(durability.trim().length).toBeGreaterThan(10);
    expect(durability).not.toMatch(/[\r\n]/);
  });

  rule("S4 D6", "after close every operation rejects, and other sessions go on", async (bench) => {
    const [storage, other] = [await bench.open(), await bench.open()];
    const { claim, etag } = await bench.write(storage, ACTOR, 1, { state: bytes(1) });
    await storage.close();
    await storage.close();
    const operations: (() => Promise<unknown>)[] = [
      () => storage.load([claim]),
      () => storage.save([bench.saveRequest(claim, etag)]),
      () => storage.verify([]),
      () => storage.parts({ actor: ACTOR, names: ["state"] }),
      () => storage.dueBefore(0, 0, 1),
    ];
    for (const operation of operations)
      await expect(operation()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await holds(other, claim)).toBe(true);
    expect((await loaded(other, claim)).meta.etag).toBe(etag);
  });

  rule("S4 I1", "a restart keeps rows, parts, fences and due times", async (bench) => {
    const before = await bench.open();
    const parts = { state: bytes(1, 2, 3), "k/1": bytes(4), "r/daily": bytes() };
    const { claim, etag } = await bench.write(before, ACTOR, 7, parts, 50);
    const { sequence } = await before.verify([]);

    const after = await bench.restart();
    expect((await after.verify([])).sequence).toBeGreaterThanOrEqual(sequence);
    expect(await loadOne(after, bench.loadRequest(ACTOR, 6))).toMatchObject({ refusal: "fenced" });
    const row = await bench.rowAfter(after, ACTOR);
    expect(plain(row.parts)).toEqual(plain(new Map(Object.entries(parts))));
    expect(row.meta).toMatchObject({ etag, version: 1, due: 50 });
    expect(await saveOne(after, bench.saveRequest(claim, etag))).toEqual({
      ok: false,
      refusal: "fenced",
      generation: row.meta.generation,
    });
  });
}
