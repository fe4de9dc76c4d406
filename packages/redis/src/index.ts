// Tenure on Redis: the directory (members, entries) and the storage (rows, due index) on one primary, as Lua scripts.
import type { DirectoryProvider, StorageProvider } from "@tenure/core/internal";
import { type RedisOptions, resolveRedisOptions } from "./options.ts";
import { openRedisDirectory } from "./redis-directory.ts";
import { openRedisStorage } from "./redis-storage.ts";

export type { RedisOptions } from "./options.ts";

/** What {@link redis} provides: spread it into `createSilo`. */
export interface RedisBackend {
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
}

/**
 * Directory and storage on one Redis primary (7.0 or newer, not in cluster mode). Nothing is connected until a silo
 * starts; options that cannot work are refused here.
 *
 * What an acknowledged write survives is up to the server: with `appendonly no` (Debian's default) nothing survives its
 * end, with `appendfsync everysec` all survives a crash of Redis and up to about two seconds are lost with its machine,
 * with `appendfsync always` all survives both. `createSilo({ durability: 'strict' })` refuses all but the last. A
 * failover to a replica may lose the newest writes in every case: Redis replicates after it has answered.
 * @example
 * const silo = await createSilo({ cluster: 'shop', actors: [Cart], ...redis({ url: 'redis://localhost:6379' }) })
 */
export function redis(options: RedisOptions): RedisBackend {
  const resolved = resolveRedisOptions(options);
  const storage: StorageProvider = {
    name: "redis",
    open: (environment) => openRedisStorage(resolved, environment),
  };
  return {
    directory: {
      name: "redis",
      rows: storage,
      open: (environment) => openRedisDirectory(resolved, environment),
    },
    storage,
  };
}
