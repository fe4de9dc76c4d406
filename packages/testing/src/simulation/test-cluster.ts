// `testCluster`: a cluster for a test of actors, in simulated time, with faults at hand.
import type { ActorClient } from "@tenure/client";
import type { ActorClass, TenureEvent } from "@tenure/core";
import { type Duration, durationMs } from "@tenure/core/internal";
import type { Silo, SiloOptions } from "@tenure/runtime";
import { awaitedClient } from "./awaited-client.ts";
import { describeEvent, SimCluster, type SimSilo } from "./cluster.ts";
import { Driver } from "./driver.ts";
import { type HistoryEntry, historyLine } from "./history.ts";
import type { NetworkFaults } from "./network.ts";
import type { StoreFaults } from "./store.ts";

export interface TestClusterOptions {
  readonly actors: readonly ActorClass[];
  /** They are called silo-1, silo-2, … @default 3 */
  readonly silos?: number | undefined;
  /** Chooses every delay and every random choice. @default 1 */
  readonly seed?: number | undefined;
  /** Passed to every silo. */
  readonly options?: Partial<SiloOptions> | undefined;
}

/**
 * A cluster of real silos in one process, on simulated ports: no real time passes, and one seed gives one course of events.
 *
 * Time passes only while the test waits for a call, for a silo, or for `clock.advance()`. A call that is awaited makes the
 * world run until it is answered. Do not await real time or real I/O in between: what happens then is not the seed's.
 */
export interface TestCluster extends AsyncDisposable {
  /** A client outside of all silos. */
  readonly client: ActorClient;
  readonly clock: {
    /** Milliseconds since the start. */
    readonly nowMs: number;
    /** Lets time pass: timers, leases and timeouts fire in order. */
    advance(duration: Duration): Promise<void>;
  };
  /** Everything that silos and clients reported. */
  readonly events: readonly TenureEvent[];
  /** Chances and delays, to be changed at will. */
  readonly faults: { readonly network: NetworkFaults; readonly store: StoreFaults };
  /** The client inside of a silo. */
  clientOf(silo: string): ActorClient;
  /** Starts a silo: a new one, or one that has crashed or stopped. */
  start(name: string): Promise<Silo>;
  /** Stops a silo as its operator would: it hands its actors over first. */
  stop(name: string): Promise<void>;
  /** Neither side hears the other, until heal(). Silos and `client`. */
  partition(one: readonly string[], other: readonly string[]): void;
  heal(): void;
  /** The process stands still, as after SIGSTOP or in a long garbage collection. */
  pause(name: string, duration: Duration): void;
  /** The process is gone, as after SIGKILL. */
  crash(name: string): void;
  /** The store does not answer until the returned function is called. */
  storeAway(): () => void;
  /** What this process asks of the store is held on its way, until the returned function is called. */
  holdStore(name: string): () => void;
  /** The store loses its newest `count` writes, though it had acknowledged them: a failover, a restored backup. */
  loseWrites(count: number): void;
  /** The store loses everything. */
  loseStore(): void;
  /** @throws Error when any actor had two owners at once, or any invariant of the protocol was broken so far. */
  assertSingleOwner(): void;
  /** Every claim, load, save, fence, turn and reply of an actor (`type/id`), in order. */
  history(actor: string): readonly HistoryEntry[];
  /** The same with what silos reported, of all actors, as text: for golden traces. `note` adds a line. */
  trace(): string;
  note(line: string): void;
}

const IN_TRACE: ReadonlySet<HistoryEntry["what"]> = new Set([
  "claimed",
  "released",
  "refused",
  "resent",
  "saved",
  "replied",
]);
const CLIENT = "client";

/** @example await using t = await testCluster({ actors: [Counter], silos: 3, seed: 7 }) */
export async function testCluster(given: TestClusterOptions): Promise<TestCluster> {
  const cluster = new SimCluster({
    seed: given.seed ?? 1,
    actors: given.actors,
    silo: given.options,
    // As a shared store's: where it comes back empty, nobody trusts it at once (R13).
    startsOpen: false,
  });
  const { world, network, store, histories, findings } = cluster;
  const driver = new Driver(cluster);
  const awaits = <T>(promise: Promise<T>): Promise<T> => driver.settled(promise);
  const lines: string[] = [];
  const line = (text: string): void => {
    lines.push(`${world.nowMs.toFixed(0).padStart(7)} ${text}`);
  };
  cluster.onEvent((event) => {
    if (!SELDOM_TOLD.has(event.type)) line(`${event.silo || CLIENT}: ${describeEvent(event)}`);
  });
  histories.onEntry = (actor, entry) => {
    if (!IN_TRACE.has(entry.what)) return;
    const { what, silo, generation, detail } = entry;
    line(`  ${actor} ${what} by ${silo}, generation ${generation}${detail && `: ${detail}`}`);
  };
  const names = Array.from({ length: given.silos ?? 3 }, (_, i) => `silo-${i + 1}`);
  await awaits(Promise.all(names.map((name) => cluster.startSilo(name, 1, name, true))));
  const client = await awaits(cluster.connect(CLIENT));
  const living = (name: string): SimSilo & { readonly silo: Silo } => {
    const found = cluster.silos.get(name);
    if (!found?.silo || found.node.crashed) throw new Error(`no silo '${name}' is running`);
    return found as SimSilo & { readonly silo: Silo };
  };
  const stop = async (name: string): Promise<void> => {
    const entry = living(name);
    entry.stopping = true;
    await awaits(entry.silo.stop());
    entry.node.crash();
  };
  return {
    client: awaitedClient(client, awaits),
    clock: {
      get nowMs() {
        return world.nowMs;
      },
      advance: (duration) => driver.advance(durationMs("advance", duration)),
    },
    events: cluster.events,
    faults: { network: network.faults, store: store.faults },
    clientOf: (name) => awaitedClient(living(name).silo.client, awaits),
    start: (name) => awaits(cluster.startSilo(name)),
    stop,
    partition: (one, other) => {
      for (const a of one)
        for (const b of other) {
          network.cut(a, b);
          network.cut(b, a);
        }
    },
    heal: () => network.heal(),
    pause: (name, duration) => living(name).node.freeze(durationMs("pause", duration), false),
    crash: (name) => cluster.crash(living(name).name),
    storeAway: () => {
      store.away = true;
      return () => {
        store.away = false;
      };
    },
    holdStore: (name) => store.hold(name),
    loseWrites: (count) => store.primaries.lose(count),
    loseStore: () => store.primaries.loseEverything(),
    assertSingleOwner: () => {
      if (findings.violations.length === 0) return;
      const told = findings.violations.flatMap(({ check, detail, atMs }) => {
        const actor = /[A-Za-z][\w.-]*\/\S+/.exec(detail)?.[0];
        const entries = actor === undefined ? [] : histories.of(actor).slice(-20);
        return [`at ${atMs.toFixed(1)} ms, ${check}: ${detail}`].concat(entries.map(historyLine));
      });
      throw new Error(told.join("\n"));
    },
    history: (actor) => histories.of(actor),
    trace: () => `${lines.join("\n")}\n`,
    note: (text) => line(`> ${text}`),
    [Symbol.asyncDispose]: async () => {
      network.heal();
      for (const { node } of cluster.silos.values()) node.thaw();
      await Promise.all(cluster.living().map(({ name }) => stop(name)));
      await awaits(client.close());
    },
  };
}

/** Reported often, or at every start: a story does not gain by them. */
const SELDOM_TOLD: ReadonlySet<string> = new Set(["store.opened", "store.unavailable"]);
