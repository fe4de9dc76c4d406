// A cluster of real silos on one virtual clock, whose directory and transport fail for each silo as the test says.
import type { ActorClass, TenureEvent } from "tenure";
import {
  type Directory,
  type DirectoryProvider,
  loopback,
  type MemberRecord,
  type TransportProvider,
} from "@tenure/core/internal";
import type { Silo, SiloOptions } from "@tenure/runtime";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { type TestSilos, testSilos } from "../../packages/testing/src/test-silos.ts";
import { memoryTables } from "./memory-tables.ts";
import { type Operation, REJECTED, type Script, scriptedDirectory } from "./scripted-directory.ts";
import { ScriptedStorage } from "./scripted-storage.ts";

export const TTL = 4_000;

export interface ScriptedClusterOptions {
  readonly actors: readonly ActorClass[];
  /** Whether absent entries of the directory are trusted from the start. @default true */
  readonly startsOpen?: boolean;
  readonly options?: Partial<SiloOptions>;
}

export class ScriptedCluster implements AsyncDisposable {
  readonly store: ReturnType<typeof memoryTables>;
  readonly storage = new ScriptedStorage();
  /** Silos whose directory operations go as their script says; "*" is for all. */
  readonly scripts = new Map<string, Script>();
  /** Silos to which no message comes, not even their own; "*" is for all. */
  readonly deaf = new Set<string>();
  readonly operations: { readonly silo: string; readonly operation: Operation }[] = [];
  /** Sessions of directories and transports that are open. */
  openSessions = 0;
  readonly #transport = loopback();
  readonly #silos: TestSilos;

  static async start(given: ScriptedClusterOptions): Promise<ScriptedCluster> {
    const silos = await testSilos({
      actors: given.actors,
      silos: 0,
      ...(given.options ? { options: given.options } : {}),
    });
    return new ScriptedCluster(given, silos);
  }

  private constructor(given: ScriptedClusterOptions, silos: TestSilos) {
    this.store = memoryTables(given.startsOpen);
    this.#silos = silos;
  }

  get clock(): TestSilos["clock"] {
    return this.#silos.clock;
  }

  get events(): readonly TenureEvent[] {
    return this.#silos.events;
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  of<T extends TenureEvent["type"]>(type: T, silo?: string): readonly TenureEvent<T>[] {
    return this.events.filter(
      (event): event is TenureEvent<T> =>
        event.type === type && (silo === undefined || event.silo === silo),
    );
  }

  async add(name: string, options: Partial<SiloOptions> = {}): Promise<Silo> {
    return await this.#silos.add(name, { ...this.ports(name), ...options });
  }

  ports(name: string): Pick<SiloOptions, "directory" | "storage" | "transport"> {
    return {
      directory: this.#directoryOf(name),
      storage: this.storage,
      transport: this.#transportOf(name),
    };
  }

  record(silo: Silo): MemberRecord {
    return this.store.tables.member(internalsOf(silo).incarnation!)!;
  }

  /** The store of the directory does not answer this silo; "*" is for all. */
  cut(name: string): void {
    this.scripts.set(name, () => REJECTED);
  }

  heal(name: string): void {
    this.scripts.delete(name);
  }

  /** Moves time until the promise has settled. */
  async until<T>(promise: Promise<T>, limitMs = 30_000): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => (settled = true));
    watched.catch(() => undefined);
    await this.clock.settle();
    for (const endMs = this.nowMs + limitMs; !settled && this.nowMs < endMs;)
      await this.clock.advance(5);
    if (!settled) throw new Error(`not settled within ${limitMs} ms`);
    return await watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.scripts.clear();
    this.deaf.clear();
    await this.#silos[Symbol.asyncDispose]();
  }

  #directoryOf(name: string): DirectoryProvider {
    return {
      name: "scripted memory",
      open: async ({ clock }) => {
        this.openSessions += 1;
        const target: Directory = {
          ...delegated(this.store.directory),
          close: async () => {
            this.openSessions -= 1;
          },
        };
        return scriptedDirectory(
          target,
          { truth: this.clock, silo: clock },
          (operation, request) => {
            this.operations.push({ silo: name, operation });
            const script = this.scripts.get(name) ?? this.scripts.get("*");
            return script?.(operation, request);
          },
        );
      },
    };
  }

  #transportOf(name: string): TransportProvider {
    const lost = (): boolean => this.deaf.has(name) || this.deaf.has("*");
    return {
      name: "scripted loopback",
      open: async (environment) => {
        this.openSessions += 1;
        const transport = await this.#transport.open(environment);
        return {
          join: async (address, receiver) => {
            const endpoint = await transport.join(address, {
              message: (from, message) => {
                if (!lost()) receiver.message(from, message);
              },
              undeliverable: (to, tag) => receiver.undeliverable(to, tag),
              disconnected: () => receiver.disconnected(),
              reconnected: () => receiver.reconnected(),
            });
            return endpoint;
          },
          close: async () => {
            this.openSessions -= 1;
            await transport.close();
          },
        };
      },
    };
  }
}

function delegated(directory: Directory): Omit<Directory, "close"> {
  return {
    durability: directory.durability,
    register: (request) => directory.register(request),
    renew: (request) => directory.renew(request),
    markDead: (request) => directory.markDead(request),
    members: () => directory.members(),
    open: (storeId) => directory.open(storeId),
    claim: (requests) => directory.claim(requests),
    release: (requests) => directory.release(requests),
    sweep: (request) => directory.sweep(request),
    lookup: (actors) => directory.lookup(actors),
  };
}
