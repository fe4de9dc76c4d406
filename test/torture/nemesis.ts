// Carries out a schedule on a fleet. Whatever it breaks it mends, also when something else fails meanwhile.
import { CpuLoad } from "./cpu-load.ts";
import type { Fleet } from "./fleet.ts";
import type { Loss } from "./history.ts";
import { lasting, nowMs } from "./one-clock.ts";
import { describeFault, type Fault, type Strike } from "./schedule.ts";
import type { Site } from "./sites.ts";

export class Nemesis {
  /** When the storage came back empty. */
  readonly losses: Loss[] = [];
  readonly #fleet: Fleet;
  readonly #site: Site;

  constructor(fleet: Fleet, site: Site) {
    this.#fleet = fleet;
    this.#site = site;
  }

  /** Resolves when the last fault has ended and everything that was taken down has been started again. */
  async run(schedule: readonly Strike[]): Promise<void> {
    for (const { afterMs, faults } of schedule) {
      await lasting(afterMs);
      await Promise.all(
        faults.map(async ({ offsetMs, fault }) => {
          await lasting(offsetMs);
          this.#fleet.note(`--- ${describeFault(fault)}`);
          await this.#strike(fault);
          this.#fleet.note(`--- over: ${describeFault(fault)}`);
        }),
      );
    }
  }

  async #strike(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case "kill":
      case "drain": {
        const silo = this.#fleet.silos.get(fault.silo)!;
        await silo.down(fault.kind === "kill" ? "SIGKILL" : "SIGTERM");
        await lasting(fault.forMs);
        // A server may be away, and keep it from starting: nobody waits for it here.
        void silo.up();
        return;
      }
      case "stop": {
        const silo = this.#fleet.silos.get(fault.silo)!;
        silo.signal("SIGSTOP");
        await lasting(fault.forMs);
        return silo.signal("SIGCONT");
      }
      case "block":
        this.#fleet.silos.get(fault.silo)!.block(fault.forMs);
        return await lasting(fault.forMs);
      case "server-killed":
      case "server-frozen":
      case "server-emptied":
        return await this.#strikeServer(fault);
      case "link":
      case "partition": {
        const heal = this.#site.breakNetwork(fault);
        await lasting(fault.forMs);
        return heal();
      }
      case "cpu": {
        await using _load = new CpuLoad();
        return await lasting(fault.forMs);
      }
    }
  }

  async #strikeServer(
    fault: Extract<Fault, { kind: "server-killed" | "server-frozen" | "server-emptied" }>,
  ): Promise<void> {
    const server = this.#site.servers[fault.server];
    const fromMs = nowMs();
    await server.act(fault.kind === "server-frozen" ? "freeze" : "kill");
    await lasting(fault.forMs);
    switch (fault.kind) {
      case "server-frozen":
        return await server.act("thaw");
      case "server-killed":
        return await server.act("restart");
      case "server-emptied":
        await server.act("empty");
        if (fault.server === "storage") this.losses.push({ fromMs, toMs: nowMs() });
    }
  }
}
