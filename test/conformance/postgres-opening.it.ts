// Which servers and schemas Tenure opens, and what it says of those that it does not.
import { ConfigError, type PortEnvironment, UnreachableError } from "@tenure/core/internal";
import { postgres } from "@tenure/postgres";
import { MIGRATIONS, migrate, type RunSql } from "@tenure/postgres/internal";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join as path } from "node:path";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  freePort,
  NO_POSTGRES,
  type PostgresServer,
  startPostgres,
} from "../support/postgres-server.ts";
import {
  ACTOR,
  atEnd,
  claim,
  cleanUp,
  client,
  environment,
  join,
  openBoth,
  start,
} from "./postgres-bench.ts";

afterEach(cleanUp);

describe.skipIf(NO_POSTGRES)(`opening postgres${NO_POSTGRES ? `; ${NO_POSTGRES}` : ""}`, () => {
  /** For tests that make a database or a schema of their own. */
  let shared: PostgresServer;
  beforeAll(async () => {
    shared = await startPostgres();
  });
  afterAll(() => shared?.stop());

  async function database(name: string, how = ""): Promise<string> {
    await client(shared).query(`CREATE DATABASE ${name} ${how}`);
    return `${shared.url}/${name}`;
  }

  async function sql(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
    const raw = new Client({ connectionString: url });
    await raw.connect();
    try {
      return (await raw.query<Record<string, unknown>>(text)).rows;
    } finally {
      await raw.end();
    }
  }

  test("a server that is not there is named, and its password is not", async () => {
    const port = await freePort();
    const backend = postgres({ url: `postgres://user:secret@127.0.0.1:${port}/shop` });
    const started = performance.now();
    const error = await backend.storage.open(environment).catch((reason: unknown) => reason);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(String(error)).toContain(`postgres at 127.0.0.1:${port} cannot be reached`);
    expect(String(error)).toContain("ECONNREFUSED");
    expect(String(error)).not.toContain("secret");
    await expect(backend.directory.open(environment)).rejects.toBeInstanceOf(UnreachableError);
  });

  test("a server that takes connections and says nothing is given up in openTimeoutMs", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    atEnd(async () => {
      silent.close();
    });
    const { port } = silent.address() as { port: number };
    const opened = postgres({ url: `postgres://me@127.0.0.1:${port}` }).storage.open({
      ...environment,
      openTimeoutMs: 300,
    });
    await expect(opened).rejects.toThrow(
      expect.objectContaining({ code: "UNREACHABLE", details: { address: `127.0.0.1:${port}` } }),
    );
  });

  test("a password that is wrong, or missing, is an error of the configuration", async () => {
    const server = await start();
    await client(server).query("ALTER USER postgres PASSWORD 'secret'");
    writeFileSync(
      path(server.dir, "data/pg_hba.conf"),
      "host all all 127.0.0.1/32 scram-sha-256\n",
    );
    await server.restart();
    const at = `127.0.0.1:${server.port}`;
    await expect(openBoth(`postgres://postgres:wrong@${at}`)).rejects.toThrow(
      /did not accept the user and password/,
    );
    await expect(openBoth(`postgres://postgres@${at}`)).rejects.toBeInstanceOf(ConfigError);
    const { directory } = await openBoth(`postgres://postgres:secret@${at}`);
    await join(directory);
  });

  test("a database that the server does not have is refused", async () => {
    await expect(openBoth(`${shared.url}/nowhere`)).rejects.toThrow(
      /^postgres\.url: .* does not have that database/,
    );
  });

  test("a database that does not keep all text is refused", async () => {
    const url = await database("latin", "ENCODING LATIN1 TEMPLATE template0");
    await expect(openBoth(url)).rejects.toThrow(/has a database in LATIN1/);
    expect(await sql(url, "SELECT to_regnamespace('tenure') AS made")).toEqual([{ made: null }]);
  });

  test("a standby is refused, and no session that is led to one gets an answer (D3)", async () => {
    const primary = await start({ config: "wal_level = replica" });
    const { directory, storage } = await openBoth(primary.url);
    await join(directory);
    const standby = await standbyOf(primary);
    await expect(openBoth(standby.url)).rejects.toThrow(/^postgres\.url: .* is a standby/);
    await expect(openBoth(standby.url)).rejects.toBeInstanceOf(ConfigError);
    // The address of the primary leads to the standby.
    await primary.kill();
    await standby.kill();
    cpSync(path(standby.dir, "data"), path(primary.dir, "data"), { recursive: true, force: true });
    ownAsServer(path(primary.dir, "data"));
    await primary.restart("hot_standby = on");
    const asked = [directory.members(), directory.lookup([ACTOR]), storage.verify([])];
    // Awaited together: any of them may be the first to reject.
    await Promise.all(asked.map((answer) => expect(answer).rejects.toThrow(/is a standby/)));
  });

  test("a server that takes no writes is refused", async () => {
    const server = await start({ config: "default_transaction_read_only = on" });
    await expect(openBoth(server.url)).rejects.toThrow(/takes no writes \(default_transaction/);
  });

  test("strict is refused without flushes before answers, and granted with them", async () => {
    const volatile = await start();
    await expect(openBoth(volatile.url, { durability: "strict" })).rejects.toThrow(
      /^durability: 'strict' needs .*fsync off/,
    );
    const late = await start({ config: "fsync = on\nsynchronous_commit = off" });
    await expect(openBoth(late.url, { durability: "strict" })).rejects.toThrow(
      /synchronous_commit off/,
    );
    const durable = await start({ config: "fsync = on" });
    const { directory, storage } = await openBoth(durable.url, { durability: "strict" });
    expect(directory.durability).toMatch(
      /^an acknowledged write survives a crash of the server and/,
    );
    expect(storage.durability).toBe(directory.durability);
  });

  test("a strict session takes no answer from a server whose settings became weaker (PC5)", async () => {
    const server = await start({ config: "fsync = on" });
    const { directory } = await openBoth(server.url, { durability: "strict" });
    await join(directory);
    await server.restart("fsync = off");
    await expect(directory.members()).rejects.toThrow(/fsync off/);
  });

  test("silos that start at once on an empty database make its schema once (PM2)", async () => {
    const url = await database("fresh");
    const opened = await Promise.all(Array.from({ length: 6 }, () => openBoth(url)));
    await join(opened[0]!.directory);
    const { answer } = await opened[5]!.directory.members();
    expect(answer.members).toHaveLength(1);
    expect(await sql(url, "SELECT version FROM tenure.schema_version")).toEqual([
      { version: MIGRATIONS.length },
    ]);
  });

  test("a user who may create nothing opens a schema that is there (PM1)", async () => {
    const url = await database("granted");
    await openBoth(url);
    await sql(
      url,
      `CREATE USER clerk; GRANT USAGE ON SCHEMA tenure TO clerk;
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tenure TO clerk`,
    );
    const { directory, storage } = await openBoth(url.replace("postgres@", "clerk@"));
    await join(directory);
    expect((await directory.claim([claim("bob", "t2")])).answer).toMatchObject([{ ok: true }]);
    expect(
      (await storage.load([{ actor: ACTOR, generation: 1, token: "t" }])).answer,
    ).toMatchObject([{ ok: true }]);
    const elsewhere = openBoth(url.replace("postgres@", "clerk@"), {}, { schema: "other" });
    await expect(elsewhere).rejects.toThrow(/^postgres\.schema: .*"other".* grant CREATE/);
  });

  test("a newer schema is refused and left as it is (PM3)", async () => {
    const url = await database("newer");
    await openBoth(url);
    await sql(url, "UPDATE tenure.schema_version SET version = 99");
    await expect(openBoth(url)).rejects.toThrow(
      /^postgres\.schema: .* has version 99, and this version of @tenure\/postgres knows only/,
    );
    expect(await sql(url, "SELECT version FROM tenure.schema_version")).toEqual([{ version: 99 }]);
  });

  test("an older schema is brought to the newest version, with what it holds (PM2)", async () => {
    const url = await database("older");
    const { directory } = await openBoth(url);
    await join(directory);
    const next = [...MIGRATIONS, "ALTER TABLE members ADD COLUMN colour text DEFAULT 'grey'"];
    await migrated(url, next);
    expect(await sql(url, "SELECT version FROM tenure.schema_version")).toEqual([
      { version: next.length },
    ]);
    expect(await sql(url, "SELECT colour FROM tenure.members")).toEqual([{ colour: "grey" }]);
  });

  test("a migration that fails has changed nothing (PM2)", async () => {
    const url = await database("failing");
    await openBoth(url);
    const next = [...MIGRATIONS, "ALTER TABLE rows ADD COLUMN colour text", "ALTER TABLE nobody"];
    await expect(migrated(url, next)).rejects.toThrow(/syntax error/);
    expect(await sql(url, "SELECT version FROM tenure.schema_version")).toEqual([
      { version: MIGRATIONS.length },
    ]);
    const columns = await sql(
      url,
      "SELECT 1 FROM information_schema.columns WHERE table_name = 'rows' AND column_name = 'colour'",
    );
    expect(columns).toEqual([]);
  });

  test("a schema that holds something else is refused and left as it is (PM3)", async () => {
    const url = await database("foreign_schema");
    await sql(url, "CREATE SCHEMA tenure; CREATE TABLE tenure.rows (mine int)");
    await expect(openBoth(url)).rejects.toThrow(
      /^postgres\.schema: .* holds something else \(rows\)/,
    );
    await sql(url, "DROP TABLE tenure.rows; CREATE TABLE tenure.schema_version (version int)");
    await expect(openBoth(url)).rejects.toThrow(/schema_version that is not ours/);
  });

  test("clusters in schemas of their own do not meet, though they have one name (I14)", async () => {
    const url = await database("schemas");
    const one = await openBoth(url, {}, { schema: "one" });
    const two = await openBoth(url, {}, { schema: "two" });
    await join(one.directory);
    await one.storage.load([{ actor: ACTOR, generation: 7, token: "t1" }]);
    expect((await two.directory.members()).answer).toMatchObject({
      members: [],
      sentinel: undefined,
    });
    const { answer } = await two.storage.load([{ actor: ACTOR, generation: 1, token: "t2" }]);
    expect(answer).toMatchObject([{ ok: true }]);
  });

  test("a wait for an answer that is longer than a lease is refused before anything is opened", async () => {
    const changes: Partial<PortEnvironment> = { leaseTtlMs: 1_000 };
    await expect(openBoth(shared.url, changes)).rejects.toThrow(/^postgres\.commandTimeoutMs: /);
  });
});

