// What a server says of itself, read on every new connection: behind one address another server may answer tomorrow.
import type { ServerIdentity, ServerSettings } from "./durability.ts";
import { type RunSql, textOf } from "./sql.ts";

const SETTINGS = `
  SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only,
    current_setting('search_path') AS search_path, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS synchronous_standbys,
    (SELECT system_identifier::text FROM pg_control_system()) AS system,
    CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END AS timeline`;

export async function readSettings(
  run: RunSql,
): Promise<{ readonly settings: ServerSettings; readonly identity: ServerIdentity }> {
  const [found = {}] = await run(SETTINGS);
  const text = (name: string): string => textOf(found[name] ?? "");
  return {
    settings: {
      version: Number(found["version"]),
      encoding: text("encoding"),
      isStandby: found["standby"] === true,
      isReadOnly: text("read_only") === "on",
      searchPath: text("search_path"),
      fsync: text("fsync") === "on",
      fullPageWrites: text("full_page_writes") === "on",
      synchronousCommit: text("synchronous_commit"),
      synchronousStandbys: text("synchronous_standbys"),
    },
    identity: { system: text("system"), timeline: text("timeline") },
  };
}
