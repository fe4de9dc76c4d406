// A simulated cluster: silos and clients made by the same createSilo and connect as everywhere, on simulated ports.
//   C1. What is substituted for a test of the checks themselves (a broken rule) is a port or a value, handed in here.
//   C2. Everything is watched: the store's decisions, user code, messages, events.
import { type ActorClient, type Client, connect } from "@tenure/client";
import type { ActorClass, TenureEvent } from "@tenure/core";
import {
  type Clock,
  type DirectoryProvider,
  durationMs,
  type Incarnation,
  type OwnershipRules,
  type Random,
  type StorageProvider,
  type TransportProvider,
} from "@tenure/core/internal";
import { createSilo, type Silo, type SiloOptions } from "@tenure/runtime";
import type { RuntimeRules } from "@tenure/runtime/internal";
import { internalsOf } from "../crash.ts";
import { CodeWatch } from "./code-watch.ts";
import { Histories } from "./history.ts";
import { SimNetwork } from "./network.ts";
import { SimNode } from "./node.ts";
import { observed } from "./observed-actor.ts";
import { SimStore } from "./store.ts";
import { StoreWatch } from "./store-watch.ts";
import { Findings } from "./violations.ts";
import { World } from "./world.ts";

/** What createSilo and connect take besides their options. */
export interface SimPlatform {
  readonly clock: Clock;
  readonly random: Random;
  readonly rules?: RuntimeRules | undefined;
}

/** Ports and values in whose place others are put (C1). */
export interface Substitutions {
  readonly rules?: ((store: { wallMs(): number }) => OwnershipRules) | undefined;
  platform?(platform: SimPlatform, node: SimNode): SimPlatform;
  directory?(provider: DirectoryProvider, node: SimNode): DirectoryProvider;
  storage?(provider: StorageProvider, node: SimNode): StorageProvider;
  transport?(provider: TransportProvider, node: SimNode): TransportProvider;
}

export interface SimClusterOptions {
  readonly seed: number;
  readonly actors: readonly ActorClass[];
  /** The classes of one silo, by its name and how often it was started before. @default `actors` */
  readonly deployed?: ((silo: string, starts: number) => readonly ActorClass[]) | undefined;
  readonly silo?: Partial<SiloOptions> | undefined;
  readonly substitutions?: Substitutions | undefined;
  readonly startsOpen?: boolean | undefined;
  readonly joint?: boolean | undefined;
}

export interface SimSilo {
  readonly name: string;
  readonly node: SimNode;
  incarnation: Incarnation | undefined;
  /** Undefined until it has started, and when it could not. */
  silo: Silo | undefined;
  stopping: boolean;
}

/** After a lease nobody serves by a claim that the store has forgotten: it was noticed at a renewal, or nothing was renewed. */
const NOTICE_TTLS = 1.01;
/** Stragglers take up to three leases each way, and a store's stall is up to two and a half. */
const UNDERWAY_TTLS = 9;

export class SimCluster {
  readonly world: World;
  readonly network: SimNetwork;
  readonly store: SimStore;
  readonly findings: Findings;
  readonly histories: Histories;
  readonly storeWatch: StoreWatch;
  readonly codeWatch: CodeWatch;
  /** The newest process of each name. */
  readonly silos: Map<string, SimSilo> = new Map();
  readonly events: TenureEvent[] = [];
  readonly #options: SimClusterOptions;
  readonly #starts = new Map<string, number>();
  #later: { readonly atEvent: number; readonly act: () => void }[] = [];
  readonly #listeners = new Set<(event: TenureEvent) => void>();

  constructor(options: SimClusterOptions) {
    this.#options = options;
    this.world = new World(options.seed);
    this.findings = new Findings(() => this.world.nowMs);
    this.histories = new Histories(this.world);
    const ttlMs = durationMs("leaseTtlMs", options.silo?.leaseTtlMs ?? 4_000);
    this.storeWatch = new StoreWatch(this.findings, this.histories, {
      nowMs: () => this.world.nowMs,
      noticeMs: NOTICE_TTLS * ttlMs,
      underwayMs: UNDERWAY_TTLS * ttlMs,
    });
    this.codeWatch = new CodeWatch(
      this.findings,
      this.histories,
      this.storeWatch,
      // The queue of a pool is that of all its callers' ids together.
      new Map(
        options.actors
          .filter(({ actor }) => actor.stateless === undefined)
          .map(({ actor }) => [actor.type, actor.maxQueue]),
      ),
    );
    this.network = new SimNetwork(this.world, this.codeWatch);
    this.store = new SimStore(this.world, {
      rules: options.substitutions?.rules,
      startsOpen: options.startsOpen,
      joint: options.joint,
      watch: this.storeWatch,
    });
  }

