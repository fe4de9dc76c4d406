// What the reconciliation must find out: a store that acknowledges one save and drops it.
import type { createSilo } from "tenure";

type StorageProvider = NonNullable<Parameters<typeof createSilo>[0]["storage"]>;

const DROPPED_SAVE = 400;

export function losingOneCommit(provider: StorageProvider): StorageProvider {
  let saves = 0;
  return {
    name: provider.name,
    open: async (environment) => {
      const storage = await provider.open(environment);
      return {
        durability: storage.durability,
        maxStateBytes: storage.maxStateBytes,
        load: (requests) => storage.load(requests),
        save: async (requests) => {
          saves += 1;
          if (saves !== DROPPED_SAVE) return await storage.save(requests);
          return { sequence: 0, answer: requests.map(() => ({ ok: true as const })) };
        },
        verify: (requests) => storage.verify(requests),
        parts: (request) => storage.parts(request),
        dueBefore: (bucket, time, limit) => storage.dueBefore(bucket, time, limit),
        close: () => storage.close(),
      };
    },
  };
}
