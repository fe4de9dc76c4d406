// What Tenure on PostgreSQL does when the server is gone or hangs, or its connections end.
import { StoreUnavailableError } from "@tenure/core/internal";
import { afterEach, describe, expect, test } from "vitest";
import { NO_POSTGRES } from "../support/postgres-server.ts";
import {
  ACTOR,
  claim,
  cleanUp,
  client,
  eventually,
  join,
  locking,
  ME,
  nextEvent,
  openBoth,
  save,
  start,
} from "./postgres-bench.ts";

afterEach(cleanUp);

const LOAD = { actor: ACTOR, generation: 1, token: "t1" };

describe.skipIf(NO_POSTGRES)(`postgres away${NO_POSTGRES ? `; ${NO_POSTGRES}` : ""}`, () => {
  test("a server that was killed has all that it acknowledged; operations are refused meanwhile, and work again (R7)", async () => {
    const server = await start();
    const { emit, seen } = nextEvent("store.unavailable");
    const { directory, storage } = await openBoth(server.url, { emit });
    await join(directory);
    await directory.claim([claim("alice", "t1")]);
    await storage.load([LOAD]);
    await storage.save([save()]);

    await server.kill();
    const asked = [
      directory.members(),
      directory.claim([claim("bob", "t2")]),
      storage.save([save({ etag: "e1", newEtag: "e2" })]),
      storage.parts({ actor: ACTOR, names: ["state"] }),
    ];
    for (const result of await Promise.allSettled(asked)) {
      expect(result).toMatchObject({ status: "rejected" });
      const { reason } = result as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(StoreUnavailableError);
      expect(String(reason)).toContain(`127.0.0.1:${server.port}`);
    }
    expect(await seen).toMatchObject({ store: `postgres at 127.0.0.1:${server.port}` });

    await server.restart();
    const { answer } = await eventually(() => directory.members());
    expect(answer.members).toMatchObject([{ incarnation: ME, name: "north" }]);
    const found = await eventually(() => directory.lookup([ACTOR]));
    expect(found.answer).toMatchObject([{ ok: true, entry: { token: "t1", free: false } }]);
    // The save that was acknowledged, sent again, is known (R8); the one that was not is taken now.
    expect((await eventually(() => storage.save([save()]))).answer).toEqual([{ ok: true }]);
    const next = save({ etag: "e1", newEtag: "e2" });
    expect((await eventually(() => storage.save([next]))).answer).toEqual([{ ok: true }]);
  });

  test("a server that hangs is given up in time, and works when it goes on; what was sent then counts once", async () => {
    const server = await start();
    const { storage } = await openBoth(server.url);
    await storage.load([LOAD]);
    server.freeze();
    const error = await storage.save([save()]).catch((e: unknown) => e);
    server.thaw();
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect((await eventually(() => storage.save([save()]))).answer).toEqual([{ ok: true }]);
    const { answer } = await eventually(() => storage.load([LOAD]));
    expect(answer).toMatchObject([{ ok: true, row: { meta: { etag: "e1", version: 1 } } }]);
  });

  test("a save that waits for another's lock is given up in time, and is not applied behind its caller's back (PC2, PC3)", async () => {
    const server = await start();
    const { storage } = await openBoth(server.url);
    await storage.load([LOAD]);
    const letGo = await locking(server, "SELECT FROM tenure.rows FOR UPDATE");
    await expect(storage.save([save()])).rejects.toBeInstanceOf(StoreUnavailableError);
    await letGo();
    const { answer } = await eventually(() => storage.load([LOAD]));
    expect(answer).toMatchObject([{ ok: true, row: { meta: { etag: "", version: 0 } } }]);
  });

  test("connections that an operator ends, idle ones too, are made anew, and the process lives", async () => {
    const server = await start();
    const { directory, storage } = await openBoth(server.url);
    await join(directory);
    await storage.load([LOAD]);
    const ended = await client(server).query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tenure-%'",
    );
    expect(ended.rowCount).toBeGreaterThan(0);
    const { answer } = await eventually(() => directory.members());
    expect(answer.members).toHaveLength(1);
    expect((await eventually(() => storage.save([save()]))).answer).toEqual([{ ok: true }]);
  });

  test("after close every operation rejects, also while the server hangs (D6, PC6)", async () => {
    const server = await start();
    const { directory, storage } = await openBoth(server.url);
    server.freeze();
    await Promise.all([directory.close(), storage.close()]);
    server.thaw();
    await expect(directory.members()).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(storage.load([LOAD])).rejects.toBeInstanceOf(StoreUnavailableError);
  });
});
