// The conformance suite of the storage port. Titles carry the port's promises (S), the protocol's rules (R), holes (H)
// and invariants (I).
import { StorageBench, type OpenedStorage } from "./storage-bench.ts";
import { dueTests } from "./storage-due.ts";
import { fenceTests } from "./storage-fence.ts";
import { partTests } from "./storage-parts.ts";
import { storageSessionTests } from "./storage-sessions.ts";
import { type ConformanceOptions, conformanceSuite } from "./suite.ts";

export type { OpenedStorage, StoragePlants } from "./storage-bench.ts";
export type StorageConformanceOptions = ConformanceOptions<OpenedStorage>;

/**
 * Declares the tests that every storage must pass, in the calling test file.
 * @example storageConformance({ name: "memory", open: async () => ({ provider: memoryStorage(), dispose: async () => {} }) })
 */
export function storageConformance(options: StorageConformanceOptions): void {
  conformanceSuite(
    "storage",
    options,
    (store) => new StorageBench(store),
    (rule) => {
      fenceTests(rule);
      partTests(rule);
      dueTests(rule);
      storageSessionTests(rule);
    },
  );
}
