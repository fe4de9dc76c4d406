// What the tests of PostgreSQL's faults share: private servers, and sessions on them.
import type { Directory, PortEnvironment, Storage } from "@tenure/core/internal";
import { postgres, type PostgresOptions } from "@tenure/postgres";
import { Client, Pool } from "pg";
import type { PrivateServerOptions } from "../../examples/support/private-servers.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { atEnd, environment } from "./store-bench.ts";

export * from "./store-bench.ts";

export async function start(options?: PrivateServerOptions): Promise<PostgresServer> {
  const server = await startPostgres(options);
  atEnd(() => server.stop());
  return server;
}

/** Another client, for what happens behind a session's back. */
export function client(server: PostgresServer): Pool {
  const raw = new Pool({ connectionString: server.url, max: 2 });
  raw.on("error", () => {});
  atEnd(() => raw.end());
  return raw;
}

export async function openBoth(
  url: string,
  changes: Partial<PortEnvironment> = {},
  options: Partial<PostgresOptions> = {},
): Promise<{ directory: Directory; storage: Storage }> {
  // Short, for those that wait for it; long enough for a machine that is busy with other tests.
  const times = { commandTimeoutMs: 1_500, connectTimeoutMs: 1_500 };
  const backend = postgres({ url, ...times, ...options });
  const directory = await backend.directory.open({ ...environment, ...changes });
  atEnd(() => directory.close());
  const storage = await backend.storage.open({ ...environment, ...changes });
  atEnd(() => storage.close());
  return { directory, storage };
}

/** Holds a lock until the test lets it go: one connection in a transaction. */
export async function locking(server: PostgresServer, sql: string): Promise<() => Promise<void>> {
  const holder = new Client({ connectionString: server.url });
  holder.on("error", () => {});
  await holder.connect();
  await holder.query("BEGIN");
  await holder.query(sql);
  let isHeld = true;
  const letGo = async (): Promise<void> => {
    if (isHeld) await holder.end();
    isHeld = false;
  };
  atEnd(letGo);
  return letGo;
}
