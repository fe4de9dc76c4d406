// The embedded stores as a whole: options, the file and its lock, restarts.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConfigError,
  type Directory,
  type PortEnvironment,
  type RegisterRequest,
  type Storage,
  systemClock,
  systemRandom,
} from "@tenure/core/internal";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closeDatabaseFile, DATABASE_FILE, openDatabaseFile, PID_FILE } from "./database-file.ts";
import { loadDriver } from "./driver.ts";
import { type Embedded, embedded } from "./embedded.ts";

const ACTOR = { type: "Cart", id: "alice" };
const random = systemRandom();
const environment: PortEnvironment = {
  cluster: "test",
  clock: systemClock(),
  random,
  emit: () => {},
  leaseTtlMs: 4_000,
  openTimeoutMs: 5_000,
  durability: "default",
};

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tenure-sqlite-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function both(stores: Embedded): Promise<[Directory, Storage]> {
  return [await stores.directory.open(environment), await stores.storage.open(environment)];
}

function registration(name: string): RegisterRequest {
  return {
    incarnation: random.hex128(),
    name,
    types: {},
    roles: [],
    protocol: 1,
    proposedStoreId: "store",
    bootstrap: false,
  };
}

async function refusalOf(stores: Embedded): Promise<Error> {
  return await stores.directory.open(environment).then(
    async (session) => {
      await session.close();
      throw new Error("it opened");
    },
    (error: Error) => error,
  );
}

/** Changes the file while nobody holds it. */
async function inFile(sql: string): Promise<void> {
  const database = (await loadDriver()).open(join(dir, DATABASE_FILE));
  database.exec(sql);
  database.close();
}

