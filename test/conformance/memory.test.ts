// The in-memory stores keep what their ports promise, case by case and against the models.
import { type DirectoryProvider, TableDirectory } from "@tenure/core/internal";
import { memoryDirectory, MemoryDirectoryTables, memoryStorage } from "@tenure/directory/internal";
import {
  directoryConformance,
  directoryModelConformance,
  storageConformance,
  storageModelConformance,
} from "@tenure/testing/internal";

const dispose = async (): Promise<void> => {};
const noDamage = "what only this process holds is not damaged behind its back";

directoryConformance({
  name: "memory",
  open: async () => ({ provider: memoryDirectory(), dispose }),
  skip: [
    { rule: "R13", reason: "open from the start: nothing can be lost" },
    { rule: "R16", reason: "a record in memory is not lost" },
    { rule: "C2", reason: noDamage },
  ],
});

// The same tables under a directory that starts closed, as one that outlives its silos must: R13 runs here.
directoryConformance({
  name: "memory, starting closed",
  open: async () => ({ provider: startingClosed(), dispose }),
  skip: [
    { rule: "R16", reason: "a record in memory is not lost" },
    { rule: "C2", reason: noDamage },
  ],
});

storageConformance({
  name: "memory",
  open: async () => ({ provider: memoryStorage(), dispose }),
  skip: [{ rule: "S5", reason: noDamage }],
});

const notLost = [
  { rule: "claim owner-absent", reason: "a record in memory is not lost" },
  { rule: "refused twice", reason: "nobody makes a record in memory one of another version" },
];

directoryModelConformance({
  name: "memory",
  startsOpen: true,
  open: async () => ({ provider: memoryDirectory(), dispose }),
  skip: [...notLost, { rule: "claim closed", reason: "open from the start: nothing can be lost" }],
});

directoryModelConformance({
  name: "memory, starting closed",
  open: async () => ({ provider: startingClosed(), dispose }),
  skip: notLost,
});

storageModelConformance({
  name: "memory",
  open: async () => ({ provider: memoryStorage(), dispose }),
  skip: [{ rule: "load newer-format", reason: "a row in memory has the version of its process" }],
});

function startingClosed(): DirectoryProvider {
  const clusters = new Map<string, MemoryDirectoryTables>();
  return {
    name: "memory",
    open: async ({ cluster }) => {
      const tables = clusters.get(cluster) ?? new MemoryDirectoryTables();
      clusters.set(cluster, tables);
      return new TableDirectory({
        durability: "nothing: a test's own",
        startsOpen: false,
        transact: async (step) => ({ answer: step(tables), sequence: tables.writes }),
        close: async () => {},
      });
    },
  };
}
