// A client that calls for a long time, a mix of everything: of 20 calls 16 carry a payload, 3 are durable writes, and one goes to
// an actor that has been collected by then, and is activated for it.
import "../open-timers.ts";
import { CLIENT_INTERNALS, type ClientInternals } from "@tenure/client/internal";
import { nats } from "@tenure/nats";
import { type Client, connect } from "tenure";
import { Ledger, Porter, Visitor } from "../actors.ts";
import { closedLoop, type Load, type Ran } from "../closed-loop.ts";
import { serve, setting } from "../contestant.ts";
import { heldHere } from "../held.ts";
import { type Offer, openLoop } from "../open-loop.ts";
import { payload } from "../payload.ts";

const ACTORS = 1_000;
/** So many that an actor is collected long before its next visit; not without end, since each leaves its row. */
const VISITORS = 40_000;

const client = (await connect({
  cluster: setting("CLUSTER"),
  ...nats({ servers: setting("NATS_URL") }),
})) as Client & { readonly [CLIENT_INTERNALS]: ClientInternals };
const made = { carry: 0, write: 0, visit: 0 };
const answered = { carry: 0, write: 0, visit: 0 };

async function call(n: number): Promise<void> {
  const kind = n % 20 === 0 ? "visit" : n % 20 < 4 ? "write" : "carry";
  const nth = made[kind]++;
  if (kind === "visit") await client.get(Visitor, `visitor-${nth % VISITORS}`).add(1);
  else if (kind === "write") await client.get(Ledger, `ledger-${nth % ACTORS}`).add(1);
  else await client.get(Porter, `porter-${nth % ACTORS}`).carry(payload(n % 1_000));
  answered[kind] += 1;
}

async function tallied(ids: number, tally: (i: number) => Promise<{ calls: number }>) {
  let all = 0;
  for (let at = 0; at < ids; at += 1_000)
    for (const { calls } of await Promise.all(
      Array.from({ length: Math.min(1_000, ids - at) }, (_, i) => tally(at + i)),
    ))
      all += calls;
  return all;
}

serve({
  closed: (load: Load): Promise<Ran> => closedLoop(load, 0, (_, n) => call(n)),
  offer: async (offer: Offer) => {
    const { windows: _, ...offered } = await openLoop(offer, call);
    return offered;
  },
  held: () => heldHere(client[CLIENT_INTERNALS].calls.openCalls, 0),
  answered: () => answered,
  /** What the actors have counted. */
  counted: async () => ({
    carry: await tallied(ACTORS, (i) => client.get(Porter, `porter-${i}`).tally()),
    write: await tallied(ACTORS, (i) => client.get(Ledger, `ledger-${i}`).tally()),
    visit: await tallied(Math.min(VISITORS, made.visit), (i) =>
      client.get(Visitor, `visitor-${i}`).tally(),
    ),
  }),
});
