// A silo with one version of the till, as a process of its own, over NATS and Redis. SIGTERM drains it.
//   Arguments: its name, the version. From it: { serving: true }, and { outdated: to } for each actor that it passes on.
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { TILLS } from "./till.ts";

const [name, version] = process.argv.slice(2);
await createSilo({
  name,
  cluster: "tills",
  actors: [TILLS[version!]!],
  ...nats({ servers: process.env["NATS_URL"]! }),
  ...redis({ url: process.env["REDIS_URL"]! }),
  bootstrap: true,
  onEvent: (event) => {
    if (event.type === "activation.outdated") process.send?.({ outdated: event.to ?? null });
  },
});
process.once("disconnect", () => process.exit(0));
process.send?.({ serving: true });
