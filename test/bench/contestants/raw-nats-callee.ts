// By hand: actors of one process that are called over NATS. A batch of calls in one message, or one call per message.
import { connect } from "nats";
import { Packr } from "msgpackr";
import { mustEqual, serve, setting } from "../contestant.ts";
import type { Payload } from "../payload.ts";

class Actor {
  calls = 0;
  sum = 0;
  carry(load: Payload): Payload {
    this.calls += 1;
    this.sum += load.n;
    return load;
  }
}

/** `[request, actor, method, argument]`, and back `[request, result]`. */
type Call = readonly [request: number, id: string, method: "carry", load: Payload];

const actors = new Map<string, Actor>();
const packr = new Packr({ structuredClone: true });
const nc = await connect({ servers: setting("NATS_URL"), noAsyncTraces: true });

function actorOf(id: string): Actor {
  let actor = actors.get(id);
  if (!actor) actors.set(id, (actor = new Actor()));
  return actor;
}

nc.subscribe("raw.batches", {
  callback: (_, message) => {
    const calls = packr.unpack(message.data) as readonly Call[];
    const replies = calls.map(([request, id, method, load]) => [
      request,
      actorOf(id)[method](load),
    ]);
    nc.publish(message.reply!, packr.pack(replies));
  },
});
nc.subscribe("raw.calls", {
  callback: (_, message) => {
    const [, id, method, load] = packr.unpack(message.data) as Call;
    message.respond(packr.pack(actorOf(id)[method](load)));
  },
});
await nc.flush();

serve({
  check: ({ calls, sum }: { readonly calls: number; readonly sum: number }) => {
    const all = [...actors.values()];
    mustEqual(
      "calls",
      all.reduce((count, actor) => count + actor.calls, 0),
      calls,
    );
    mustEqual(
      "sum",
      all.reduce((total, actor) => total + actor.sum, 0),
      sum,
    );
  },
});
