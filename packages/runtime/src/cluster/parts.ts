// The parts of one incarnation and who knows whom: lease, membership, claims, catalog, dispatcher, locator.
import { type Invoker, RemoteLocator } from "@tenure/client/internal";
import type {
  ActorKind,
  Clock,
  Directory,
  Endpoint,
  EventSink,
  Incarnation,
  Interceptor,
  MemberRecord,
  Random,
  Services,
  Storage,
  Transport,
} from "@tenure/core/internal";
import {
  type GenerationClock,
  LeaseKeeper,
  type LeaseTiming,
  Membership,
  Ownership,
  type Registered,
  RollbackWatch,
  Sweeper,
} from "@tenure/directory/internal";
import { Administration } from "../admin/administration.ts";
import { Overview } from "../admin/overview.ts";
import { RowStore } from "../activation/row-store.ts";
import { Catalog } from "../catalog/catalog.ts";
import { Deadlocks } from "../deadlocks/deadlocks.ts";
import type { Authorize } from "../messaging/authorization.ts";
import { Dispatcher } from "../messaging/dispatcher.ts";
import type { RuntimeRules } from "../rules.ts";
import { SiloLocator } from "./silo-locator.ts";

export interface SiloPorts {
  readonly transport: Transport;
  readonly directory: Directory;
  readonly storage: Storage;
  /** The directory's rows are in this storage (D8). */
  readonly joint: boolean;
}

export interface IncarnationDeps {
  readonly name: string;
  readonly roles: readonly string[];
  readonly bootstrap: boolean;
  readonly services: Services | undefined;
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly timing: LeaseTiming;
  readonly maxCalls: number;
  readonly maxStateBytes: number;
  readonly authorize: Authorize | undefined;
  readonly exposeStacks: boolean;
  /** Around every method of this silo's actors. */
  readonly interceptors: readonly Interceptor[];
  readonly strictReads: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly ports: SiloPorts;
  readonly invoker: Invoker;
  readonly rules: RuntimeRules;
  /** The silo's, over all its incarnations. */
  readonly generations: GenerationClock;
  /** The silo's last incarnation, if it has one: it is over. */
  readonly previous: Incarnation | undefined;
}

/** What the parts ask of the life that they belong to. */
export interface PartsHost {
  /** Undefined until the transport has been joined. */
  endpoint(): Endpoint | undefined;
  draining(): boolean;
  lost(reason: string): void;
  died(member: MemberRecord, markedHere: boolean): void;
}

export interface Parts {
  readonly lease: LeaseKeeper;
  readonly membership: Membership;
  readonly catalog: Catalog;
  readonly dispatcher: Dispatcher;
  readonly locator: SiloLocator;
  readonly deadlocks: Deadlocks;
  readonly sweeper: Sweeper;
  /** Asks other silos where actors are. */
  readonly others: RemoteLocator;
  readonly administration: Administration;
  readonly overview: Overview;
}

