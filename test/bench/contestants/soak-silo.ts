// A silo over NATS and Redis that tells what it holds.
import "../open-timers.ts";
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { SILO_INTERNALS, type SiloInternals } from "@tenure/runtime/internal";
import { createSilo, type Silo } from "tenure";
import { Ledger, Porter, Visitor } from "../actors.ts";
import { serve, setting } from "../contestant.ts";
import { heldHere } from "../held.ts";

let collected = 0;
const silo = (await createSilo({
  name: setting("SILO"),
  cluster: setting("CLUSTER"),
  actors: [Porter, Ledger, Visitor],
  ...nats({ servers: setting("NATS_URL") }),
  ...redis({ url: setting("REDIS_URL") }),
  bootstrap: true,
  onEvent: ({ type }) => {
    if (type === "activation.deactivated") collected += 1;
  },
})) as Silo & { readonly [SILO_INTERNALS]: SiloInternals };

serve({
  held: async () => {
    const { held, incomingCalls, outgoingCalls, activations } = silo[SILO_INTERNALS];
    return await heldHere(held + incomingCalls + outgoingCalls, activations);
  },
  /** Activations that have ended so far. */
  collected: () => collected,
  activations: () => silo[SILO_INTERNALS].activations,
});
