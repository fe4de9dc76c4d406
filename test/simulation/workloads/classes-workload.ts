// Logs and counters beside classes with schemas, a placement, a pool and two versions, and beside actors that let calls in, while
// operators move actors about.
import type { Simulation, Workload } from "@tenure/testing";
import { Counters } from "./counters.ts";
import { Deployments } from "./deployments.ts";
import { Logs } from "./logs.ts";
import { Operators } from "./operators.ts";
import { untilAnswered } from "./outcome.ts";
import { Reentrants } from "./reentrants.ts";
import { Workshop } from "./workshop.ts";

export function classesWorkload(sim: Simulation): Workload {
  const logs = new Logs(sim);
  const counters = new Counters(sim);
  const workshop = new Workshop(sim);
  const reentrants = new Reentrants(sim);
  const deployments = new Deployments(sim);
  const common = [
    ...Object.values(logs.classes),
    counters.actor,
    workshop.tally,
    workshop.hand,
    ...reentrants.actors,
  ];
  const operators = new Operators(sim, [
    ["log", "log-0"],
    ["log", "log-1"],
    ["hot", "hot-0"],
    ["counter", "c-0"],
    ["counter", "c-1"],
    ["tally", "t-0"],
    ["tally", "t-1"],
    ["moody", "moody-0"],
    ["loop", "l-0"],
    ["pad", "p"],
    ["form", "f-0"],
    ["form", "f-1"],
  ]);
  return {
    actors: [...common, deployments.newer],
    deployed: (silo, starts) => [...common, deployments.at(silo, starts)],
    clients: 5,
    async client(index) {
      while (!sim.over) {
        const x = sim.random.next();
        if (index === 0) await operators.doSome();
        else if (x < 0.25) await logs.appendSome();
        else if (x < 0.4) await logs.readSome();
        else if (x < 0.53) await counters.addSome();
        else if (x < 0.69) await reentrants.doSome();
        else if (x < 0.84) await deployments.doSome();
        else await workshop.doSome();
        await sim.sleep(sim.random.next() * (sim.leaseTtlMs / 6));
      }
    },
    recovered: () =>
      untilAnswered(
        sim,
        new Map([
          ...logs.recovered(),
          ...counters.recovered(),
          ...workshop.recovered(),
          ...reentrants.recovered(),
        ]),
      ),
    neverReturns: () => logs.hangs,
    async check() {
      await logs.check();
      counters.check();
      workshop.check();
      reentrants.check();
      await deployments.check();
    },
  };
}
