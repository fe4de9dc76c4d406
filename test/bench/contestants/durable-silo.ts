// A silo over Redis whose own callers write to its actors, and that activates actors whose rows are there.
//   The check starts another silo, which reads from Redis what this one has written.
import { redis } from "@tenure/redis";
import { loopback } from "@tenure/core/internal";
import { createSilo } from "tenure";
import { Ledger } from "../actors.ts";
import { closedLoop, type Load, type Ran, sumOf } from "../closed-loop.ts";
import { mustEqual, serve, setting } from "../contestant.ts";

const ACTORS = 1_000;

const start = () =>
  createSilo({
    cluster: setting("CLUSTER"),
    actors: [Ledger],
    transport: loopback(),
    ...redis({ url: setting("REDIS_URL") }),
    bootstrap: true,
  });

let silo = await start();
const ledger = (id: string) => silo.client.get(Ledger, id);
let ledgers = Array.from({ length: ACTORS }, (_, i) => ledger(`ledger-${i}`));
let hot = ledger("hot");
let made = 0;
let madeHot = 0;
let activated = 0;

serve({
  write: async (load: Load): Promise<Ran> => {
    const ran = await closedLoop({ ...load, actors: ACTORS }, made, (actor, n) =>
      ledgers[actor]!.add(n % 1_000),
    );
    made += ran.calls;
    return ran;
  },
  hot: async (load: Load): Promise<Ran> => {
    const ran = await closedLoop({ ...load, actors: 1 }, madeHot, (_, n) => hot.add(n % 1_000));
    madeHot += ran.calls;
    return ran;
  },
  /** Rows for so many actors that nobody owns: written, and given up by the silo that wrote them. */
  seed: async ({ actors: count }: { readonly actors: number }) => {
    await closedLoop({ outstanding: 256, actors: Infinity, calls: count }, 0, (_, n) =>
      ledger(`idle-${n}`).add(n),
    );
    await silo.stop();
    silo = await start();
    ledgers = Array.from({ length: ACTORS }, (_, i) => ledger(`ledger-${i}`));
    hot = ledger("hot");
  },
  activate: async (load: Load): Promise<Ran> => {
    const ran = await closedLoop({ ...load, actors: Infinity }, activated, async (_, n) => {
      mustEqual("state", (await ledger(`idle-${n}`).tally()).sum, n);
    });
    activated += ran.calls;
    return ran;
  },
  check: async () => {
    await silo.stop();
    silo = await start();
    if (made > 0) {
      const tallies = await Promise.all(
        Array.from({ length: ACTORS }, (_, i) => ledger(`ledger-${i}`).tally()),
      );
      mustEqual(
        "calls",
        tallies.reduce((all, { calls }) => all + calls, 0),
        made,
      );
      mustEqual(
        "sum",
        tallies.reduce((all, { sum }) => all + sum, 0),
        sumOf(made),
      );
    }
    if (madeHot > 0) mustEqual("hot calls", (await ledger("hot").tally()).calls, madeHot);
  },
});
