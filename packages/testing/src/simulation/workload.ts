// What clients do in a simulation, and what must be true of it.
import type { ActorClient, Client } from "@tenure/client";
import type { Actor, ActorClass, TenureEvent } from "@tenure/core";
import { decodeValue, type Random, STATE_PART } from "@tenure/core/internal";
import type { SiloAdmin } from "@tenure/runtime";
import type { SimCluster } from "./cluster.ts";
import type { FaultPlan } from "./fault-plan.ts";
import type { SimRow } from "./tables.ts";
import type { CheckName } from "./violations.ts";

/** What one run is made of. A fresh one is made for every run: it may keep what it recorded. */
export interface Workload {
  readonly actors: readonly ActorClass[];
  /**
   * The classes that a silo has, by its name and how often it was started before: what a deployment changes. Of the same types as
   * `actors`. @default `actors`
   */
  deployed?(silo: string, starts: number): readonly ActorClass[];
  /** How many clients call at the same time. @default 3 */
  readonly clients?: number | undefined;
  /** One client: calls until `sim.over`. What it throws fails the run. */
  client(index: number): Promise<void>;
  /** Calls that must be answered soon after everything has healed, with no operator (I13), by what they ask. */
  recovered?(): ReadonlyMap<string, Promise<unknown>>;
  /** True when a turn was made that never ends, so that its silo cannot come to rest. */
  neverReturns?(): boolean;
  /** At the end, when nothing happens any more: throws, or reports with `sim.violated`. May call actors. */
  check?(): Promise<void> | void;
}

export type WorkloadFactory = (sim: Simulation) => Workload;

/** A running simulation, as a workload sees it. */
export interface Simulation {
  readonly seed: number;
  readonly random: Random;
  /** Simulated milliseconds since the start. */
  readonly nowMs: number;
  readonly leaseTtlMs: number;
  /** How long a call is waited for. */
  readonly callTimeoutMs: number;
  /** True when clients should come to an end. */
  readonly over: boolean;
  readonly events: readonly TenureEvent[];
  /** A client outside of all silos. */
  readonly client: ActorClient;
  /** Any client: one outside of all silos, or that of a silo that lives. */
  anyClient(): ActorClient;
  /** What an operator does, through any silo that lives; undefined when there is none. */
  anyAdmin(): SiloAdmin | undefined;
  /** Simulated time passes. */
  sleep(ms: number): Promise<void>;
  /** The same inside of an actor's process: stops when that is frozen or killed. */
  sleepIn(actor: Actor<unknown>, ms: number): Promise<void>;
  /** The state of an actor that the store holds now. */
  stored(type: string, id: string): unknown;
  /** False when the store lost something, so that what it holds is not what it accepted. */
  readonly storeKept: boolean;
  /**
   * Whether, at some time in between, a silo may have served an actor that it no longer owned because the store had lost its
   * claim (only with `amnesia`): what was read in such a time may be stale.
   */
  wasUnsettled(fromMs: number, untilMs: number): boolean;
  /** Told of each state that the store lost (only with `amnesia`): what it was, and what it is now. */
  onLost(listener: (actor: string, before: unknown, after: unknown) => void): void;
  violated(check: CheckName, detail: string): void;
  /** Counts something that a run without it would prove nothing about. */
  saw(what: string): void;
}

const STATE_HEADER_BYTES = 3;

export class RunningSimulation implements Simulation {
  readonly seed: number;
  readonly leaseTtlMs: number;
  readonly callTimeoutMs: number;
  over = false;
  #cluster: SimCluster | undefined;
  #clients: readonly Client[] = [];
  #random: Random | undefined;
  readonly #onLost: ((actor: string, before: unknown, after: unknown) => void)[] = [];
  #decoded = new Map<string, { readonly etag: string; readonly state: unknown }>();

  constructor(plan: FaultPlan, callTimeoutMs: number) {
    this.seed = plan.seed;
    this.leaseTtlMs = plan.ttlMs;
    this.callTimeoutMs = callTimeoutMs;
  }

  /** Actors are made before the cluster that runs them. */
  runIn(cluster: SimCluster, clients: readonly Client[]): void {
    this.#cluster = cluster;
    this.#clients = clients;
    this.#random = cluster.world.fork();
    cluster.store.primaries.onRowLost((actor, before, after) => {
      for (const listener of this.#onLost) listener(actor, stateOf(before), stateOf(after));
    });
  }

  get random(): Random {
    return (this.#random ??= this.cluster.world.fork());
  }
  get cluster(): SimCluster {
    if (!this.#cluster) throw new Error("the simulation has not begun");
    return this.#cluster;
  }
  get nowMs(): number {
    return this.cluster.world.nowMs;
  }
  get events(): readonly TenureEvent[] {
    return this.cluster.events;
  }
  get client(): ActorClient {
    return this.#clients[0]!;
  }
  get storeKept(): boolean {
    return this.cluster.storeWatch.kept;
  }

  wasUnsettled(fromMs: number, untilMs: number): boolean {
    return this.cluster.storeWatch.wasUnsettled(fromMs, untilMs);
  }

  onLost(listener: (actor: string, before: unknown, after: unknown) => void): void {
    this.#onLost.push(listener);
  }

  anyClient(): ActorClient {
    const inside = this.cluster
      .living()
      .filter(({ silo, node }) => silo !== undefined && !node.frozen);
    const all: ActorClient[] = [
      ...this.#clients,
      ...inside.slice(0, 2).map(({ silo }) => silo!.client),
    ];
    return all[Math.floor(this.random.next() * all.length)]!;
  }

  anyAdmin(): SiloAdmin | undefined {
    const inside = this.cluster
      .living()
      .filter(({ silo, node }) => silo !== undefined && !node.frozen);
    return inside[Math.floor(this.random.next() * inside.length)]?.silo?.admin;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.cluster.world.schedule(ms, "a client goes on", resolve);
    });
  }

  sleepIn(actor: Actor<unknown>, ms: number): Promise<void> {
    const node = this.cluster.codeWatch.processOf(actor);
    return new Promise((resolve) => {
      node?.clock.after(ms, resolve);
    });
  }

  stored(type: string, id: string): unknown {
    const key = `${type}/${id}`;
    const row = this.cluster.store.primaries.tables.rows.get(key);
    if (!row) return undefined;
    const known = this.#decoded.get(key);
    if (known?.etag === row.meta.etag) return known.state;
    const state = stateOf(row);
    this.#decoded.set(key, { etag: row.meta.etag, state });
    return state;
  }

  violated(check: CheckName, detail: string): void {
    this.cluster.findings.violated(check, detail);
  }
  saw(what: string): void {
    this.cluster.findings.saw(what);
  }
}

function stateOf(row: SimRow | undefined): unknown {
  const bytes = row?.parts.get(STATE_PART);
  return bytes && decodeValue(bytes.subarray(STATE_HEADER_BYTES));
}
