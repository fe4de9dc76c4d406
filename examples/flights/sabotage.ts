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
          const lost = DROPPED_SAVE - saves;
          saves += requests.length;
          if (lost < 0 || lost >= requests.length) return await storage.save(requests);
          const others = await storage.save(requests.toSpliced(lost, 1));
          return { ...others, answer: others.answer.toSpliced(lost, 0, { ok: true }) };
        },
        verify: (requests) => storage.verify(requests),
        parts: (request) => storage.parts(request),
        dueBefore: (bucket, time, limit) => storage.dueBefore(bucket, time, limit),
        close: () => storage.close(),
      };
    },
  };
}
