// The one place that knows which SQLite this is: `node:sqlite` where Node has it, else the prebuilt `libsql`.
//   V1. Both are used through one small synchronous interface; both give blobs as Uint8Array and errors with SQLite's
//       own result code.
//   V2. Everything is loaded on first use: importing this package on a Node without SQLite does no harm.
import { ConfigError } from "@tenure/core/internal";

export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlStatement {
  run(...values: SqlValue[]): void;
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): readonly SqlRow[];
}

export interface SqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  close(): void;
}

export interface SqlDriver {
  readonly name: string;
  open(path: string): SqlDatabase;
}

/** SQLite's SQLITE_BUSY: someone else holds the lock. */
const BUSY = 5;

export async function loadDriver(
  candidates: readonly DriverCandidate[] = [nodeDriver, libsqlDriver],
): Promise<SqlDriver> {
  for (const candidate of candidates) {
    const driver = await candidate();
    if (driver) return driver;
  }
  throw new ConfigError(
    "@tenure/sqlite",
    `needs SQLite: Node 22.13 or newer has it built in (this is ${process.version}); on an older one install the ` +
      `optional dependency libsql, which is prebuilt for Linux, macOS and Windows (\`pnpm add libsql\`)`,
  );
}

/** A driver, or nothing where this Node or this installation does not have it. */
export type DriverCandidate = () => SqlDriver | undefined | Promise<SqlDriver | undefined>;

export function isBusy(error: unknown): boolean {
  // node:sqlite says `errcode`, libsql `rawCode`; either may carry an extended code, whose low byte is the code.
  const { errcode, rawCode } = error as { errcode?: unknown; rawCode?: unknown };
  const code = errcode ?? rawCode;
  return typeof code === "number" && (code & 0xff) === BUSY;
}

/** A blob, in whichever form a driver gives it. */
export function asBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
}

// ---- node:sqlite ---------------------------------------------------------------------------------------------------

interface NodeStatement {
  run(...values: SqlValue[]): unknown;
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): readonly SqlRow[];
}

interface NodeDatabase {
  exec(sql: string): void;
  prepare(sql: string): NodeStatement;
  close(): void;
}

type NodeSqlite = { readonly DatabaseSync: new (path: string) => NodeDatabase };

export function nodeDriver(): SqlDriver | undefined {
  const sqlite = quietly(() => process.getBuiltinModule("node:sqlite")) as NodeSqlite | undefined;
  if (!sqlite) return undefined;
  return {
    name: "node:sqlite",
    open: (path) => {
      const database = new sqlite.DatabaseSync(path);
      return {
        exec: (sql) => database.exec(sql),
        prepare: (sql) => {
          const statement = database.prepare(sql);
          return {
            run: (...values) => void statement.run(...values),
            get: (...values) => statement.get(...values),
            all: (...values) => statement.all(...values),
          };
        },
        close: () => database.close(),
      };
    },
  };
}

// Node before 26 warns, once and to everyone, that its SQLite is experimental: noise for a user who never named it.
function quietly<T>(load: () => T): T {
  const own = Object.getOwnPropertyDescriptor(process, "emitWarning")!;
  Object.defineProperty(process, "emitWarning", { ...own, value: () => {} });
  try {
    return load();
  } finally {
    Object.defineProperty(process, "emitWarning", own);
  }
}

// ---- libsql --------------------------------------------------------------------------------------------------------

interface LibsqlStatement {
  run(values: SqlValue[]): unknown;
  get(values: SqlValue[]): SqlRow | undefined;
  all(values: SqlValue[]): readonly SqlRow[];
}

interface LibsqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): LibsqlStatement;
  close(): void;
}

type Libsql = { readonly default: new (path: string) => LibsqlDatabase };

export async function libsqlDriver(): Promise<SqlDriver | undefined> {
  let libsql: Libsql;
  try {
    libsql = (await import("libsql")) as unknown as Libsql;
  } catch {
    return undefined;
  }
  return {
    name: "libsql",
    open: (path) => {
      const database = new libsql.default(path);
      return {
        exec: (sql) => database.exec(sql),
        prepare: (sql) => {
          // Values go in as one array: libsql would take a single object for named parameters.
          const statement = database.prepare(sql);
          return {
            run: (...values) => void statement.run(values),
            get: (...values) => statement.get(values),
            all: (...values) => statement.all(values),
          };
        },
        close: () => database.close(),
      };
    },
  };
}
