// The silo: the one place where its parts are put together, and its life over incarnations.
//   S1. The whole configuration is checked before a connection is opened; what was opened is closed when a start fails.
//   S2. An incarnation that is lost is followed by a new one, with nothing of the old, until the silo is stopped (I5).
import {
  type ActorClient,
  type CallCounters,
  Invoker,
  MAX_OPEN_CALLS,
  referenceTo,
} from "@tenure/client/internal";
import type { Actor, ActorClass, ActorRef } from "@tenure/core";
import {
  type ActorAddress,
  ConfigError,
  delay,
  EventStream,
  interceptorList,
  type Incarnation as IncarnationId,
  type Located,
  type PortEnvironment,
  shortName,
  systemClock,
  systemRandom,
  Tasks,
} from "@tenure/core/internal";
import { GenerationClock } from "@tenure/directory/internal";
import { refused } from "./activation/incoming-call.ts";
import { type SiloAdmin, siloAdmin } from "./admin/silo-admin.ts";
import { Incarnation } from "./cluster/incarnation.ts";
import type { SiloPorts } from "./cluster/parts.ts";
import { type RuntimeRules, runtimeRules, type SiloPlatform } from "./rules.ts";
import { stateLimit } from "./state-limit.ts";
import { type ResolvedSiloOptions, resolveSiloOptions, type SiloOptions } from "./silo-options.ts";

/** A host of activations: normally one per process. */
export interface Silo extends AsyncDisposable {
  readonly name: string;
  /** Calls actors from this process. */
  readonly client: ActorClient;
  readonly events: Pick<EventStream, "subscribe" | "next">;
  /** What an operator may do with single actors, and learn of them. */
  readonly admin: SiloAdmin;
  /** Takes no new actors and hands over those it has. The client goes on working. */
  drain(): Promise<void>;
  /** Drains, says goodbye, and closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** What tests need of a silo and applications must not have. */
export interface SiloInternals {
  readonly incarnation: IncarnationId | undefined;
  readonly activations: number;
  /** Everything that is held for calls that leave or have arrived: nothing, once all are answered. */
  readonly held: number;
  /** An incarnation has been born and is not over. */
  readonly serving: boolean;
  /** Everything held for calls that leave here: nothing, once all of them are settled (I12). */
  readonly outgoingCalls: number;
  /** What was counted of calls that leave here. */
  readonly calls: CallCounters;
  /** Calls that came in and are not answered. */
  readonly incomingCalls: number;
  /** No goodbye: timers and connections are dropped, as when the process is killed. */
  crash(): void;
}

export const SILO_INTERNALS: unique symbol = Symbol("tenure.silo.internals");

const OPEN_TIMEOUT_MS = 8_000;
const REJOIN_MS = 250;

/**
 * Starts a silo and resolves when it serves.
 * @throws ConfigError for a wrong option or setting, UnreachableError when a server cannot be reached within 8 s.
 */
export async function createSilo(
  options: SiloOptions,
  platform: SiloPlatform = { clock: systemClock(), random: systemRandom() },
): Promise<Silo> {
  const resolved = resolveSiloOptions(options);
  const silo = new SiloLife(resolved, platform);
  await silo.start();
  return silo;
}

/** What each port, and no other, has. */
const PORT_METHODS = { directory: "claim", storage: "load", transport: "join" } as const;

class SiloLife implements Silo {
  readonly name: string;
  readonly events: EventStream;
  readonly client: ActorClient;
  readonly admin: SiloAdmin;
  readonly #options: ResolvedSiloOptions;
  readonly #platform: SiloPlatform;
  readonly #rules: RuntimeRules;
  readonly #invoker: Invoker;
  readonly #tasks: Tasks;
  readonly #generations: GenerationClock;
  #ports: SiloPorts | undefined;
  #maxStateBytes = 0;
  #current: Incarnation | undefined;
  #draining = false;
  #stopping: Promise<void> | undefined;

