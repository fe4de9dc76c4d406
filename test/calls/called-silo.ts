// A silo over NATS and Redis as a process of its own, which serves until it is killed.
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { Dancer } from "./dancer.ts";
import { Patient } from "./patient.ts";
import { Thrower } from "./thrower.ts";
import { Desk, Weaver } from "./weaver.ts";

await createSilo({
  name: process.argv[2],
  cluster: "calls",
  actors: [Dancer, Desk, Patient, Thrower, Weaver],
  exposeStacks: true,
  ...nats({ servers: process.env["NATS_URL"]! }),
  ...redis({ url: process.env["REDIS_URL"]! }),
  bootstrap: true,
});
process.once("disconnect", () => process.exit(0));
process.send?.("serving");
