// Parts: what a save puts and deletes, and what a load shows.
import { KEY_HEADER_BYTES, type SaveRequest } from "@tenure/core/internal";
import { expect } from "vitest";
import { bytes, pattern, STRANGE_IDS } from "./samples.ts";
import { loaded, plain, saveOne, type StorageRule } from "./storage-bench.ts";

const ACTOR = { type: "Cart", id: "alice" };
/** A larger state is not worth a test's time. */
const LARGE_ENOUGH_BYTES = 16 * 1_024 * 1_024;

export function partTests(rule: StorageRule): void {
  rule("S2 R10", "a save touches only the parts that it names", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 1, {
      state: bytes(1),
      "s/a": bytes(2),
      "o/1": bytes(3),
      "r/daily": bytes(4),
    });
    const request = bench.saveRequest(claim, etag, {
      put: new Map([
        ["s/a", bytes(5, 6)],
        ["o/2", bytes()],
      ]),
      del: ["o/1", "o/never"],
    });
    expect(await saveOne(storage, request)).toEqual({ ok: true });
    expect(plain((await bench.rowAfter(storage, ACTOR)).parts)).toEqual({
      state: [1],
      "s/a": [5, 6],
      "o/2": [],
      "r/daily": [4],
    });
  });

  rule("S2", "a save without parts changes the etag and no part", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 1, { state: bytes(1) });
    const request = bench.saveRequest(claim, etag);
    expect(await saveOne(storage, request)).toEqual({ ok: true });
    const row = await loaded(storage, claim);
    expect(row.meta).toMatchObject({ etag: request.newEtag, version: 2 });
    expect(plain(row.parts)).toEqual({ state: [1] });
  });

  rule("S2 S1", "a load sees all of a save or nothing of it", async (bench) => {
    const [storage, other] = [await bench.open(), await bench.open()];
    const first = await bench.write(storage, ACTOR, 1, { a: bytes(0), b: bytes(0) });
    const { claim } = first;
    const rounds = 30;
    const writing = async (): Promise<void> => {
      let { etag } = first;
      for (let i = 1; i <= rounds; i++) {
        // Each save moves one part to a new name, so a torn one would show two or none.
        const put = new Map([
          ["a", bytes(i)],
          ["b", bytes(i)],
          [`o/${i}`, bytes(i)],
        ]);
        const request = bench.saveRequest(claim, etag, { put, del: [`o/${i - 1}`] });
        expect(await saveOne(storage, request)).toEqual({ ok: true });
        etag = request.newEtag;
      }
    };
    const reading = async (): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const { meta, parts } = await loaded(other, claim);
        const { a, b, ...rest } = plain(parts);
        expect(a).toEqual(b);
        expect(a).toEqual([meta.version - 1]);
        expect(rest).toEqual(meta.version === 1 ? {} : { [`o/${meta.version - 1}`]: a });
      }
    };
    await Promise.all([writing(), reading()]);
  });

  rule(
    "S3",
    "of recorded results a load shows the header, and parts() the whole",
    async (bench) => {
      const storage = await bench.open();
      const long = pattern(200);
      const parts = {
        "k/long": long,
        "k/short": pattern(7),
        "k/exact": pattern(KEY_HEADER_BYTES),
        "k/empty": bytes(),
        "k/": pattern(30),
        "s/long": long,
        "s/short": pattern(7),
        "s/exact": pattern(KEY_HEADER_BYTES),
        k: pattern(30),
        s: pattern(30),
        "K/long": pattern(30),
        "S/long": pattern(30),
        "o/long": pattern(30),
        "state/s/long": pattern(30),
        "kk/long": pattern(30),
        state: pattern(300),
      };
      await bench.write(storage, ACTOR, 1, parts);
      const row = await bench.rowAfter(storage, ACTOR);
      expect(plain(row.parts)).toEqual({
        ...plain(new Map(Object.entries(parts))),
        "k/long": [...long.subarray(0, KEY_HEADER_BYTES)],
        "k/": [...pattern(KEY_HEADER_BYTES)],
        "s/long": [...long.subarray(0, KEY_HEADER_BYTES)],
      });
      const names = ["state", "k/never", "k/long", "k/empty", "s/long", "s/never"];
      expect(plain(await storage.parts({ actor: ACTOR, names }))).toEqual({
        state: [...parts.state],
        "k/long": [...long],
        "k/empty": [],
        "s/long": [...long],
      });
    },
  );

  rule("S3", "parts of an absent row are absent, and asking creates nothing", async (bench) => {
    const storage = await bench.open();
    expect((await storage.parts({ actor: ACTOR, names: ["state"] })).size).toBe(0);
    expect((await storage.parts({ actor: ACTOR, names: [] })).size).toBe(0);
    expect(await saveOne(storage, bench.saveRequest(bench.loadRequest(ACTOR, 1), ""))).toEqual({
      ok: false,
      refusal: "fenced",
      generation: 0,
    });
  });

  rule("S2 A2", "part names and bytes come back as they went in", async (bench) => {
    const storage = await bench.open();
    const parts: Record<string, Uint8Array> = { all: pattern(1_024) };
    for (const [i, name] of STRANGE_IDS.entries())
      if (name !== "__proto__") parts[`o/${name}`] = bytes(i, 255, 0);
    const { claim, etag } = await bench.write(storage, ACTOR, 1, parts);
    const row = await loaded(storage, claim);
    expect(plain(row.parts)).toEqual(plain(new Map(Object.entries(parts))));
    const names = Object.keys(parts);
    const whole = await storage.parts({ actor: ACTOR, names });
    expect(plain(whole)).toEqual(plain(row.parts));
    await saveOne(storage, bench.saveRequest(claim, etag, { del: names.slice(1) }));
    expect([...(await loaded(storage, claim)).parts.keys()]).toEqual(names.slice(0, 1));
  });

  rule("S3 R10", "a row with a thousand kept keys is loaded whole", async (bench) => {
    const storage = await bench.open();
    const parts: Record<string, Uint8Array> = { state: bytes(1) };
    for (let i = 0; i < 1_000; i++) parts[`k/${i}`] = pattern(40, i);
    const { claim } = await bench.write(storage, ACTOR, 1, parts);
    const row = await loaded(storage, claim);
    expect(row.parts.size).toBe(1_001);
    expect([...row.parts.get("k/999")!]).toEqual([...pattern(KEY_HEADER_BYTES, 999)]);
  });

  rule("S3", "a state of the largest size is kept whole", async (bench) => {
    const storage = await bench.open();
    expect(storage.maxStateBytes).toBeGreaterThanOrEqual(64 * 1_024);
    const state = pattern(Math.min(storage.maxStateBytes, LARGE_ENOUGH_BYTES));
    const { claim } = await bench.write(storage, ACTOR, 1, { state });
    const { parts } = await loaded(storage, claim);
    expect(Buffer.compare(parts.get("state")!, state)).toBe(0);
  });

  rule("S7", "bytes handed out are the receiver's own", async (bench) => {
    const storage = await bench.open();
    const { claim } = await bench.write(storage, ACTOR, 1, {
      state: pattern(50),
      "k/1": pattern(50),
    });
    const first = await loaded(storage, claim);
    const whole = await storage.parts({ actor: ACTOR, names: ["state"] });
    for (const value of [...first.parts.values(), ...whole.values()]) value.fill(0);
    expect(plain((await loaded(storage, claim)).parts)).toEqual({
      state: [...pattern(50)],
      "k/1": [...pattern(KEY_HEADER_BYTES)],
    });
    expect(plain(await storage.parts({ actor: ACTOR, names: ["state", "k/1"] }))).toEqual({
      state: [...pattern(50)],
      "k/1": [...pattern(50)],
    });
  });

  rule("S7", "of a view into larger memory only the view is stored", async (bench) => {
    const storage = await bench.open();
    const memory = pattern(100);
    const put: SaveRequest["put"] = new Map<string, Uint8Array>([
      ["view", memory.subarray(10, 20)],
      ["buffer", Buffer.from(memory.buffer, 30, 5)],
    ]);
    const claim = bench.loadRequest(ACTOR, 1);
    await loaded(storage, claim);
    await saveOne(storage, bench.saveRequest(claim, "", { put }));
    expect(plain((await loaded(storage, claim)).parts)).toEqual({
      view: [...memory.subarray(10, 20)],
      buffer: [...memory.subarray(30, 35)],
    });
  });
}
