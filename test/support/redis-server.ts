// A private redis-server for one test file: examples/support/private-servers.ts, with what tests want by default.
import { type PrivateServer, startRedisServer } from "../../examples/support/private-servers.ts";

export { freePort } from "../../examples/support/private-servers.ts";

export type RedisServer = PrivateServer;

export interface RedisServerOptions {
  /** Keep an append-only file, flushed before each answer. @default false */
  readonly appendonly?: boolean;
  /** Further lines for its configuration file, such as `cluster-enabled yes`. */
  readonly config?: string;
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const log = options.appendonly ? "appendfsync always" : "appendonly no";
  return await startRedisServer({ config: `${log}\n${options.config ?? ""}` });
}
