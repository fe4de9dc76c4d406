// The schema that a release has made and filled, functions and all, as SQL; and back, into an empty database.
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { Client } from "pg";
import { postgresBinaries } from "../../scripts/servers.mjs";

/** With the pg_dump that belongs to the server's programs. */
export function dumpPostgres(url: string): string {
  const found = postgresBinaries();
  if (!found) throw new Error("postgres not found");
  const program = join(dirname(found.initdb), "pg_dump");
  const dump = execFileSync(program, ["--inserts", "--no-owner", "--schema=tenure", url], {
    env: found.env,
    encoding: "utf8",
  });
  // Words for psql, and who made it: neither is part of what is stored.
  return dump.replaceAll(/^(?:\\|--).*\n/gm, "").replaceAll(/\n{2,}/g, "\n");
}

export async function restorePostgres(url: string, dump: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("DROP SCHEMA IF EXISTS tenure CASCADE");
    await client.query(dump);
  } finally {
    await client.end();
  }
}