  constructor(options: ResolvedSiloOptions, platform: SiloPlatform) {
    const { clock, random } = platform;
    this.name = options.name ?? `silo-${shortName(random.hex128())}`;
    this.#options = options;
    this.#platform = platform;
    this.#rules = platform.rules ?? runtimeRules;
    this.#generations = new GenerationClock(clock);
    this.events = new EventStream(this.name, () => clock.wallMs());
    if (options.onEvent) this.events.subscribe(options.onEvent);
    this.#invoker = new Invoker({
      clock,
      random,
      callTimeoutMs: options.callTimeoutMs,
      rules: this.#rules,
      emit: this.events.emit,
      // A silo's own calls into itself are bounded by maxCalls, too: a larger one is meant.
      maxOpenCalls: Math.max(MAX_OPEN_CALLS, options.maxCalls),
      locator: { locate: (actor, avoid) => this.#locate(actor, avoid) },
      interceptors: interceptorList(options.interceptors.outgoing, []),
    });
    this.#tasks = new Tasks((task, error) =>
      this.events.emit({ type: "task.failed", task, error: String(error) }),
    );
    this.client = {
      get: <A extends Actor<unknown>>(actor: ActorClass<A> | string, id: string): ActorRef<A> =>
        referenceTo(actor, id, this.#invoker),
    };
    const { callTimeoutMs } = options;
    this.admin = siloAdmin({ clock, timeoutMs: callTimeoutMs, parts: () => this.#current });
  }

  async start(): Promise<void> {
    try {
      this.#ports = await this.#open();
      const first = await this.#nextIncarnation(undefined);
      this.#tasks.run("incarnations", (signal) => this.#liveOn(first, signal));
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await this.#current?.drain(this.#options.drainTimeoutMs);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get [SILO_INTERNALS](): SiloInternals {
    return {
      incarnation: this.#current?.id,
      activations: this.#current?.catalog.size ?? 0,
      held: this.#invoker.held + (this.#current?.dispatcher.openCalls ?? 0),
      serving: this.#current !== undefined && !this.#current.lease.over,
      outgoingCalls: this.#invoker.held,
      calls: this.#invoker.counters,
      incomingCalls: this.#current?.dispatcher.openCalls ?? 0,
      crash: () => this.#crash(),
    };
  }

  // ---- opening and closing ---------------------------------------------------------------------------------------

  async #open(): Promise<SiloPorts> {
    const { transport, directory, storage, cluster, durability, leaseTtlMs } = this.#options;
    const environment: PortEnvironment = {
      cluster,
      clock: this.#platform.clock,
      random: this.#platform.random,
      emit: this.events.emit,
      leaseTtlMs,
      openTimeoutMs: OPEN_TIMEOUT_MS,
      durability,
    };
    const opened: { close(): Promise<void> }[] = [];
    const keep = <T extends { close(): Promise<void> }>(
      option: keyof typeof PORT_METHODS,
      port: T,
    ): T => {
      opened.push(port);
      // A backend's parts look alike until they are opened.
      if (typeof (port as Record<string, unknown>)[PORT_METHODS[option]] !== "function")
        throw new ConfigError(
          option,
          `what '${this.#options[option].name}' opens is no ${option}; give it that part of a backend, or spread all of it: ...redis({ url })`,
        );
      return port;
    };
    try {
      const ports: SiloPorts = {
        directory: keep("directory", await directory.open(environment)),
        storage: keep("storage", await storage.open(environment)),
        transport: keep("transport", await transport.open(environment)),
        joint: directory.rows === storage,
      };
      this.#maxStateBytes = stateLimit(this.#options.maxStateBytes, {
        name: storage.name,
        maxStateBytes: ports.storage.maxStateBytes,
      });
      for (const port of ["directory", "storage"] as const)
        this.events.emit({
          type: "store.opened",
          store: `${port}: ${this.#options[port].name}`,
          durability: ports[port].durability,
        });
      return ports;
    } catch (error) {
      await Promise.allSettled(opened.map((port) => port.close()));
      throw error;
    }
  }

  async #stop(): Promise<void> {
    this.#tasks.abort();
    await this.#current?.stop(this.#options.drainTimeoutMs);
    this.#invoker.close();
    await this.#tasks.stop();
    await this.#close();
  }

  async #close(): Promise<void> {
    const ports = this.#ports;
    this.#ports = undefined;
    if (!ports) return;
    await ports.transport.close();
    await Promise.all([ports.storage.close(), ports.directory.close()]);
  }

  #crash(): void {
    this.#stopping = Promise.resolve();
    this.#tasks.abort();
    this.#current?.crash();
    this.#current?.catalog.poison("lease-lost", "the silo crashed");
    this.#invoker.close();
    void this.#close().catch(() => undefined);
  }

  // ---- incarnations ----------------------------------------------------------------------------------------------

  /** One incarnation after the other, until the silo is stopped (S2). */
  async #liveOn(first: Incarnation, signal: AbortSignal): Promise<void> {
    for (let incarnation = first; ; incarnation = await this.#rejoin(incarnation.id, signal)) {
      this.#current = incarnation;
      // What the silo was told before a new incarnation was born holds for that one too; stop() waits for it.
      if (this.#draining) void incarnation.drain(this.#options.drainTimeoutMs);
      await incarnation.ended;
      if (signal.aborted) return;
      this.#current = undefined;
    }
  }

  async #rejoin(previous: IncarnationId, signal: AbortSignal): Promise<Incarnation> {
    for (;;)
      try {
        return await this.#nextIncarnation(previous);
      } catch (error) {
        signal.throwIfAborted();
        this.events.emit({ type: "task.failed", task: "rejoin", error: String(error) });
        await delay(this.#platform.clock, REJOIN_MS, signal);
      }
  }

  #nextIncarnation(previous: IncarnationId | undefined): Promise<Incarnation> {
    const { clock, random } = this.#platform;
    const {
      kinds,
      roles,
      services,
      leaseTtlMs,
      maxCalls,
      authorize,
      exposeStacks,
      strictReads,
      interceptors,
    } = this.#options;
    // Only the first start can say that the directory is new. Said again by a silo that rejoins, it would open a
    // directory that was lost while others still serve (R13).
    const bootstrap = this.#options.bootstrap && previous === undefined;
    return Incarnation.start(
      {
        name: this.name,
        roles,
        services,
        bootstrap,
        kinds,
        timing: this.#rules.leaseTiming(leaseTtlMs),
        rules: this.#rules,
        generations: this.#generations,
        maxCalls,
        maxStateBytes: this.#maxStateBytes,
        authorize,
        exposeStacks,
        strictReads,
        interceptors: interceptors.incoming,
        clock,
        random,
        emit: this.events.emit,
        ports: this.#ports!,
        invoker: this.#invoker,
        previous,
      },
      this.#tasks.signal,
    );
  }

  #locate(actor: ActorAddress, avoid: IncarnationId | undefined): Located | Promise<Located> {
    return (
      this.#current?.locator.locate(actor, avoid) ??
      refused("no-silo", "this silo is joining the cluster")
    );
  }
}
