// A fresh silo that reads what is stored, when no other silo runs any more.
//   From it: { stored: { actor, content } } for each of the actors in ACTORS, then { audited: true }
// Environment: CLUSTER, NATS_URL, REDIS_URL, DIRECTORY_URL, ACTORS (a list as JSON).
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { Ledger } from "../support/ledger.ts";
import { Register } from "../support/register.ts";
import { Tally } from "../support/tally.ts";
import type { ActorName, Stored } from "./history.ts";
import { readActor } from "./workload.ts";

export type AuditorReport =
  | { readonly stored: { readonly actor: ActorName; readonly content: Stored } }
  | { readonly audited: true };

const tell = (report: AuditorReport): void => void process.send?.(report);
process.once("disconnect", () => process.exit(1));
const silo = await createSilo({
  name: "auditor",
  cluster: process.env["CLUSTER"],
  actors: [Ledger, Register, Tally],
  ...nats({ servers: process.env["NATS_URL"]! }),
  directory: redis({ url: process.env["DIRECTORY_URL"]! }).directory,
  storage: redis({ url: process.env["REDIS_URL"]! }).storage,
  onEvent: () => undefined,
});
for (const actor of JSON.parse(process.env["ACTORS"]!) as ActorName[])
  tell({ stored: { actor, content: await readActor(silo.client, actor) } });
tell({ audited: true });
await silo.stop();
process.disconnect?.();
