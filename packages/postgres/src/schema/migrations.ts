// How a schema comes to be what this version needs.
//   PM1. A schema at this version is only read: the user needs no right to create anything, and nobody waits.
//   PM2. Each migration runs once, all that are missing in one transaction, under a lock that other silos which start at
//        the same moment wait for. What fails has changed nothing.
//   PM3. A newer schema, or one that holds something else, is refused and not changed.
//   PM4. A migration that was released never changes. A later one that needs other arguments makes new functions and leaves
//        the old, for silos of the version before that are still running.
import { ConfigError } from "@tenure/core/internal";
import { ENTRIES } from "./entries.ts";
import { MEMBERS } from "./members.ts";
import { RECORDS } from "./records.ts";
import { ROWS } from "./rows.ts";
import { TABLES } from "./tables.ts";
import { type RunSql, textOf } from "../sql.ts";

/** The n-th leads from version n - 1 to n. */
export const MIGRATIONS: readonly string[] = [TABLES + RECORDS + MEMBERS + ENTRIES + ROWS];

export interface SchemaPlace {
  readonly schema: string;
  /** What messages call the server. */
  readonly address: string;
}

export async function migrate(
  run: RunSql,
  place: SchemaPlace,
  migrations: readonly string[] = MIGRATIONS,
): Promise<void> {
  if ((await versionOf(run, place, migrations.length)) === migrations.length) return; // PM1
  await run("BEGIN");
  try {
    await run("SELECT pg_advisory_xact_lock(hashtextextended('tenure:' || $1, 0))", [place.schema]);
    const from = await versionOf(run, place, migrations.length);
    if (from === 0) {
      await makeSchema(run, place);
      await run("CREATE TABLE schema_version (version integer NOT NULL)");
      await run("INSERT INTO schema_version VALUES (0)");
    }
    for (const migration of migrations.slice(from)) await run(migration);
    await run("UPDATE schema_version SET version = $1", [migrations.length]);
    await run("COMMIT");
  } catch (error) {
    // It may be the connection that is broken; then the server undoes it by itself.
    await run("ROLLBACK").catch(() => {});
    throw asRefusal(error, place);
  }
}

/** 0 where nothing of ours is there. */
async function versionOf(
  run: RunSql,
  { schema, address }: SchemaPlace,
  newest: number,
): Promise<number> {
  // Not by to_regclass: a session that has just waited for another's migration may look for the name along a search path of
  // before, on which the new schema is not.
  const [found] = await run(
    "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'schema_version'",
    [schema],
  );
  if (found === undefined) return 0;
  const [row] = await run(`SELECT version FROM "${schema}".schema_version`);
  const version = Number(row?.["version"]);
  if (!(version >= 1))
    throw refusal(schema, address, "holds a table schema_version that is not ours");
  if (version > newest)
    throw refusal(
      schema,
      address,
      `has version ${version}, and this version of @tenure/postgres knows only ${newest}; nothing was changed. ` +
        "Use the newer version that wrote it",
    );
  return version;
}

async function makeSchema(run: RunSql, { schema, address }: SchemaPlace): Promise<void> {
  const [found] = await run("SELECT oid FROM pg_namespace WHERE nspname = $1", [schema]);
  if (found === undefined) {
    await run(`CREATE SCHEMA "${schema}"`);
    return;
  }
  const [relation] = await run("SELECT relname FROM pg_class WHERE relnamespace = $1 LIMIT 1", [
    found["oid"],
  ]);
  if (relation === undefined) return;
  throw refusal(
    schema,
    address,
    `holds something else (${textOf(relation["relname"])}); nothing was changed. Name a schema that is empty or not there yet`,
  );
}

/** The server's own refusals that the configuration can mend. */
function asRefusal(error: unknown, { schema, address }: SchemaPlace): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code !== "42501") return error;
  return refusal(
    schema,
    address,
    `is not at the version that is needed, and the user may not make it so (${message}); start once as a user who may, or grant CREATE`,
    error,
  );
}

function refusal(schema: string, address: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError(
    "postgres.schema",
    `the schema "${schema}" of the server at ${address} ${problem}`,
    {},
    cause,
  );
}
