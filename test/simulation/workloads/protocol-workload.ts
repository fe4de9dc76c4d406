// The workload that proves the protocol: logs, counters and accounts, called by a few clients at once.
import type { Simulation, Workload } from "@tenure/testing";
import { Accounts } from "./accounts.ts";
import { Counters } from "./counters.ts";
import { Logs } from "./logs.ts";
import { Oddities } from "./oddities.ts";
import { untilAnswered } from "./outcome.ts";

/** In so many runs the store forgets: often enough for what only that shows, seldom enough to see the rest clearly. */
export const AMNESIA = 0.3;

export function protocolWorkload(sim: Simulation): Workload {
  const logs = new Logs(sim);
  const counters = new Counters(sim);
  const accounts = new Accounts(sim);
  const oddities = new Oddities(sim);
  return {
    actors: [
      ...Object.values(logs.classes),
      counters.actor,
      accounts.actor,
      oddities.odd,
      oddities.echo,
      oddities.helper,
    ],
    clients: 4,
    async client() {
      while (!sim.over) {
        const x = sim.random.next();
        if (x < 0.35) await logs.appendSome();
        else if (x < 0.55) await logs.readSome();
        else if (x < 0.8) await counters.addSome();
        else if (x < 0.94) await accounts.transferSome();
        else await oddities.doSome();
        await sim.sleep(sim.random.next() * (sim.leaseTtlMs / 6));
      }
    },
    recovered: () =>
      untilAnswered(
        sim,
        new Map([...logs.recovered(), ...counters.recovered(), ...accounts.recovered()]),
      ),
    neverReturns: () => logs.hangs,
    async check() {
      await logs.check();
      await accounts.check();
      counters.check();
      oddities.check();
    },
  };
}
