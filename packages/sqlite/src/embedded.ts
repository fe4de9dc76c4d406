// The embedded stores: a durable directory and storage in one SQLite file, for one process with any number of silos.
//   E1. The file is opened by the first session and closed with the last one; the next session opens it again.
//   E2. Both ports go through one queue and one transaction per tick: what was answered is seen by all.
//   E3. Reads take the same way as writes, so a read never sees what is not committed.
import { resolve } from "node:path";
import {
  ConfigError,
  describe,
  type DirectoryProvider,
  JointDirectory,
  type JointTables,
  loopback,
  type Sequenced,
  type StorageProvider,
  TableStorage,
  type TransportProvider,
} from "@tenure/core/internal";
import { ClusterHeader } from "./cluster-header.ts";
import { closeDatabaseFile, openDatabaseFile } from "./database-file.ts";
import { SqlDirectoryTables } from "./directory-sql.ts";
import { loadDriver, type SqlDatabase } from "./driver.ts";
import { GroupCommit } from "./group-commit.ts";
import { SqlRowTables } from "./storage-sql.ts";

/** The largest state that the embedded store takes: 8 MiB. SQLite would take more; the event loop would notice. */
export const MAX_STATE_BYTES: number = 16 * 512 * 1_024;

const DURABILITY =
  "what is acknowledged has been flushed to this machine's disk: it survives a crash of the process or the machine, not the loss of the disk";

export interface EmbeddedOptions {
  /** The directory that holds `tenure.db`. Made if it is absent. It belongs to one process at a time. */
  readonly dir: string;
}

export interface Embedded {
  readonly transport: TransportProvider;
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
}

/**
 * Durable actors in one process, with nothing to install and no server to run: everything is in one SQLite file.
 * What was acknowledged survives a crash, and the next start serves at once. Give the same object to every silo of the
 * process; a second process is refused.
 * @example const silo = await createSilo({ ...embedded({ dir: "./data" }), actors: [Cart] })
 */
export function embedded(options: EmbeddedOptions): Embedded {
  const dir: unknown = (options as EmbeddedOptions | undefined)?.dir;
  if (typeof dir !== "string" || dir.trim() === "" || dir.includes("\0"))
    throw new ConfigError("dir", `must be the path of a directory, not ${describe(dir)}`);
  const store = new EmbeddedStore(resolve(dir));
  const storage: StorageProvider = {
    name: "sqlite",
    open: async ({ cluster }) => {
      const session = await store.open(cluster);
      return new TableStorage({
        durability: DURABILITY,
        maxStateBytes: MAX_STATE_BYTES,
        transact: (step) => session.transact((tables) => step(tables.rows)),
        close: () => session.close(),
      });
    },
  };
  return {
    transport: loopback(),
    directory: {
      name: "sqlite",
      rows: storage,
      open: async ({ cluster }) => {
        const session = await store.open(cluster);
        return new JointDirectory({ ...session, durability: DURABILITY, startsOpen: true });
      },
    },
    storage,
  };
}

interface ClusterTables extends JointTables {
  readonly header: ClusterHeader;
}

interface OpenFile {
  readonly database: SqlDatabase;
  readonly commits: GroupCommit;
  readonly clusters: Map<string, ClusterTables>;
}

interface Session {
  transact<T>(step: (tables: ClusterTables) => T): Promise<Sequenced<T>>;
  close(): Promise<void>;
}

class EmbeddedStore {
  readonly #dir: string;
  #file: OpenFile | undefined;
  #sessions = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async open(cluster: string): Promise<Session> {
    const driver = await loadDriver();
    // From here to the count all is synchronous: a session that closes meanwhile cannot take the file away.
    const file = (this.#file ??= openFile(openDatabaseFile(driver, this.#dir)));
    const tables = tablesOf(file, cluster);
    this.#sessions += 1;
    return {
      transact: (step) =>
        file.commits.run(tables.header, () => {
          const answer = step(tables);
          return { answer, sequence: tables.header.state.sequence };
        }),
      close: async () => this.#close(file),
    };
  }

  #close(file: OpenFile): void {
    file.commits.flush();
    this.#sessions -= 1;
    if (this.#sessions > 0) return;
    this.#file = undefined;
    closeDatabaseFile(file.database, this.#dir);
  }
}

function openFile(database: SqlDatabase): OpenFile {
  return { database, commits: new GroupCommit(database), clusters: new Map() };
}

function tablesOf({ database, clusters }: OpenFile, cluster: string): ClusterTables {
  let tables = clusters.get(cluster);
  if (!tables) {
    const header = new ClusterHeader(database, cluster);
    const directory = new SqlDirectoryTables(database, header);
    tables = { header, directory, rows: new SqlRowTables(database, header) };
    clusters.set(cluster, tables);
  }
  return tables;
}
