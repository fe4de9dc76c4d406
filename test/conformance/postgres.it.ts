// PostgreSQL through the exported conformance and model suites, on a private server. Its functions state the ownership rules
// a second time, in PL/pgSQL: against the models, which decide by the rules themselves, every answer and every record is
// compared.
import { encodeActorKey, PROTOCOL_VERSION } from "@tenure/core/internal";
import { postgres } from "@tenure/postgres";
import {
  directoryConformance,
  directoryModelConformance,
  type OpenedModelDirectory,
  type OpenedModelStorage,
  type Planted,
  storageConformance,
  storageModelConformance,
} from "@tenure/testing/internal";
import { Pool } from "pg";
import { afterAll, beforeAll, describe } from "vitest";
import { NO_POSTGRES, type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { compareDirectory, compareStorage } from "./postgres-records.ts";

let server: PostgresServer;
/** Spoils records behind the store's back. */
let raw: Pool;

beforeAll(async () => {
  if (NO_POSTGRES) return;
  server = await startPostgres();
  raw = new Pool({ connectionString: server.url, max: 2 });
  // A pool has ended before its connections have: the server may end them first, and say so.
  raw.on("error", () => {});
});
afterAll(async () => {
  await raw?.end();
  await server?.stop();
});

const MEMBER = "cluster = $1 AND incarnation = $2";
const dispose = (): Promise<void> => Promise.resolve();

describe.skipIf(NO_POSTGRES)(`postgres${NO_POSTGRES ? `; ${NO_POSTGRES}` : ""}`, () => {
  directoryConformance({ name: "postgres", open: openDirectory });
  storageConformance({ name: "postgres", open: openStorage });
  directoryModelConformance({ name: "postgres", open: openDirectory });
  storageModelConformance({ name: "postgres", open: openStorage });
});

/** Changes the records that match; the answer compares them with what they are then. */
async function spoil(
  table: string,
  change: string,
  where: string,
  values: readonly string[],
): Promise<Planted> {
  await raw.query(`UPDATE tenure.${table} SET ${change} WHERE ${where}`, [...values]);
  const read = async (): Promise<string> => {
    const { rows } = await raw.query(
      `SELECT md5(string_agg(t::text, ',')) AS digest FROM tenure.${table} AS t WHERE ${where}`,
      [...values],
    );
    return JSON.stringify(rows);
  };
  const before = await read();
  return { unchanged: async () => before === (await read()) };
}

async function openDirectory(): Promise<OpenedModelDirectory> {
  return {
    provider: postgres({ url: server.url }).directory,
    reopen: () => Promise.resolve(postgres({ url: server.url }).directory),
    dispose,
    compareRecords: (cluster, model) => compareDirectory(raw, cluster, model),
    plant: {
      damagedEntry: (cluster, actor) =>
        spoil("entries", `claims = claims || '{"generation": 1.5}'`, "key = $1", [
          `${cluster}:${encodeActorKey(actor)}`,
        ]),
      damagedMember: (cluster, incarnation) =>
        spoil("members", "rev = -1", MEMBER, [cluster, incarnation]),
      lostMember: async (cluster, incarnation) => {
        await raw.query(`DELETE FROM tenure.members WHERE ${MEMBER}`, [cluster, incarnation]);
      },
      foreignMember: async (cluster, incarnation) => {
        const change = `protocol = ${PROTOCOL_VERSION + 1}`;
        await spoil("members", change, MEMBER, [cluster, incarnation]);
      },
    },
  };
}

async function openStorage(): Promise<OpenedModelStorage> {
  return {
    provider: postgres({ url: server.url }).storage,
    reopen: () => Promise.resolve(postgres({ url: server.url }).storage),
    dispose,
    compareRecords: (cluster, model) => compareStorage(raw, cluster, model),
    plant: {
      damagedRow: (cluster, actor) =>
        spoil("rows", "generation = -2", "key = $1", [`${cluster}:${encodeActorKey(actor)}`]),
      newerRow: (cluster, actor) =>
        spoil("rows", "format = 2", "key = $1", [`${cluster}:${encodeActorKey(actor)}`]),
    },
  };
}
