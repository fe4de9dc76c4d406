// The file: who may have it, and what must be true of it before anything is read.
//   F1. A file belongs to one process, by SQLite's exclusive lock, which the operating system frees with the process.
//       A second opener is refused, naming the first.
//   F2. Nothing is written before the lock is held and the schema is known to be ours.
//   F3. Who takes the lock has proof that every recorded incarnation is dead: they are marked so, and the directories
//       opened, in the first transaction (R13). So a restart after a crash serves at once.
//   F4. A file of an older schema is upgraded in that transaction: all of it, or nothing.
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  assert,
  ConfigError,
  DamagedRecord,
  decideMarkDead,
  decodeMember,
  encodeMember,
} from "@tenure/core/internal";
import { isBusy, type SqlDatabase, type SqlDriver } from "./driver.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION, UPGRADES } from "./schema.ts";

export const DATABASE_FILE = "tenure.db";
export const PID_FILE = "tenure.pid";
/** How long an opener waits for another that is just being refused. It blocks the loop, so it is short. */
const LOCK_WAIT_MS = 250;

/** Opens the database in `dir`, and holds its lock until it is closed. */
export function openDatabaseFile(driver: SqlDriver, dir: string): SqlDatabase {
  makeDirectory(dir);
  let database: SqlDatabase | undefined;
  try {
    database = driver.open(join(dir, DATABASE_FILE));
    takeLock(database);
    const version = checkSchema(database, dir);
    database.exec("COMMIT");
    writeFileSync(join(dir, PID_FILE), `${process.pid}\n`);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("BEGIN IMMEDIATE");
    if (version === undefined) database.exec(SCHEMA);
    else upgrade(database, version);
    buryTheDead(database);
    database.exec("COMMIT");
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof ConfigError) throw error;
    if (isBusy(error)) throw heldByAnother(dir, error);
    throw refusal(dir, `${DATABASE_FILE} cannot be opened: ${(error as Error).message}`, error);
  }
}

/** Frees the lock, and leaves one plain file behind. */
export function closeDatabaseFile(database: SqlDatabase, dir: string): void {
  rmSync(join(dir, PID_FILE), { force: true });
  try {
    // libsql keeps a closed database open until its statements are collected: only leaving WAL and then exclusive mode,
    // and a read that makes it so, surely frees the lock.
    database.exec("PRAGMA journal_mode = DELETE");
    database.exec("PRAGMA locking_mode = NORMAL");
    database.prepare("SELECT count(*) FROM clusters").get();
  } finally {
    database.close();
  }
}

function makeDirectory(dir: string): void {
  try {
    makePath(dir);
    // With "/." a file is ENOTDIR.
    accessSync(`${dir}/.`, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refusal(dir, pathProblem(code) ?? `cannot be used: ${(error as Error).message}`, error);
  }
}

function pathProblem(code: string | undefined): string | undefined {
  if (code === "EEXIST" || code === "ENOTDIR") return "is or is below a file; name a directory";
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return "is not writable; give this process the right to write there, or name another";
  return undefined;
}

// Not mkdir's own `recursive`: below /proc it never returns (seen on Node 20 and 24).
function makePath(dir: string): void {
  if (existsSync(dir)) return;
  makePath(dirname(dir));
  mkdirSync(dir);
}

function takeLock(database: SqlDatabase): void {
  database.exec(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  // Exclusive at once: two openers that each began with a shared lock would refuse each other.
  database.exec("BEGIN EXCLUSIVE");
}

function upgrade(database: SqlDatabase, from: number): void {
  for (let version = from; version < SCHEMA_VERSION; version++) {
    const step = UPGRADES.get(version);
    assert(step !== undefined, "F4: there is a way from every version to the next", { version });
    database.exec(step);
  }
}

/** The version of the file's schema; undefined when the file is new. Reads only. */
function checkSchema(database: SqlDatabase, dir: string): number | undefined {
  const version = pragma(database, "user_version");
  if (version > SCHEMA_VERSION)
    throw refusal(
      dir,
      `${DATABASE_FILE} has schema version ${version}, and this version of @tenure/sqlite knows only ${SCHEMA_VERSION}; ` +
        `nothing was changed. Use the newer version that wrote it`,
    );
  const tables = Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!["n"]);
  if (version === 0 && tables === 0) return undefined;
  if (pragma(database, "application_id") !== APPLICATION_ID)
    throw refusal(
      dir,
      `${DATABASE_FILE} is a SQLite database of another program; nothing was changed. Name another directory`,
    );
  return version;
}

function pragma(database: SqlDatabase, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()![name]);
}

function buryTheDead(database: SqlDatabase): void {
  const put = database.prepare(
    "UPDATE members SET record = ? WHERE cluster = ? AND incarnation = ?",
  );
  for (const row of database.prepare("SELECT cluster, incarnation, record FROM members").all()) {
    const member = decodeMember(row["record"]);
    if (member instanceof DamagedRecord || member.state === "dead") continue;
    const { incarnation, rev } = member;
    const answer = decideMarkDead(member, { incarnation, expectedRev: rev });
    if (answer.ok) put.run(encodeMember(answer.member), Number(row["cluster"]), incarnation);
  }
  database.exec("UPDATE clusters SET open = 1, sequence = sequence + 1");
}

function heldByAnother(dir: string, cause: unknown): ConfigError {
  const pid = holderPid(dir);
  if (pid === process.pid)
    return refusal(
      dir,
      `is open in this process already (pid ${pid}): make one embedded({ dir }) and give it to all silos of the process`,
      cause,
    );
  const holder = pid === undefined ? "another process" : `process ${pid}`;
  return refusal(
    dir,
    `belongs to ${holder}, which holds ${DATABASE_FILE}: stop it, or name another directory; ` +
      `silos in several processes need a store with a server`,
    cause,
  );
}

function holderPid(dir: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(dir, PID_FILE), "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function refusal(dir: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError("dir", `${JSON.stringify(dir)} ${problem}`, { dir }, cause);
}
