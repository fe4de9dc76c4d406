// A silo over NATS and Redis as a process of its own, with an authorize that takes a while and an incoming interceptor.
//   Calls need the header `pass`; what it is decides. The interceptor adds the silo's name to the header `way`.
//   From it: { serving: true }, { claimed: id }
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { createSilo, UnauthorizedError } from "tenure";
import { Caravan } from "./caravan.ts";

const name = process.argv[2]!;
const silo = await createSilo({
  name,
  cluster: "guarded",
  actors: [Caravan],
  ...nats({ servers: process.env["NATS_URL"]! }),
  ...redis({ url: process.env["REDIS_URL"]! }),
  bootstrap: true,
  authorize: async ({ headers }) => {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if (headers["pass"] === "expired")
      throw new UnauthorizedError("the pass has expired", { outcome: "not-executed" });
    if (headers["pass"] === "broken") throw new Error("the secret of the gate");
    return headers["pass"] === "good";
  },
  interceptors: {
    incoming: [
      (call, next) =>
        next({ headers: { ...call.headers, way: `${call.headers["way"] ?? ""}${name} ` } }),
    ],
  },
  onEvent: (event) => {
    if (event.type === "activation.claimed") process.send?.({ claimed: event.actor.id });
  },
});
process.once("SIGTERM", () => {
  silo.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
process.once("disconnect", () => process.exit(1));
process.send?.({ serving: true });
