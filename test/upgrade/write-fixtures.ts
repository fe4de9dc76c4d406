// Writes what every store holds after this release has filled it. `pnpm fixtures 1.2.3` calls it, once, when 1.2.3 is made.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@tenure/core/internal";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";
import { nats } from "@tenure/nats";
import { postgres } from "@tenure/postgres";
import { redis } from "@tenure/redis";
import { embedded } from "@tenure/sqlite";
import { Redis } from "ioredis";
import { startNats } from "../support/nats-server.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { startRedis } from "../support/redis-server.ts";
import { Archive, fill, IDS } from "./archive.ts";
import { takeRows } from "./raw-rows.ts";
import { dumpPostgres } from "./postgres-dump.ts";
import { dumpRedis } from "./redis-dump.ts";
import { newRelease } from "./releases.ts";
import { siloAt, type Stores } from "./silo-at.ts";
import { dumpStreams } from "./stream-dump.ts";

export async function writeFixtures(release: string, why: string): Promise<string> {
  const { dir } = newRelease(release, why);
  await writeRows(dir);
  await writeSqlite(dir);
  await writeRedis(dir);
  await writePostgres(dir);
  await writeJetStream(dir);
  return dir;
}

async function fillStores(stores: Stores): Promise<void> {
  const { silo } = await siloAt(stores, systemClock(), [Archive], true);
  await fill(silo.client);
  await silo.stop();
}

async function writeRows(dir: string): Promise<void> {
  const storage = memoryStorage();
  await fillStores({ directory: memoryDirectory(), storage });
  const ids = [...IDS, "everything", "keyed"];
  const rows = await takeRows(
    storage,
    ids.map((id) => ({ type: "archive", id })),
  );
  writeJson(join(dir, "rows.json"), rows);
}

async function writeSqlite(dir: string): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "tenure-fixture-"));
  await fillStores(embedded({ dir: home }));
  copyFileSync(join(home, "tenure.db"), join(dir, "tenure.db"));
  rmSync(home, { recursive: true });
}

async function writeRedis(dir: string): Promise<void> {
  const server = await startRedis();
  const raw = new Redis(server.port, "127.0.0.1");
  try {
    await fillStores(redis({ url: server.url }));
    writeJson(join(dir, "redis.json"), await dumpRedis(raw));
  } finally {
    raw.disconnect();
    await server.stop();
  }
}

async function writePostgres(dir: string): Promise<void> {
  const server = await startPostgres();
  try {
    await fillStores(postgres({ url: server.url }));
    writeFileSync(join(dir, "postgres.sql"), dumpPostgres(server.url));
  } finally {
    await server.stop();
  }
}

async function writeJetStream(dir: string): Promise<void> {
  const server = await startNats();
  try {
    await fillStores(nats({ servers: server.url }));
    writeJson(join(dir, "jetstream.json"), await dumpStreams(server.url));
  } finally {
    await server.stop();
  }
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
