// A directory and a storage over memory that misbehave as a test says, on the test's clock.
//   BS1. What a mode does to a request, it does to every request of that operation until the store is healed.
//   BS2. A storage that loses its newest writes is what it was before them: all that came since is gone, fences too (A2).
import {
  type Clock,
  type Directory,
  type DirectoryProvider,
  delay,
  type PortEnvironment,
  type Storage,
  type StorageProvider,
  StoreUnavailableError,
} from "@tenure/core/internal";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";

export type Misbehaviour =
  /** Says no, and does nothing. */
  | "refuses"
  /** Does it, and then says that it could not. */
  | "refuses what it has done"
  /** Never does it, never answers. */
  | "hangs"
  /** Does it, and never answers. */
  | "hangs after it has done it"
  /** Does it at once; the answer takes long. */
  | "answers late"
  /** It takes long until it does it. */
  | "does it late"
  /** Does it twice, and answers the second time. */
  | "answers twice";

export const MISBEHAVIOURS: readonly Misbehaviour[] = [
  "refuses",
  "refuses what it has done",
  "hangs",
  "hangs after it has done it",
  "answers late",
  "does it late",
  "answers twice",
];

type Ports = Directory & Storage;
export type Operation = "claim" | "release" | "lookup" | "load" | "save" | "verify" | "parts";

interface Logged {
  readonly atMs: number;
  readonly operation: "load" | "save";
  readonly requests: never;
}

/** Longer than a silo waits for a store, shorter than its callers wait for it. */
const LATE_MS = 2_500;

export class BadStore {
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
  /** How often it has misbehaved. */
  misbehaved = 0;
  readonly #modes = new Map<Operation, Misbehaviour>();
  #rows = memoryStorage();
  #opened: { readonly environment: PortEnvironment; inner: Storage }[] = [];
  #log: Logged[] = [];

  constructor() {
    const directory = memoryDirectory();
    this.directory = {
      name: "bad directory",
      open: async (environment) => {
        const inner = await directory.open(environment);
        return this.#spoil(() => inner, environment.clock);
      },
    };
    this.storage = {
      name: "bad storage",
      open: async (environment) => {
        const session = { environment, inner: await this.#rows.open(environment) };
        this.#opened.push(session);
        return this.#spoil(() => session.inner, environment.clock);
      },
    };
  }

  misbehave(operation: Operation, how: Misbehaviour): void {
    this.#modes.set(operation, how);
  }

  heal(): void {
    this.#modes.clear();
  }

  /** What it acknowledged in the last `ms` is gone. */
  async lose(ms: number): Promise<void> {
    const [first] = this.#opened;
    const sinceMs = first!.environment.clock.monotonicMs() - ms;
    this.#log = this.#log.filter(({ atMs }) => atMs < sinceMs);
    this.#rows = memoryStorage();
    for (const session of this.#opened) session.inner = await this.#rows.open(session.environment);
    for (const { operation, requests } of this.#log) await first!.inner[operation](requests);
  }

  #spoil<P extends Directory | Storage>(port: () => P, clock: Clock): P {
    return new Proxy(port(), {
      get: (_target, name) => {
        const value: unknown = Reflect.get(port(), name);
        if (typeof value !== "function") return value;
        return async (requests: never): Promise<unknown> => {
          const does = async (): Promise<unknown> => {
            const operation = name as "load" | "save";
            if (name === "load" || name === "save")
              this.#log.push({ atMs: clock.monotonicMs(), operation, requests });
            return await (port() as Ports)[operation](requests);
          };
          const how = this.#modes.get(name as Operation);
          if (how !== undefined) this.misbehaved += 1;
          return await misdone(how, does, clock);
        };
      },
    });
  }
}

async function misdone(
  how: Misbehaviour | undefined,
  does: () => Promise<unknown>,
  clock: Clock,
): Promise<unknown> {
  switch (how) {
    case undefined:
      return await does();
    case "refuses":
      throw new StoreUnavailableError("the store says no");
    case "refuses what it has done":
      await does();
      throw new StoreUnavailableError("the store says that it could not");
    case "hangs":
      return await new Promise(() => undefined);
    case "hangs after it has done it":
      await does();
      return await new Promise(() => undefined);
    case "answers late": {
      const answer = await does();
      await delay(clock, LATE_MS);
      return answer;
    }
    case "does it late":
      await delay(clock, LATE_MS);
      return await does();
    case "answers twice":
      await does();
      return await does();
  }
}
