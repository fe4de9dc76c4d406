// Makes a plan's faults happen in a cluster, and everything whole again.
//   J1. Each fault draws nothing: what it does is in the plan (F1).
//   J2. heal() ends every fault at once; processes that were to come back still do.
import type { SimCluster, SimSilo } from "./cluster.ts";
import type { FaultPlan, TimedFault } from "./fault-plan.ts";
import { CALM_NETWORK } from "./network.ts";

export class FaultInjector {
  readonly #cluster: SimCluster;
  readonly #plan: FaultPlan;
  /** What ends the faults that last. */
  readonly #lasting = new Set<() => void>();
  #outages = 0;
  #healed = false;
  /** Stops by an operator that have not come to their end. */
  readonly stopping: Set<SimSilo> = new Set();

  constructor(cluster: SimCluster, plan: FaultPlan) {
    this.#cluster = cluster;
    this.#plan = plan;
  }

  begin(): void {
    const { world, network, store } = this.#cluster;
    Object.assign(network.faults, this.#plan.network);
    Object.assign(store.faults, this.#plan.store);
    for (const fault of this.#plan.faults)
      world.schedule(fault.atMs, `fault ${fault.kind}`, () => {
        if (!this.#healed) this.#happen(fault);
      });
  }

  heal(): void {
    const { network, store, silos } = this.#cluster;
    this.#healed = true;
    Object.assign(network.faults, CALM_NETWORK);
    for (const end of this.#lasting) end();
    store.heal();
    network.heal();
    for (const { node } of silos.values()) node.thaw();
  }

  #happen(fault: TimedFault): void {
    const cluster = this.#cluster;
    const { world, network, store } = cluster;
    switch (fault.kind) {
      case "crash":
        cluster.afterEvents(fault.event, () => {
          cluster.crash(fault.silo);
          world.schedule(fault.restartMs, `restart ${fault.silo}`, () => this.#start(fault.silo));
        });
        return;
      case "stop":
        this.#stop(fault.silo, fault.restartMs);
        return;
      case "join":
        this.#start(fault.silo);
        return;
      case "namesake": {
        const process = `${fault.silo}'`;
        if (cluster.silos.has(process)) return;
        void cluster.startSilo(fault.silo, 1, process).catch((error: unknown) => {
          cluster.findings.saw("a second silo of one name refused");
          world.note(`${process}: ${String(error)}`);
          cluster.crash(process);
        });
        this.#forTime(fault.forMs, () => cluster.crash(process));
        return;
      }
      case "freeze":
        cluster.silos.get(fault.silo)?.node.freeze(fault.forMs, fault.suspended);
        return;
      case "wall-jump":
        cluster.storeWatch.wallClockJumped();
        cluster.silos.get(fault.silo)?.node.jumpWallClock(fault.byMs);
        return;
      case "cut":
        network.cut(fault.from, fault.to);
        this.#forTime(fault.forMs, () => network.mend(fault.from, fault.to));
        return;
      case "store-away":
        this.#outages += 1;
        store.away = true;
        this.#forTime(fault.forMs, () => {
          this.#outages -= 1;
          store.away = this.#outages > 0;
        });
        return;
      case "store-stall":
        this.#forTime(fault.forMs, store.hold(fault.silo));
        return;
      case "freeze-in-flight":
        this.#freezeInFlight(fault.silo, fault.forMs);
        return;
      case "store-clock-jump":
        store.jumpWallClock(fault.byMs);
        return;
      case "lose-writes":
        store.primaries.lose(fault.count);
        return;
      case "lose-everything":
        if (fault.unaware !== undefined) this.#forTime(fault.forMs, store.hold(fault.unaware));
        store.primaries.loseEverything();
        return;
      case "lose-member": {
        const incarnation = cluster.silos.get(fault.silo)?.incarnation;
        if (incarnation !== undefined) store.primaries.loseMember(incarnation);
        return;
      }
      case "stale-replica":
        store.primaries.lagBehind();
        store.faults.staleRead = fault.share;
        this.#forTime(fault.forMs, () => store.primaries.catchUp());
        return;
      case "two-primaries": {
        const end = store.primaries.divide(new Set(fault.silos));
        this.#forTime(fault.forMs, () => end(fault.keep));
      }
    }
  }

  #freezeInFlight(silo: string, ms: number): void {
    const { world, store, silos } = this.#cluster;
    const sendingMs = this.#plan.ttlMs / 20;
    // What was sent arrives just before the process goes on: it finds the answer when it thaws.
    this.#forTime(sendingMs + 0.98 * ms, store.hold(silo));
    world.schedule(sendingMs, `freeze ${silo}`, () => {
      if (!this.#healed) silos.get(silo)?.node.freeze(ms, false);
    });
  }

  #forTime(ms: number, end: () => void): void {
    const once = (): void => {
      if (this.#lasting.delete(once)) end();
    };
    this.#lasting.add(once);
    this.#cluster.world.schedule(ms, "fault ends", once);
  }

  #start(name: string): void {
    const cluster = this.#cluster;
    const running = cluster.silos.get(name);
    if (running && !running.node.crashed) return;
    const rate = this.#plan.silos.find((silo) => silo.name === name)?.rate ?? 1;
    cluster.startSilo(name, rate).catch((error: unknown) => {
      // As an operator's process manager does.
      cluster.world.note(`start of ${name} failed: ${String(error)}`);
      cluster.crash(name);
      cluster.world.schedule(this.#plan.ttlMs / 2, `restart ${name}`, () => this.#start(name));
    });
  }

  #stop(name: string, restartMs: number): void {
    const { silos, world } = this.#cluster;
    const entry = silos.get(name);
    if (!entry?.silo || entry.stopping || entry.node.crashed) return;
    entry.stopping = true;
    this.stopping.add(entry);
    entry.node.run("message", () => {
      void entry.silo!.stop().finally(() => {
        this.stopping.delete(entry);
        entry.node.crash();
        world.schedule(restartMs, `restart ${name}`, () => this.#start(name));
      });
    });
  }
}
