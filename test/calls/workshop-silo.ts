// A silo of the workshop as a process of its own, over NATS and Redis.
//   Arguments: its name, then its roles; the role "gate" has no classes.
//   From it: { serving: true }
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { Apprentice, Bench, Kiln, Shelf } from "./workshop.ts";

const [name, ...roles] = process.argv.slice(2);
await createSilo({
  name,
  roles,
  cluster: "workshop",
  actors: roles.includes("gate") ? [] : [Bench, Kiln, Shelf, Apprentice],
  services: { mail: { from: `${name} post`, send: () => undefined } },
  ...nats({ servers: process.env["NATS_URL"]! }),
  ...redis({ url: process.env["REDIS_URL"]! }),
  bootstrap: true,
  onEvent: () => undefined,
});
process.once("disconnect", () => process.exit(0));
process.send?.({ serving: true });
