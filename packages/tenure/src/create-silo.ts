// createSilo with defaults: no ports at all is one process in memory; `data` is the embedded durable store.
import {
  type TenureEvent,
  type TransportProvider,
  type DirectoryProvider,
  type StorageProvider,
  ConfigError,
  describe,
} from "@tenure/core/internal";
import {
  createSilo as createSiloOn,
  type Silo,
  type SiloOptions as PortedSiloOptions,
} from "@tenure/runtime";
import { memory } from "./memory.ts";
import { printEvent } from "./print-events.ts";
import { stopOnSigterm } from "./stop-on-sigterm.ts";

/** The options of {@link createSilo}. */
export interface SiloOptions extends Omit<
  PortedSiloOptions,
  "transport" | "directory" | "storage"
> {
  /** A folder for the embedded durable store: state survives a restart. Short for `...embedded({ dir: data })`. */
  readonly data?: string | undefined;
  readonly transport?: TransportProvider | undefined;
  readonly directory?: DirectoryProvider | undefined;
  readonly storage?: StorageProvider | undefined;
  /**
   * At SIGTERM the silo hands its actors over, with all other silos of its process, and then the process ends; one that has
   * a listener of its own for SIGTERM goes on. `false`: SIGTERM is the program's business alone. @default true
   */
  readonly stopOnSigterm?: boolean | undefined;
  /** Gets every event. @default prints actors' log lines, and what an operator should know, to stderr */
  readonly onEvent?: ((event: TenureEvent) => void) | undefined;
}

/**
 * Starts a silo and resolves when it serves. Without ports it runs alone in memory; with `data` its state survives a
 * restart; with `...nats(…)` and `...redis(…)` it joins a cluster.
 * @throws ConfigError for a wrong option, before any connection is opened; UnreachableError when a server does not answer.
 * @example
 * const silo = await createSilo({ actors: [Counter] })
 * await silo.client.get(Counter, 'alice').add(5)
 * await silo.stop()
 */
export async function createSilo(options: SiloOptions): Promise<Silo> {
  if (typeof options !== "object" || options === null)
    throw new ConfigError("createSilo", "takes an object of options with at least `actors`");
  const { stopOnSigterm: stops = true, ...others } = options;
  if (typeof stops !== "boolean")
    throw new ConfigError("stopOnSigterm", `must be true or false, not ${describe(stops)}`);
  const silo = await start(others);
  if (stops) stopOnSigterm(silo);
  return silo;
}

async function start(options: Omit<SiloOptions, "stopOnSigterm">): Promise<Silo> {
  const { data, ...rest } = options;
  const onEvent = options.onEvent ?? printEvent;
  if (data !== undefined) {
    const clash = (["transport", "directory", "storage"] as const).find((port) => rest[port]);
    if (clash)
      throw new ConfigError("data", `brings its own ${clash}; leave out \`data\` or \`${clash}\``);
    if (typeof data !== "string" || data === "")
      throw new ConfigError("data", `must be the path of a folder, not ${describe(data)}`);
    // Loaded on demand: who runs in memory or on servers needs no SQLite.
    const { embedded } = await import("@tenure/sqlite");
    return await createSiloOn({ ...rest, onEvent, ...embedded({ dir: data }) });
  }
  const alone = !rest.transport && !rest.directory && !rest.storage;
  const ports = alone ? memory() : rest;
  return await createSiloOn({ ...rest, onEvent, ...(ports as ReturnType<typeof memory>) });
}
