// Three silos in this process, state in a file: nothing to install.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embedded } from "@tenure/sqlite";
import { crash } from "@tenure/testing";
import { createSilo, type Silo } from "tenure";
import { Airport } from "./airport.ts";
import type { Fleet, Sabotage } from "./fleet.ts";
import { losingOneCommit } from "./sabotage.ts";

export async function embeddedFleet(sabotage: Sabotage): Promise<Fleet> {
  const dir = mkdtempSync(join(tmpdir(), "tenure-flights-"));
  const store = embedded({ dir });
  const ports = sabotage === "lose" ? { ...store, storage: losingOneCommit(store.storage) } : store;
  const start = (name: string): Promise<Silo> =>
    createSilo({ name, actors: [Airport], ...ports, onEvent: () => undefined });
  const silos = await Promise.all(["north", "south", "west"].map(start));
  // The caller lives in a silo of its own that takes no airports: it must outlive the one that crashes.
  const desk = await createSilo({ name: "desk", actors: [], ...ports, onEvent: () => undefined });
  const named = (name: string): Silo => silos.find((silo) => silo.name === name)!;
  const stopSilos = async (): Promise<void> => {
    await Promise.all([...silos, desk].map((silo) => silo.stop()));
  };
  return {
    title: `three silos in one process, state in ${dir}`,
    silos: silos.map((silo) => silo.name),
    client: desk.client,
    crashing: "crashed without a goodbye",
    crash: (name) => crash(named(name)),
    draining: undefined,
    drain: (name) => named(name).stop(),
    stopSilos,
    restart: async () => {
      const fresh = await createSilo({
        name: "auditor",
        actors: [Airport],
        data: dir,
        onEvent: () => undefined,
      });
      return { client: fresh.client, stop: () => fresh.stop() };
    },
    dispose: async () => {
      await stopSilos();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
