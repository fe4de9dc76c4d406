// One silo as a process of its own. SIGTERM drains it.
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { Airport } from "./airport.ts";
import { losingOneCommit } from "./sabotage.ts";

const stores = redis({ url: process.env["REDIS_URL"]! });
const silo = await createSilo({
  name: process.argv[2],
  cluster: "flights",
  actors: [Airport],
  ...nats({ servers: process.env["NATS_URL"]! }),
  ...stores,
  ...(process.env["SABOTAGE"] === "lose" && process.argv[2] === "north"
    ? { storage: losingOneCommit(stores.storage) }
    : {}),
  bootstrap: true, // the store is new: this run has just started it
  onEvent: () => undefined,
});

process.once("SIGTERM", () => {
  silo.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
// Without its parent there is nobody to end it.
process.once("disconnect", () => process.exit(1));
process.send?.("serving");
