// The directory and the storage on JetStream, as a silo opens them: each on a connection and in a stream of its own.
import {
  type Directory,
  type PortEnvironment,
  type Storage,
  TableDirectory,
  TableStorage,
} from "@tenure/core/internal";
import type { ResolvedNatsOptions } from "../options.ts";
import { JetStreamDirectoryTables } from "./directory-tables.ts";
import { openStream } from "./open-stream.ts";
import { optimistic } from "./optimistic.ts";
import { JetStreamRowTables } from "./row-tables.ts";
import { DirectorySubjects, RowSubjects } from "./subjects.ts";

/** What a row needs besides its state: header, and the results of some calls with keys. */
const BESIDES_STATE_BYTES = 16 * 1_024;

export async function openJetStreamDirectory(
  options: ResolvedNatsOptions,
  environment: PortEnvironment,
): Promise<Directory> {
  const subjects = new DirectorySubjects(environment.cluster);
  // What is lost with it, the living say again (R13).
  const { stream, durability, timeoutMs } = await openStream(
    options,
    environment,
    subjects.stream,
    { remade: true },
  );
  return new TableDirectory({
    durability,
    startsOpen: false,
    transact: optimistic(stream, (view) => new JetStreamDirectoryTables(view, subjects), {
      ...environment,
      timeoutMs,
    }),
    close: () => stream.close(),
  });
}

export async function openJetStreamStorage(
  options: ResolvedNatsOptions,
  environment: PortEnvironment,
): Promise<Storage> {
  const subjects = new RowSubjects(environment.cluster);
  // Nobody can say state again: its loss is for an operator to see.
  const { stream, durability, timeoutMs, maxMessageBytes } = await openStream(
    options,
    environment,
    subjects.stream,
    { remade: false },
  );
  return new TableStorage({
    durability,
    maxStateBytes: maxMessageBytes - BESIDES_STATE_BYTES,
    transact: optimistic(stream, (view) => new JetStreamRowTables(view, subjects), {
      ...environment,
      timeoutMs,
    }),
    close: () => stream.close(),
  });
}
