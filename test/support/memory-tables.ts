// A memory directory whose records a test can look at, and whose sentinel starts as the test says.
import { type Directory, JointDirectory } from "@tenure/core/internal";
import { MemoryDirectoryTables } from "@tenure/directory/internal";
import { MemoryRowTables } from "../../packages/directory/src/memory-storage.ts";
import { atTheCall } from "../../packages/directory/src/memory-step.ts";

export interface MemoryTables {
  readonly tables: MemoryDirectoryTables;
  readonly rows: MemoryRowTables;
  /** Claims and loads in one step, too. */
  readonly directory: Directory;
}

export function memoryTables(startsOpen = true): MemoryTables {
  const tables = new MemoryDirectoryTables();
  const rows = new MemoryRowTables();
  const run = atTheCall(tables);
  const directory = new JointDirectory({
    durability: "nothing",
    startsOpen,
    transact: (step) => run((directory) => step({ directory, rows })),
    close: () => Promise.resolve(),
  });
  return { tables, rows, directory };
}
