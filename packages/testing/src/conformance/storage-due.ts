// The due index: which rows must be woken, and that it never differs from the rows.
import {
  type ActorAddress,
  DUE_BUCKETS,
  dueBucket,
  encodeActorKey,
  type Storage,
} from "@tenure/core/internal";
import { expect } from "vitest";
import { actors, bytes, STRANGE_ACTORS } from "./samples.ts";
import { loaded, saveOne, type StorageRule } from "./storage-bench.ts";

const ACTOR = { type: "Cart", id: "alice" };
const NOON = 1_790_000_000_000;
const PLENTY = 1_000;

const bucketOf = (actor: ActorAddress): number => dueBucket(encodeActorKey(actor));

/** Every actor that is due by then, in all buckets. */
async function dueBy(storage: Storage, time: number): Promise<ActorAddress[]> {
  const found: ActorAddress[] = [];
  for (let bucket = 0; bucket < DUE_BUCKETS; bucket++)
    for (const { actor, due } of await storage.dueBefore(bucket, time, PLENTY)) {
      expect(bucketOf(actor)).toBe(bucket);
      expect(due).toBeLessThanOrEqual(time);
      found.push(actor);
    }
  return found;
}

export function dueTests(rule: StorageRule): void {
  rule("S6", "a row is listed from its due time on, in its bucket", async (bench) => {
    const [storage, other] = [await bench.open(), await bench.open()];
    await bench.write(storage, ACTOR, 1, { state: bytes(1) }, NOON);
    const bucket = bucketOf(ACTOR);
    const due = [{ actor: ACTOR, due: NOON }];
    expect(await other.dueBefore(bucket, NOON - 1, PLENTY)).toEqual([]);
    expect(await other.dueBefore(bucket, NOON, PLENTY)).toEqual(due);
    expect(await other.dueBefore(bucket, NOON * 2, PLENTY)).toEqual(due);
    expect(await other.dueBefore((bucket + 1) % DUE_BUCKETS, NOON, PLENTY)).toEqual([]);
  });

  rule("S6", "each save moves the row in the index, or takes it out", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 1, {}, NOON);
    const bucket = bucketOf(ACTOR);
    let current = etag;
    for (const due of [NOON + 50, NOON - 50, undefined, 0, undefined, NOON]) {
      const request = bench.saveRequest(claim, current, { due });
      expect(await saveOne(storage, request)).toEqual({ ok: true });
      current = request.newEtag;
      expect((await loaded(storage, claim)).meta.due).toBe(due);
      expect(await storage.dueBefore(bucket, NOON * 2, PLENTY)).toEqual(
        due === undefined ? [] : [{ actor: ACTOR, due }],
      );
    }
  });

  rule("S6", "a load keeps the due time; a refused save does not change it", async (bench) => {
    const storage = await bench.open();
    const { claim, etag } = await bench.write(storage, ACTOR, 1, {}, NOON);
    const later = bench.loadRequest(ACTOR, 2);
    expect((await loaded(storage, later)).meta.due).toBe(NOON);
    await saveOne(storage, bench.saveRequest(claim, etag, { due: 1 }));
    await saveOne(storage, bench.saveRequest(later, "stale", { due: undefined }));
    const due = [{ actor: ACTOR, due: NOON }];
    expect(await storage.dueBefore(bucketOf(ACTOR), NOON, PLENTY)).toEqual(due);
  });

  rule("S6", "no more rows are listed than asked for", async (bench) => {
    const storage = await bench.open();
    const wanted = bucketOf(ACTOR);
    const some = actors(800).filter((actor) => bucketOf(actor) === wanted);
    expect(some.length).toBeGreaterThan(3);
    for (const actor of some) await bench.write(storage, actor, 1, {}, NOON);
    expect(await storage.dueBefore(wanted, NOON, 3)).toHaveLength(3);
    expect(await storage.dueBefore(wanted, NOON, some.length)).toHaveLength(some.length);
    expect(await storage.dueBefore(wanted, NOON, PLENTY)).toHaveLength(some.length);
  });

  rule("S6 A2", "actors of strange names are listed by their names", async (bench) => {
    const storage = await bench.open();
    for (const [i, actor] of STRANGE_ACTORS.entries())
      await bench.write(storage, actor, 1, {}, NOON + i);
    const found = await dueBy(storage, NOON + STRANGE_ACTORS.length);
    const names = (list: readonly ActorAddress[]): string[] =>
      list.map((actor) => JSON.stringify([actor.type, actor.id])).toSorted();
    expect(names(found)).toEqual(names(STRANGE_ACTORS));
    expect(await dueBy(storage, NOON)).toEqual([STRANGE_ACTORS[0]]);
  });
}
