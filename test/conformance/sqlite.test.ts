// The embedded stores keep what their ports promise, damage and restarts included, case by case and against the models.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ActorAddress, encodeActorKey, ROW_FORMAT } from "@tenure/core/internal";
import { embedded } from "@tenure/sqlite";
import { DATABASE_FILE, loadDriver, type SqlDatabase } from "@tenure/sqlite/internal";
import {
  directoryConformance,
  directoryModelConformance,
  jointConformance,
  type OpenedDirectory,
  type OpenedStorage,
  type Planted,
  storageConformance,
  storageModelConformance,
} from "@tenure/testing/internal";

/** Where a flush costs nothing. The model suites make some ten thousand commits and open the file some hundred times. */
const QUICK_DISK = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

directoryConformance({
  name: "sqlite",
  open: () => openDirectory(tmpdir()),
  skip: [{ rule: "R13", reason: "whoever holds the file may trust it: it is open from the start" }],
});

storageConformance({ name: "sqlite", open: () => openStorage(tmpdir()) });

directoryModelConformance({
  name: "sqlite",
  startsOpen: true,
  reopeningProvesDeath: true,
  open: () => openDirectory(QUICK_DISK),
  skip: [
    { rule: "claim closed", reason: "whoever holds the file may trust it: it is open" },
    { rule: "refused twice", reason: "whoever opens the file finds nobody alive in it" },
  ],
});

storageModelConformance({ name: "sqlite", open: () => openStorage(QUICK_DISK) });

jointConformance({
  name: "sqlite",
  open: async () => {
    const dir = await mkdtemp(join(QUICK_DISK, "tenure-conformance-"));
    return {
      provider: embedded({ dir }).directory,
      dispose: () => rm(dir, { recursive: true }),
      plantRow: {
        damagedRow: (cluster, actor) => spoilRow(dir, cluster, actor, "generation = -1"),
      },
    };
  },
});

async function openDirectory(disk: string): Promise<OpenedDirectory> {
  const dir = await mkdtemp(join(disk, "tenure-conformance-"));
  const where = "cluster = (SELECT id FROM clusters WHERE name = ?) AND ";
  return {
    provider: embedded({ dir }).directory,
    reopen: async () => embedded({ dir }).directory,
    dispose: () => rm(dir, { recursive: true }),
    plant: {
      damagedEntry: (cluster, actor) => {
        const at = { table: "entries", where: `${where} actor = ?` };
        const values = [cluster, encodeActorKey(actor)];
        return spoil(dir, { ...at, values, change: `record = substr(record, 1, 40)` });
      },
      damagedMember: (cluster, incarnation) => {
        const at = { table: "members", where: `${where} incarnation = ?` };
        const values = [cluster, incarnation];
        return spoil(dir, {
          ...at,
          values,
          change: `record = replace(record, '"rev":', '"vre":')`,
        });
      },
      lostMember: (cluster, incarnation) =>
        inFile(dir, (database) => {
          for (const table of ["members", "swept"])
            database
              .prepare(`DELETE FROM ${table} WHERE ${where} incarnation = ?`)
              .run(cluster, incarnation);
        }),
    },
  };
}

async function openStorage(disk: string): Promise<OpenedStorage> {
  const dir = await mkdtemp(join(disk, "tenure-conformance-"));
  return {
    provider: embedded({ dir }).storage,
    reopen: async () => embedded({ dir }).storage,
    dispose: () => rm(dir, { recursive: true }),
    plant: {
      damagedRow: (cluster, actor) => spoilRow(dir, cluster, actor, "generation = -1"),
      newerRow: (cluster, actor) => spoilRow(dir, cluster, actor, `format = ${ROW_FORMAT + 1}`),
    },
  };
}

function spoilRow(
  dir: string,
  cluster: string,
  actor: ActorAddress,
  change: string,
): Promise<Planted> {
  return spoil(dir, {
    table: "rows",
    where: "cluster = (SELECT id FROM clusters WHERE name = ?) AND actor = ?",
    values: [cluster, encodeActorKey(actor)],
    change,
  });
}

interface Damage {
  readonly table: string;
  readonly where: string;
  readonly values: string[];
  readonly change: string;
}

async function spoil(dir: string, { table, where, values, change }: Damage): Promise<Planted> {
  const read = (database: SqlDatabase): string =>
    JSON.stringify(database.prepare(`SELECT * FROM ${table} WHERE ${where}`).all(...values));
  const planted = await inFile(dir, (database) => {
    const before = read(database);
    database.prepare(`UPDATE ${table} SET ${change} WHERE ${where}`).run(...values);
    const after = read(database);
    if (after === before) throw new Error(`nothing to damage in ${table}`);
    return after;
  });
  return { unchanged: () => inFile(dir, (database) => read(database) === planted) };
}

async function inFile<T>(dir: string, work: (database: SqlDatabase) => T): Promise<T> {
  const database = (await loadDriver()).open(join(dir, DATABASE_FILE));
  try {
    return work(database);
  } finally {
    database.close();
  }
}
