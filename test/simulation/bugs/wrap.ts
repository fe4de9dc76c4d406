// Providers whose sessions answer some operations in another way.
import type { Directory, DirectoryProvider, Storage, StorageProvider } from "@tenure/core/internal";

export function storageWith(
  provider: StorageProvider,
  change: (inner: Storage) => Partial<Storage>,
): StorageProvider {
  return {
    ...provider,
    open: async (environment) => {
      const inner = await provider.open(environment);
      return {
        durability: inner.durability,
        maxStateBytes: inner.maxStateBytes,
        ...through(inner, ["load", "save", "verify", "parts", "dueBefore", "close"]),
        ...change(inner),
      };
    },
  };
}

export function directoryWith(
  provider: DirectoryProvider,
  change: (inner: Directory) => Partial<Directory>,
): DirectoryProvider {
  return {
    ...provider,
    open: async (environment) => {
      const inner = await provider.open(environment);
      return {
        durability: inner.durability,
        ...through(inner, ["register", "renew", "markDead", "sweep", "members", "open"]),
        ...through(inner, ["claim", "release", "lookup", "close"]),
        ...change(inner),
      };
    },
  };
}

/** The methods of an object, as functions of their own. */
function through<T extends object, K extends keyof T>(inner: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    names.map((name) => [name, (inner[name] as (...args: never[]) => unknown).bind(inner)]),
  ) as Pick<T, K>;
}