  onEvent(listener: (event: TenureEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Starts a silo on a process of its own; resolves when it serves. The world must be running. */
  async startSilo(
    name: string,
    rate: number = 1,
    process: string = name,
    bootstrap: boolean = false,
  ): Promise<Silo> {
    const node = new SimNode(this.world, { name: process, rate });
    const entry: SimSilo = {
      name,
      node,
      incarnation: undefined,
      silo: undefined,
      stopping: false,
    };
    this.silos.set(process, entry);
    const { substitutions, silo: options } = this.#options;
    const starts = this.#starts.get(name) ?? 0;
    this.#starts.set(name, starts + 1);
    const actors = this.#options.deployed?.(name, starts) ?? this.#options.actors;
    const ports = this.#ports(node);
    const code = this.codeWatch.at(entry);
    const silo = await createSilo(
      {
        name,
        actors: actors.map((actor) => observed(actor, code)),
        ...ports,
        ...options,
        bootstrap,
        onEvent: (event) => {
          if (event.type === "silo.joined") {
            entry.incarnation = event.incarnation;
            this.codeWatch.joined(node);
          }
          this.#heard(node, event);
          options?.onEvent?.(event);
        },
      },
      substitutions?.platform?.(platformOf(node), node) ?? platformOf(node),
    );
    entry.silo = silo;
    return silo;
  }

  async connect(name: string, callTimeoutMs?: number): Promise<Client> {
    const node = new SimNode(this.world, { name });
    const { substitutions } = this.#options;
    return await connect(
      {
        transport: this.#ports(node).transport,
        callTimeoutMs,
        onEvent: (event) => this.#heard(node, event),
      },
      substitutions?.platform?.(platformOf(node), node) ?? platformOf(node),
    );
  }

  /** Runs `call` in a silo's process, through its own client. Undefined when the process cannot run anything. */
  through<T>(name: string, call: (client: ActorClient) => Promise<T>): Promise<T> | undefined {
    const entry = this.silos.get(name);
    if (!entry?.silo || entry.stopping || entry.node.crashed || entry.node.frozen) return undefined;
    return call(entry.silo.client);
  }

  crash(name: string): void {
    const entry = this.silos.get(name);
    if (!entry || entry.node.crashed) return;
    this.world.note(`crash ${name}`);
    entry.node.crash();
    // What its memory still holds goes on nowhere: its clock and its messages are dead already.
    if (entry.silo) internalsOf(entry.silo).crash();
  }

  /** Processes that live. */
  living(): readonly SimSilo[] {
    return [...this.silos.values()].filter(({ node, stopping }) => !node.crashed && !stopping);
  }

  /** Runs the world until `promise` settles, for at most `limitMs` of its time. */
  async drive<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    if (!(await this.run(limitMs, () => settled)))
      throw new Error(`not settled within ${limitMs} ms of simulated time`);
    return await promise;
  }

  /** Runs the world for `ms`, or until `done`, checking after every event. */
  run(ms: number, done?: () => boolean): Promise<boolean> {
    return this.world.run(this.world.nowMs + ms, done, this.#afterEvent);
  }

  /** Runs `act` between two events, when `events` more have run. */
  afterEvents(events: number, act: () => void): void {
    this.#later.push({ atEvent: this.world.events + events, act });
  }

  readonly #afterEvent = (): void => {
    if (this.#later.length > 0) {
      const due = this.#later.filter(({ atEvent }) => this.world.events >= atEvent);
      this.#later = this.#later.filter((item) => !due.includes(item));
      for (const { act } of due) act();
    }
    this.codeWatch.checkWaiting(this.network.touched());
  };

  #ports(node: SimNode): {
    readonly transport: TransportProvider;
    readonly directory: DirectoryProvider;
    readonly storage: StorageProvider;
  } {
    const put = this.#options.substitutions;
    const transport = this.network.provider(node);
    const storage = this.store.storage(node);
    const directory = this.store.directory(node, storage);
    return {
      transport: put?.transport?.(transport, node) ?? transport,
      directory: put?.directory?.(directory, node) ?? directory,
      storage: put?.storage?.(storage, node) ?? storage,
    };
  }

  #heard(node: SimNode, event: TenureEvent): void {
    if (node.crashed) return;
    this.events.push(event);
    this.findings.saw(`event ${event.type}`);
    this.world.note(`${event.silo || node.name}: ${describeEvent(event)}`);
    for (const listener of this.#listeners) listener(event);
  }
}

function platformOf(node: SimNode): SimPlatform {
  return { clock: node.clock, random: node.random };
}

export function describeEvent(event: TenureEvent): string {
  const actor = "actor" in event ? ` ${event.actor.type}/${event.actor.id}` : "";
  const generation = "generation" in event ? ` generation ${event.generation}` : "";
  const reason = "reason" in event ? ` (${event.reason})` : "";
  const error = "error" in event ? `: ${event.error}` : "";
  return `${event.type}${actor}${generation}${reason}${error}`;
}
