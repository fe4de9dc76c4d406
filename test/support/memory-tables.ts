// A memory directory whose records a test can look at, and whose sentinel starts as the test says.
import { type Directory, TableDirectory } from "@tenure/core/internal";
import { MemoryDirectoryTables } from "@tenure/directory/internal";
import { atTheCall } from "../../packages/directory/src/memory-step.ts";

export function memoryTables(startsOpen = true): {
  readonly tables: MemoryDirectoryTables;
  readonly directory: Directory;
} {
  const tables = new MemoryDirectoryTables();
  const directory = new TableDirectory({
    durability: "nothing",
    startsOpen,
    transact: atTheCall(tables),
    close: () => Promise.resolve(),
  });
  return { tables, directory };
}
