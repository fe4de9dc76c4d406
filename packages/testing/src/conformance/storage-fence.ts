// The fence: which loads raise it, which saves count.
import { ROW_FORMAT } from "@tenure/core/internal";
import { expect } from "vitest";
import { bytes } from "./samples.ts";
import { holds, loaded, loadOne, plain, saveOne, type StorageRule } from "./storage-bench.ts";

const ACTOR = { type: "Cart", id: "alice" };
const RACERS = 16;

export function fenceTests(rule: StorageRule): void {
  rule("R9", "a first load creates an empty row under its claim", async (bench) => {
    const storage = await bench.open();
    const claim = bench.loadRequest(ACTOR, 3);
    const { meta, parts } = await loaded(storage, claim);
    expect(meta).toEqual({
      format: ROW_FORMAT,
      generation: 3,
      token: claim.token,
      etag: "",
      version: 0,
      due: undefined,
    });
    expect(parts.size).toBe(0);
    expect(await holds(storage, claim)).toBe(true);
  });

  rule("R8", "a load sent again answers alike, also after a save", async (bench) => {
    const storage = await bench.open();
    const claim = bench.loadRequest(ACTOR, 1);
    expect(await loadOne(storage, claim)).toEqual(await loadOne(storage, claim));
    const request = bench.saveRequest(claim, "", { put: new Map([["state", bytes(1)]]), due: 9 });
    await saveOne(storage, request);
    const row = await loaded(storage, claim);
    expect(row.meta).toMatchObject({ etag: request.newEtag, version: 1, due: 9, generation: 1 });
    expect(plain(row.parts)).toEqual({ state: [1] });
  });

  rule("S1 I1", "a load of a later claim fences the earlier one's saves", async (bench) => {
    const [storage, other] = [await bench.open(), await bench.open()];
    const { claim, etag } = await bench.write(storage, ACTOR, 1, { state: bytes(1) });
    const later = bench.loadRequest(ACTOR, 2);
    const row = await loaded(other, later);
    expect(plain(row.parts)).toEqual({ state: [1] });
    expect(row.meta).toMatchObject({ etag, version: 1, generation: 2, token: later.token });
    const zombie = bench.saveRequest(claim, etag, { put: new Map([["state", bytes(9)]]), due: 5 });
    const fenced = { ok: false, refusal: "fenced", generation: 2 };
    expect(await saveOne(storage, zombie)).toEqual(fenced);
    expect(await loadOne(storage, claim)).toEqual(fenced);
    expect(await holds(storage, claim)).toBe(false);
    expect(await loaded(other, later)).toEqual(row);
  });

  rule("R15 I7", "a load of a lower generation is refused with the stored one", async (bench) => {
    const storage = await bench.open();
    const holder = bench.loadRequest(ACTOR, 7);
    await loaded(storage, holder);
    for (const generation of [0, 1, 6])
      expect(await loadOne(storage, bench.loadRequest(ACTOR, generation))).toEqual({
        ok: false,
        refusal: "fenced",
        generation: 7,
      });
    expect(await holds(storage, holder)).toBe(true);
  });

  rule("R1 H2", "of two claims of one generation the token decides", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 4, { state: bytes(1) });
    const twin = bench.loadRequest(ACTOR, 4);
    const fenced = { ok: false, refusal: "fenced", generation: 4 };
    expect(await loadOne(storage, twin)).toEqual(fenced);
    const save = bench.saveRequest(twin, etag, { put: new Map([["state", bytes(2)]]) });
    expect(await saveOne(storage, save)).toEqual(fenced);
    expect(await holds(storage, twin)).toBe(false);
    const row = await loaded(storage, claim);
    expect(row.meta.etag).toBe(etag);
    expect(plain(row.parts)).toEqual({ state: [1] });
  });

  rule("R1 D1", "of loads at once the highest claim holds the row", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    const claims = Array.from({ length: RACERS }, (_, i) =>
      bench.loadRequest(ACTOR, 1 + Math.floor(i / 2)),
    );
    const answers = await Promise.all(
      claims.map(async (claim, i) => await loadOne(sessions[i % 2]!, claim)),
    );
    const held = (await sessions[0]!.verify(claims)).answer;
    expect(held.filter(Boolean)).toHaveLength(1);
    const holder = held.indexOf(true);
    expect(claims[holder]!.generation).toBe(RACERS / 2);
    expect(answers[holder]).toMatchObject({ ok: true });
    // Twins of one generation never both loaded.
    for (let i = 0; i < RACERS; i += 2)
      expect([answers[i]!.ok, answers[i + 1]!.ok]).not.toEqual([true, true]);
  });

  rule("S1 I2", "a save replaces exactly the row that it was computed from", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 1, { state: bytes(1) });
    const request = bench.saveRequest(claim, etag, { put: new Map([["state", bytes(2)]]), due: 4 });
    expect(await saveOne(storage, request)).toEqual({ ok: true });
    const row = await loaded(storage, claim);
    expect(row.meta).toEqual({
      format: ROW_FORMAT,
      generation: 1,
      token: claim.token,
      etag: request.newEtag,
      version: 2,
      due: 4,
    });
    for (const stale of ["", etag, "never"]) {
      const put = new Map([["state", bytes(3)]]);
      const late = bench.saveRequest(claim, stale, { put, del: ["state"], due: 8 });
      expect(await saveOne(storage, late)).toEqual({
        ok: false,
        refusal: "conflict",
        etag: request.newEtag,
      });
    }
    expect(await loaded(storage, claim)).toEqual(row);
  });

  rule("S1 R1", "a save needs both the token and the generation of the row", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 5, { state: bytes(1) });
    const row = await loaded(storage, claim);
    const impostors = [
      { ...claim, generation: 4 },
      { ...claim, generation: 6 },
      { ...claim, token: bench.random.hex128() },
      { ...claim, token: "" },
    ];
    for (const impostor of impostors) {
      const request = bench.saveRequest(impostor, etag, { put: new Map([["state", bytes(2)]]) });
      expect(await saveOne(storage, request)).toEqual({
        ok: false,
        refusal: "fenced",
        generation: 5,
      });
    }
    expect(await loaded(storage, claim)).toEqual(row);
  });

  rule("R9 H12", "a save never creates a row", async (bench) => {
    const storage = await bench.open();
    const claim = bench.loadRequest(ACTOR, 3);
    for (const etag of ["", "seen"]) {
      const put = new Map([["state", bytes(1)]]);
      expect(await saveOne(storage, bench.saveRequest(claim, etag, { put, due: 1 }))).toEqual({
        ok: false,
        refusal: "fenced",
        generation: 0,
      });
    }
    expect(await holds(storage, claim)).toBe(false);
    expect((await storage.parts({ actor: ACTOR, names: ["state"] })).size).toBe(0);
    const { meta, parts } = await loaded(storage, bench.loadRequest(ACTOR, 1));
    expect(meta).toMatchObject({ version: 0, etag: "", due: undefined });
    expect(parts.size).toBe(0);
  });

  rule("R9 H13", "clearing keeps the fence: a late save is refused", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 1, { state: bytes(1) });
    const late = bench.saveRequest(claim, etag, { put: new Map([["state", bytes(2)]]) });
    const clear = bench.saveRequest(claim, etag, { del: ["state"] });
    expect(await saveOne(storage, clear)).toEqual({ ok: true });
    expect(await saveOne(storage, late)).toMatchObject({ ok: false, refusal: "conflict" });
    const row = await bench.rowAfter(storage, ACTOR);
    expect(row.parts.size).toBe(0);
    expect(row.meta).toMatchObject({ version: 2, etag: clear.newEtag });
    expect(await saveOne(storage, late)).toMatchObject({ ok: false, refusal: "fenced" });
  });

  rule("R8 H10", "a save sent again is answered alike and applied once", async (bench) => {
    const storage = await bench.open();
    const claim = bench.loadRequest(ACTOR, 1);
    await loaded(storage, claim);
    const request = bench.saveRequest(claim, "", { put: new Map([["state", bytes(1)]]) });
    for (let i = 0; i < 3; i++) expect(await saveOne(storage, request)).toEqual({ ok: true });
    expect((await loaded(storage, claim)).meta.version).toBe(1);
  });

  rule("R8 D1", "one save sent many times at once is one save", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    const claim = bench.loadRequest(ACTOR, 1);
    await loaded(sessions[0]!, claim);
    const request = bench.saveRequest(claim, "", { put: new Map([["state", bytes(1)]]) });
    const answers = await Promise.all(
      Array.from({ length: RACERS }, (_, i) => saveOne(sessions[i % 2]!, request)),
    );
    for (const answer of answers) expect(answer).toEqual({ ok: true });
    expect((await loaded(sessions[0]!, claim)).meta.version).toBe(1);
  });

  rule("R8 H11", "a save that was applied and fenced since is still answered OK", async (bench) => {
    const storage = await bench.open();
    const claim = bench.loadRequest(ACTOR, 1);
    await loaded(storage, claim);
    const request = bench.saveRequest(claim, "", { put: new Map([["state", bytes(1)]]), due: 3 });
    await saveOne(storage, request);
    const later = bench.loadRequest(ACTOR, 2);
    const row = await loaded(storage, later);
    expect(await saveOne(storage, request)).toEqual({ ok: true });
    expect(await loaded(storage, later)).toEqual(row);
    // Once the new holder has saved, nothing of it remains to be recognised.
    await saveOne(
      storage,
      bench.saveRequest(later, request.newEtag, { put: new Map([["state", bytes(2)]]) }),
    );
    expect(await saveOne(storage, request)).toMatchObject({ ok: false, refusal: "fenced" });
    expect(plain((await loaded(storage, later)).parts)).toEqual({ state: [2] });
  });

  rule("S1 I2", "of saves of one etag at once, exactly one counts", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    const { claim, etag } = await bench.write(sessions[0]!, ACTOR, 1, { state: bytes(0) });
    const requests = Array.from({ length: RACERS }, (_, i) =>
      bench.saveRequest(claim, etag, {
        put: new Map([
          ["state", bytes(i)],
          [`o/${i}`, bytes(i)],
        ]),
      }),
    );
    const answers = await Promise.all(requests.map((r, i) => saveOne(sessions[i % 2]!, r)));
    const winner = answers.findIndex((answer) => answer.ok);
    const newEtag = requests[winner]!.newEtag;
    for (const [i, answer] of answers.entries())
      expect(answer).toEqual(
        i === winner ? { ok: true } : { ok: false, refusal: "conflict", etag: newEtag },
      );
    const row = await loaded(sessions[1]!, claim);
    expect(row.meta).toMatchObject({ version: 2, etag: newEtag });
    expect(plain(row.parts)).toEqual({ state: [winner], [`o/${winner}`]: [winner] });
  });

  rule("R14", "verify says of each claim whether the row still holds it", async (bench) => {
    const storage = await bench.open();
    const { claim } = await bench.write(storage, ACTOR, 2, { state: bytes(1) });
    const absent = bench.loadRequest({ type: "Cart", id: "nobody" }, 1);
    const claims = [
      absent,
      claim,
      { ...claim, generation: 1 },
      { ...claim, generation: 3 },
      { ...claim, token: "another" },
      claim,
    ];
    expect((await storage.verify(claims)).answer).toEqual([false, true, false, false, false, true]);
    // Verifying is only looking.
    expect((await loaded(storage, absent)).meta.version).toBe(0);
  });
}
