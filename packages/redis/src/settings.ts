// Reads what the server says of itself. INFO is required; CONFIG is often forbidden or renamed on managed servers, and
// INFO repeats most of what is needed from it.
import { ConfigError, type PortEnvironment } from "@tenure/core/internal";
import type { RedisConnection } from "./connection.ts";
import { judgeServer, type ServerSettings } from "./durability.ts";

const CONFIG_KEYS = [
  "appendonly",
  "appendfsync",
  "maxmemory",
  "maxmemory-policy",
  "min-replicas-to-write",
];

/** Refuses a server that cannot do the job; answers what an acknowledged write survives on it. */
export async function checkServer(
  connection: RedisConnection,
  durability: PortEnvironment["durability"],
): Promise<string> {
  const info = await readInfo(connection);
  return judgeServer(
    settingsOf(info, await readConfig(connection)),
    connection.address,
    durability,
  );
}

export function settingsOf(
  info: ReadonlyMap<string, string>,
  config: ReadonlyMap<string, string> | undefined,
): ServerSettings {
  const appendOnly = config?.get("appendonly") ?? info.get("aof_enabled");
  return {
    version: info.get("redis_version") ?? "unknown",
    mode: info.get("redis_mode") ?? "unknown",
    role: info.get("role") ?? "unknown",
    appendOnly: appendOnly === undefined ? undefined : appendOnly === "yes" || appendOnly === "1",
    appendFsync: config?.get("appendfsync"),
    maxMemory: Number(config?.get("maxmemory") ?? info.get("maxmemory") ?? 0),
    maxMemoryPolicy: config?.get("maxmemory-policy") ?? info.get("maxmemory_policy"),
    minReplicas: Number(config?.get("min-replicas-to-write") ?? 0),
  };
}

/** `name:value` lines; headings start with #. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const info = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) info.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return info;
}

async function readInfo(connection: RedisConnection): Promise<ReadonlyMap<string, string>> {
  try {
    return parseInfo(String(await connection.command("info")));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new ConfigError(
      "redis.url",
      `the user may not run INFO on the server at ${connection.address}, so nothing is known of it; allow +info`,
      {},
      error,
    );
  }
}

/** Undefined when the server does not say. */
async function readConfig(
  connection: RedisConnection,
): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const answered = await connection.command("config", "get", ...CONFIG_KEYS);
    const fields = Array.from(answered as readonly Buffer[], String);
    const config = new Map<string, string>();
    for (let i = 0; i + 1 < fields.length; i += 2) config.set(fields[i]!, fields[i + 1]!);
    return config;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return undefined;
  }
}

/** The server answered, with an error: NOPERM, or "unknown command" where it was renamed. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && (error.cause as Error | undefined)?.name === "ReplyError";
}
