// The directory and the storage on JetStream, as a silo opens them: each in a stream of its own.
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
  const leases = await openOneDirectory(options, environment);
  try {
    return new SplitDirectory(leases, await openOneDirectory(options, environment));
  } catch (error) {
    await leases.close();
    throw error;
  }
}

async function openOneDirectory(
  options: ResolvedNatsOptions,
  environment: PortEnvironment,
): Promise<Directory> {
  const subjects = new DirectorySubjects(environment.cluster);
  // What is lost with it, the living say again (R13).
  const opened = await openStream(options, environment, subjects.stream, { remade: true });
  const { stream, durability, timeoutMs } = opened;
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

/** Leases have a connection of their own: a renewal never waits behind claims (R27). */
class SplitDirectory implements Directory {
  readonly #leases: Directory;
  readonly #entries: Directory;

  constructor(leases: Directory, entries: Directory) {
    this.#leases = leases;
    this.#entries = entries;
  }

  get durability(): string {
    return this.#leases.durability;
  }

  readonly register: Directory["register"] = (request) => this.#leases.register(request);
  readonly renew: Directory["renew"] = (request) => this.#leases.renew(request);
  readonly markDead: Directory["markDead"] = (request) => this.#leases.markDead(request);
  readonly sweep: Directory["sweep"] = (request) => this.#leases.sweep(request);
  readonly members: Directory["members"] = () => this.#leases.members();
  readonly open: Directory["open"] = (storeId) => this.#leases.open(storeId);
  readonly claim: Directory["claim"] = (requests) => this.#entries.claim(requests);
  readonly release: Directory["release"] = (requests) => this.#entries.release(requests);
  readonly lookup: Directory["lookup"] = (actors) => this.#entries.lookup(actors);

  async close(): Promise<void> {
    await Promise.all([this.#leases.close(), this.#entries.close()]);
  }
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
    transact: optimistic(
      stream,
      (view) => new JetStreamRowTables(view, subjects, stream.maxRecordBytes),
      {
        ...environment,
        timeoutMs,
      },
    ),
    close: () => stream.close(),
  });
}