describe("options", () => {
  test.each([undefined, null, 3, "", "  ", {}, "a\0b"])("%j is no directory", (value) => {
    const make = (): Embedded => embedded({ dir: value } as never);
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(/^dir: .*must be the path of a directory/);
  });

  test("no options at all are refused alike", () => {
    expect(() => embedded(undefined as never)).toThrow(ConfigError);
  });

  test("making the stores opens nothing", async () => {
    embedded({ dir: join(dir, "later") });
    expect(await readdir(dir)).toEqual([]);
  });

  test("a directory that is absent is made, its parents too", async () => {
    const session = await embedded({ dir: join(dir, "a/b") }).storage.open(environment);
    await session.close();
    expect(await readdir(join(dir, "a/b"))).toEqual([DATABASE_FILE]);
  });

  test("a file is no directory, nor is anything below it", async () => {
    const file = join(dir, "file");
    await writeFile(file, "");
    for (const path of [file, join(file, "below")]) {
      const error = await refusalOf(embedded({ dir: path }));
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toContain(JSON.stringify(path));
      expect(error.message).toContain("is or is below a file");
    }
  });

  test("a directory that cannot be written is refused", async () => {
    const error = await refusalOf(embedded({ dir: "/proc/tenure" }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('"/proc/tenure"');
  });
});

describe("the file", () => {
  test("is held while a session is open, and plain afterwards (E1)", async () => {
    const stores = embedded({ dir });
    const [directory, storage] = await both(stores);
    expect(await readFile(join(dir, PID_FILE), "utf8")).toBe(`${process.pid}\n`);
    await directory.close();
    expect((await storage.verify([])).answer).toEqual([]);
    await storage.close();
    expect(await readdir(dir)).toEqual([DATABASE_FILE]);
  });

  test("has one owner: a second one of the same process is told so (F1)", async () => {
    const [directory, storage] = await both(embedded({ dir }));
    const error = await refusalOf(embedded({ dir }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain(`open in this process already (pid ${process.pid})`);
    expect(error.message).toContain("give it to all silos");
    // The refusal has cost the owner nothing.
    expect((await directory.register(registration("s"))).answer.ok).toBe(true);
    await directory.close();
    await storage.close();
    const session = await embedded({ dir }).directory.open(environment);
    await session.close();
  });

  test("is opened again after the last session has closed (E1)", async () => {
    const stores = embedded({ dir });
    for (let generation = 1; generation <= 3; generation++) {
      const [directory, storage] = await both(stores);
      const claim = { actor: ACTOR, generation, token: random.hex128() };
      expect((await storage.load([claim])).answer[0]).toMatchObject({ ok: true });
      await Promise.all([directory.close(), storage.close()]);
    }
  });

  test("opened by many at once is opened once (E1)", async () => {
    const stores = embedded({ dir });
    const sessions = await Promise.all(
      Array.from({ length: 5 }, async () => await stores.storage.open(environment)),
    );
    await Promise.all(sessions.map(async (session) => await session.close()));
    expect(await readdir(dir)).toEqual([DATABASE_FILE]);
  });

  test("has all that was asked for before the close (E2)", async () => {
    const stores = embedded({ dir });
    const storage = await stores.storage.open(environment);
    const claim = { actor: ACTOR, generation: 1, token: "t" };
    const order: string[] = [];
    const loading = storage.load([claim]).then(({ answer }) => order.push(`ok: ${answer[0]!.ok}`));
    const closing = storage.close().then(() => order.push("closed"));
    await Promise.all([loading, closing]);
    expect(order).toEqual(["ok: true", "closed"]);
    const again = await stores.storage.open(environment);
    expect((await again.verify([claim])).answer).toEqual([true]);
    await again.close();
  });

  test("is flushed to disk at each commit (G2)", async () => {
    const database = openDatabaseFile(await loadDriver(), dir);
    const setting = (name: string): unknown => database.prepare(`PRAGMA ${name}`).get()![name];
    expect(setting("journal_mode")).toBe("wal");
    expect(setting("locking_mode")).toBe("exclusive");
    // 2 is FULL: in WAL mode every commit is flushed, not only checkpoints.
    expect(setting("synchronous")).toBe(2);
    closeDatabaseFile(database, dir);
  });

  test("proves to its next owner that all before it are dead (F3)", async () => {
    const first = await embedded({ dir }).directory.open(environment);
    const request = registration("same name");
    await first.register(request);
    const { incarnation } = request;
    const claim = { actor: ACTOR, incarnation, floor: 0, reason: "call" } as const;
    await first.claim([{ ...claim, token: "old", expected: "free" }]);
    await first.close();
    // As if it had been left closed: whoever holds the file can trust it all the same (R13).
    await inFile("UPDATE clusters SET open = 0");

    const second = await embedded({ dir }).directory.open(environment);
    const { answer } = await second.members();
    expect(answer.members).toMatchObject([{ incarnation, state: "dead", rev: 2 }]);
    expect(answer.sentinel).toEqual({ storeId: "store", open: true });
    const heir = registration("same name");
    expect((await second.register(heir)).answer.ok).toBe(true);
    const takeover = { ...claim, incarnation: heir.incarnation, token: "new" };
    const claimed = await second.claim([{ ...takeover, expected: { token: "old" } }]);
    expect(claimed.answer).toMatchObject([{ ok: true, generation: 2 }]);
    await second.close();
  });
});

describe("a file that is not ours to write", () => {
  async function given(sql: string): Promise<Buffer> {
    await inFile(sql);
    return await readFile(join(dir, DATABASE_FILE));
  }

  test("of a newer schema is refused and untouched (F2)", async () => {
    const session = await embedded({ dir }).directory.open(environment);
    await session.close();
    const before = await given("PRAGMA user_version = 3");
    const error = await refusalOf(embedded({ dir }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain("schema version 3");
    expect(await readFile(join(dir, DATABASE_FILE))).toEqual(before);
  });

  test("of another program is refused and untouched (F2)", async () => {
    const before = await given("CREATE TABLE theirs (x)");
    const error = await refusalOf(embedded({ dir }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain("another program");
    expect(await readFile(join(dir, DATABASE_FILE))).toEqual(before);
  });

  test("that is no database is refused and untouched (F2)", async () => {
    const bytes = "not a database at all\n".repeat(100);
    await writeFile(join(dir, DATABASE_FILE), bytes);
    const error = await refusalOf(embedded({ dir }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain("not a database");
    expect(await readFile(join(dir, DATABASE_FILE), "utf8")).toBe(bytes);
  });

  test("that is a directory is refused (F2)", async () => {
    await mkdir(join(dir, DATABASE_FILE));
    expect(await refusalOf(embedded({ dir }))).toBeInstanceOf(ConfigError);
  });
});