export function makeParts(
  id: Incarnation,
  { member, sentinel }: Registered,
  deps: IncarnationDeps,
  host: PartsHost,
): Parts {
  const { clock, random, emit, timing, ports, kinds } = deps;
  const { directory } = ports;
  const rollbacks = new RollbackWatch(member, deps.rules);
  // What a silo holds in memory may have been granted, or computed, from writes that are gone. All of it is discarded
  // and comes back from what the stores hold now, above the highest generation that was seen (R14, I7, I8).
  const rolledBack = (): void => {
    emit({ type: "directory.rolled-back", incarnation: id });
    catalog.poison("fenced", "the directory lost acknowledged writes");
  };
  const lease = new LeaseKeeper(
    {
      incarnation: id,
      timing,
      clock,
      directory,
      emit,
      rules: deps.rules,
      host: {
        sendProbe: (round) => void host.endpoint()?.send(id, { kind: "probe", round }),
        load: () => catalog.size,
        acknowledged: () => rollbacks.acknowledged,
        renewed: (record, applied, acknowledgedAtSend) => {
          if (rollbacks.renewed(record, acknowledgedAtSend, applied)) rolledBack();
          void ownership.settle();
        },
        lost: (reason) => host.lost(reason),
      },
    },
    member,
  );
  const membership = new Membership({
    self: id,
    storeId: sentinel.storeId,
    timing,
    clock,
    directory,
    emit,
    host: {
      died: (dead, markedHere) => host.died(dead, markedHere),
      witnessPeriod: () => lease.witnessPeriod(),
      replaced: () => lease.end("the directory is another one than it registered in"),
    },
  });
  const sweeper = new Sweeper({
    self: id,
    clock,
    timing,
    directory,
    emit,
    members: () => membership.records(),
  });
  const ownership = new Ownership({
    incarnation: id,
    clock,
    random,
    directory,
    joint: ports.joint,
    generations: deps.generations,
    emit,
    operationMs: timing.ttlMs / 2,
    standing: (other) => membership.standing(other),
    notDead: (other) => membership.reconsider(other),
    acknowledged: () => rollbacks.acknowledged,
    claimed: (counter, acknowledgedAtSend) => {
      if (rollbacks.claimed(counter, acknowledgedAtSend)) rolledBack();
    },
  });
  const catalog = new Catalog({
    silo: deps.name,
    clock,
    random,
    emit,
    lease,
    ownership,
    rows: new RowStore(ports.storage, clock, timing.ttlMs / 2),
    invoker: deps.invoker,
    services: deps.services,
    maxStateBytes: deps.maxStateBytes,
    exposeStacks: deps.exposeStacks,
    interceptors: deps.interceptors,
    strictReads: deps.strictReads,
    rules: deps.rules,
    successor: (actor) => locator.successor(actor),
    knowing: (actor, version) => locator.knowing(actor, version),
    calling: () => deadlocks.calling(),
  });
  const deadlocks = new Deadlocks({
    self: id,
    clock,
    random,
    emit,
    invoker: deps.invoker,
    catalog,
    send: (to, message) => void host.endpoint()?.send(to, message),
  });
  const closed = (): "paused" | "draining" | undefined =>
    lease.holds() ? (host.draining() ? "draining" : undefined) : "paused";
  const dispatcher = new Dispatcher({
    kinds,
    clock,
    maxCalls: deps.maxCalls,
    authorize: deps.authorize,
    emit,
    endpoint: () => host.endpoint()!,
    paused: (nowMs) => !lease.holds(nowMs),
    draining: () => host.draining(),
    holds: (call) => catalog.has(call),
    deliver: (call, kind, nowMs) => catalog.deliver(call, kind, nowMs),
    cancel: (actor, request, from) => catalog.get(actor)?.cancel(request, from) ?? false,
  });
  const others = new RemoteLocator(clock, random, () => host.endpoint());
  const locator = new SiloLocator({
    self: id,
    kinds,
    random,
    ownGeneration: (actor) => {
      const activation = catalog.get(actor);
      return activation && (activation.generation ?? 0);
    },
    takesNewActors: () => !host.draining() && lease.holds(),
    lookup: (actor) => ownership.lookup(actor),
    standing: (other) => membership.standing(other),
    alive: () => membership.alive(),
    ask: (silo, actor, avoid) => others.locate(actor, avoid, silo),
    poll: () => membership.poll(),
  });
  const administration = new Administration({
    self: id,
    kinds,
    clock,
    random,
    catalog,
    membership,
    handOverMs: timing.ttlMs,
    endpoint: () => host.endpoint(),
    closed,
  });
  const overview = new Overview({
    kinds,
    membership,
    catalog,
    lookup: (actor) => ownership.lookup(actor),
  });
  return {
    lease,
    membership,
    catalog,
    dispatcher,
    locator,
    deadlocks,
    sweeper,
    others,
    administration,
    overview,
  };
}
