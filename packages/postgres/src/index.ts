// Tenure on PostgreSQL: the directory (members, entries) and the storage (rows, due index) in one schema of a database, as
// functions that decide in one transaction.
import type { DirectoryProvider, StorageProvider } from "@tenure/core/internal";
import { type PostgresOptions, resolvePostgresOptions } from "./options.ts";
import { openPostgresDirectory } from "./postgres-directory.ts";
import { openPostgresStorage } from "./postgres-storage.ts";

export type { PostgresOptions } from "./options.ts";

/** What {@link postgres} provides: spread it into `createSilo`. */
export interface PostgresBackend {
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
}

/**
 * Directory and storage on one PostgreSQL primary (12 or newer), in a schema of their own, which the first start makes.
 * Nothing is connected until a silo starts; options that cannot work are refused here.
 *
 * What an acknowledged write survives is up to the server: with its defaults (`fsync` and `synchronous_commit` on) a crash
 * of PostgreSQL and of its machine. `createSilo({ durability: 'strict' })` refuses less. A failover keeps it only where
 * `synchronous_standby_names` makes the server wait for the standby.
 * @example
 * const silo = await createSilo({ cluster: 'shop', actors: [Cart], ...postgres({ url: 'postgres://shop@localhost/shop' }) })
 */
export function postgres(options: PostgresOptions): PostgresBackend {
  const resolved = resolvePostgresOptions(options);
  return {
    directory: {
      name: "postgres",
      open: (environment) => openPostgresDirectory(resolved, environment),
    },
    storage: {
      name: "postgres",
      open: (environment) => openPostgresStorage(resolved, environment),
    },
  };
}