async function migrated(url: string, migrations: readonly string[]): Promise<void> {
  const raw = new Client({ connectionString: url, options: '-c search_path="tenure"' });
  await raw.connect();
  const run: RunSql = async (text, values) =>
    (await raw.query<Record<string, unknown>>(text, values && [...values])).rows;
  try {
    await migrate(run, { schema: "tenure", address: "here" }, migrations);
  } finally {
    await raw.end();
  }
}

/** A server that follows a primary: a copy of it, which then streams its log. */
async function standbyOf(primary: PostgresServer): Promise<PostgresServer> {
  const standby = await start();
  await standby.kill();
  const raw = client(primary);
  await raw.query("CHECKPOINT");
  const data = path(standby.dir, "data");
  const { rows } = await raw.query<{ bin: string }>(
    "SELECT regexp_replace(setting, '/[^/]*$', '') AS bin FROM pg_config WHERE name = 'BINDIR' " +
      "UNION ALL SELECT setting FROM pg_config WHERE name = 'BINDIR' LIMIT 2",
  );
  execFileSync("rm", ["-rf", data]);
  execFileSync(path(rows[1]!.bin, "pg_basebackup"), [
    "-d",
    primary.url,
    "-D",
    data,
    "-c",
    "fast",
    "-R",
  ]);
  ownAsServer(data);
  await standby.restart("hot_standby = on");
  return standby;
}

/** What root has made belongs to the user that servers run as. */
function ownAsServer(dir: string): void {
  if (process.getuid?.() === 0) execFileSync("chown", ["-R", "nobody:nogroup", dir]);
}
