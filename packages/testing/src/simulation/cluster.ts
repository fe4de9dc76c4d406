// A simulated cluster: silos and clients made by the same createSilo and connect as everywhere, on simulated ports.
import { type Client, connect } from "@tenure/client";
import type { ActorClass, TenureEvent } from "@tenure/core";
import type { OwnershipRules } from "@tenure/core/internal";
import { createSilo, type Silo, type SiloOptions } from "@tenure/runtime";
import { internalsOf } from "../crash.ts";
import { SimNetwork } from "./network.ts";
import { SimNode } from "./node.ts";
import { SimStore } from "./store.ts";
import { World } from "./world.ts";

export interface SimClusterOptions {
  readonly seed: number;
  readonly actors: readonly ActorClass[];
  readonly rules?: OwnershipRules | undefined;
  readonly startsOpen?: boolean | undefined;
  readonly silo?: Partial<SiloOptions> | undefined;
}

export interface SimSilo {
  readonly node: SimNode;
  /** Undefined until it has started, and when it could not. */
  silo: Silo | undefined;
}

export class SimCluster {
  readonly world: World;
  readonly network: SimNetwork;
  readonly store: SimStore;
  readonly silos: Map<string, SimSilo> = new Map();
  readonly events: TenureEvent[] = [];
  readonly #options: SimClusterOptions;
  readonly #listeners = new Set<(event: TenureEvent) => void>();

  constructor(options: SimClusterOptions) {
    this.#options = options;
    this.world = new World(options.seed);
    this.network = new SimNetwork(this.world);
    this.store = new SimStore(this.world, { rules: options.rules, startsOpen: options.startsOpen });
  }

  onEvent(listener: (event: TenureEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Starts a silo on a process of its own; resolves when it serves. The world must be running. */
  async startSilo(name: string, rate = 1): Promise<Silo> {
    const node = new SimNode(this.world, { name, rate });
    const entry: SimSilo = { node, silo: undefined };
    this.silos.set(name, entry);
    const silo = await createSilo(
      {
        name,
        actors: this.#options.actors,
        transport: this.network.provider(node),
        directory: this.store.directory(node),
        storage: this.store.storage(node),
        ...this.#options.silo,
        onEvent: (event) => this.#heard(node, event),
      },
      { clock: node.clock, random: node.random },
    );
    entry.silo = silo;
    return silo;
  }

  async connect(name: string): Promise<Client> {
    const node = new SimNode(this.world, { name });
    return await connect(
      { transport: this.network.provider(node), onEvent: (event) => this.#heard(node, event) },
      { clock: node.clock, random: node.random },
    );
  }

  crash(name: string): void {
    const entry = this.silos.get(name);
    if (!entry || entry.node.crashed) return;
    this.world.note(`crash ${name}`);
    entry.node.crash();
    // What its memory still holds goes on nowhere: its clock and its messages are dead already.
    if (entry.silo) internalsOf(entry.silo).crash();
  }

  /** Runs the world until `promise` settles, for at most `limitMs` of its time. */
  async drive<T>(promise: Promise<T>, limitMs: number, after?: () => void): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    if (!(await this.world.run(this.world.nowMs + limitMs, () => settled, after)))
      throw new Error(`not settled within ${limitMs} ms of simulated time`);
    return await promise;
  }

  #heard(node: SimNode, event: TenureEvent): void {
    if (node.crashed) return;
    this.events.push(event);
    this.world.note(`${event.silo || node.name}: ${describeEvent(event)}`);
    for (const listener of this.#listeners) listener(event);
  }
}

function describeEvent(event: TenureEvent): string {
  const actor = "actor" in event ? ` ${event.actor.type}/${event.actor.id}` : "";
  const generation = "generation" in event ? ` generation ${event.generation}` : "";
  const reason = "reason" in event ? ` (${event.reason})` : "";
  return `${event.type}${actor}${generation}${reason}`;
}
