// Everything in memory: for one process, for trying things out and for tests.
import {
  type DirectoryProvider,
  loopback,
  type StorageProvider,
  type TransportProvider,
} from "@tenure/core/internal";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";

/**
 * Ports without disk. Several silos of one process that spread what *one* call made are one cluster.
 * @example
 * const m = memory()
 * const a = await createSilo({ name: 'a', actors, ...m })
 * const b = await createSilo({ name: 'b', actors, ...m })
 */
export function memory(): {
  readonly transport: TransportProvider;
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
} {
  return { transport: loopback(), directory: memoryDirectory(), storage: memoryStorage() };
}
