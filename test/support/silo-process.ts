// One silo over NATS and Redis as a process of its own, steered by its parent.
//   To it:   { hold: true | false }   keeps renewals and saves from reaching the store, or lets all of them go
//            { release: "saves" }     lets the saves go and keeps the renewals
//            SIGTERM                  drains
//   From it: { serving: true }, { event }, { begun: item }, { held: "save" }
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { Ledger } from "./ledger.ts";
import { StoreGate } from "./store-gate.ts";

const gate = new StoreGate((what) => process.send?.({ held: what }));
const stores = redis({ url: process.env["REDIS_URL"]! });
const silo = await createSilo({
  name: process.argv[2],
  cluster: process.env["CLUSTER"],
  actors: [Ledger],
  ...nats({ servers: process.env["NATS_URL"]! }),
  directory: gate.directory(stores.directory),
  storage: gate.storage(stores.storage),
  bootstrap: true,
  onEvent: (event) => process.send?.({ event }),
});

process.on("message", (message: { hold?: boolean; release?: "saves" }) => {
  if (message.hold === true) gate.hold();
  if (message.hold === false) gate.releaseAll();
  if (message.release === "saves") gate.releaseSaves();
});
process.once("SIGTERM", () => {
  silo.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
process.once("disconnect", () => process.exit(1));
process.send?.({ serving: true });
