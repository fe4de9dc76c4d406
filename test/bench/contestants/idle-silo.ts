// A silo full of activations that nobody calls, each with a small state that is in Redis.
import { redis } from "@tenure/redis";
import { loopback } from "@tenure/core/internal";
import { createSilo } from "tenure";
import { Ledger } from "../actors.ts";
import { closedLoop, type Load, type Ran } from "../closed-loop.ts";
import { mustEqual, serve, setting } from "../contestant.ts";
import { heapBytes } from "../heap.ts";

const silo = await createSilo({
  cluster: setting("CLUSTER"),
  actors: [Ledger],
  transport: loopback(),
  ...redis({ url: setting("REDIS_URL") }),
  bootstrap: true,
  callTimeoutMs: "1m",
});

interface Filled extends Ran {
  readonly bytes: number;
}

let activated = 0;

serve({
  /** Activates so many more; answers how many bytes of heap each of them keeps. */
  fill: async ({ actors }: { readonly actors: number }): Promise<Filled> => {
    const before = await heapBytes();
    const ran = await closedLoop(
      { outstanding: 256, actors: Infinity, calls: actors },
      activated,
      (_, n) => silo.client.get(Ledger, `idle-${n}`).add(n % 1_000),
    );
    activated += actors;
    return { ...ran, bytes: ((await heapBytes()) - before) / actors };
  },
  /** Calls them in turn, and changes nothing. */
  call: (load: Load): Promise<Ran> =>
    closedLoop(load, 0, (actor) => silo.client.get(Ledger, `idle-${actor}`).tally()),
  /** Some of them, all over: each has counted its one call, and this one more is told what it was. */
  check: async () => {
    const step = Math.max(1, Math.floor(activated / 1_000));
    for (let n = 0; n < activated; n += step) {
      const { calls, sum } = await silo.client.get(Ledger, `idle-${n}`).tally();
      mustEqual("calls", calls, 1);
      mustEqual("sum", sum, n % 1_000);
    }
  },
});
