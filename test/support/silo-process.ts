// One silo over NATS, and Redis or not, as a process of its own, steered by its parent.
//   To it:   { hold: true | false }   keeps renewals and saves from reaching the store, or lets all of them go
//            { release: "saves" }     lets the saves go and keeps the renewals
//            { block: ms }            its event loop stands still for so long
//            SIGTERM                  drains
//   From it: { serving: true }, { event }, { begun: item }, { held: "save" }
// Environment: CLUSTER, NATS_URL; REDIS_URL, or the stores are on NATS; DIRECTORY_URL where the directory is elsewhere; LEASE_TTL_MS; JOINS=1: the
// directory is not new.
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo } from "tenure";
import { Ledger } from "./ledger.ts";
import { Register } from "./register.ts";
import { StoreGate } from "./store-gate.ts";
import { Tally } from "./tally.ts";

const gate = new StoreGate((what) => process.send?.({ held: what }));
const { REDIS_URL: url, DIRECTORY_URL: directoryUrl = url, NATS_URL: servers } = process.env;
const onNats = nats({ servers: servers! });
const leaseTtlMs = process.env["LEASE_TTL_MS"];
const silo = await createSilo({
  name: process.argv[2],
  cluster: process.env["CLUSTER"],
  actors: [Ledger, Register, Tally],
  transport: onNats.transport,
  directory: gate.directory((directoryUrl ? redis({ url: directoryUrl }) : onNats).directory),
  storage: gate.storage((url ? redis({ url }) : onNats).storage),
  bootstrap: process.env["JOINS"] !== "1",
  leaseTtlMs: leaseTtlMs === undefined ? undefined : Number(leaseTtlMs),
  onEvent: (event) => process.send?.({ event }),
});

process.on("message", (message: { hold?: boolean; release?: "saves"; block?: number }) => {
  if (message.hold === true) gate.hold();
  if (message.hold === false) gate.releaseAll();
  if (message.release === "saves") gate.releaseSaves();
  if (message.block !== undefined) block(message.block);
});
process.once("SIGTERM", () => {
  silo.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
process.once("disconnect", () => process.exit(1));
process.send?.({ serving: true });

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
