// A silo over NATS and Redis that is called from elsewhere.
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { Ledger, Porter, Toiler } from "../actors.ts";
import { serve, setting } from "../contestant.ts";

const silo = await createSilo({
  name: setting("SILO"),
  cluster: setting("CLUSTER"),
  actors: [Porter, Ledger, Toiler],
  ...nats({ servers: setting("NATS_URL") }),
  ...redis({ url: setting("REDIS_URL") }),
  bootstrap: true,
});

serve({
  stop: () => silo.stop(),
  heap: () => process.memoryUsage().heapUsed,
});
