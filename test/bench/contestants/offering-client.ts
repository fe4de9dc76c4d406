// A client that offers calls as they come, to actors whose methods take processor time (`toil`) or a durable write (`write`).
import { CLIENT_INTERNALS, type ClientInternals } from "@tenure/client/internal";
import { nats } from "@tenure/nats";
import { type Client, connect } from "tenure";
import { Ledger, Toiler } from "../actors.ts";
import { closedLoop, type Load, type Ran } from "../closed-loop.ts";
import { serve, setting } from "../contestant.ts";
import { type Offer, type Offered, openLoop } from "../open-loop.ts";
import { payload } from "../payload.ts";

const ACTORS = 1_000;

export type Work = "toil" | "write";

interface Worked {
  readonly work: Work;
}

const client = (await connect({
  cluster: setting("CLUSTER"),
  ...nats({ servers: setting("NATS_URL") }),
})) as Client & { readonly [CLIENT_INTERNALS]: ClientInternals };
const toilers = Array.from({ length: ACTORS }, (_, i) => client.get(Toiler, `toiler-${i}`));
const ledgers = Array.from({ length: ACTORS }, (_, i) => client.get(Ledger, `ledger-${i}`));
let stop = new AbortController();
let last: Promise<Offered> | undefined;

const calls: Readonly<Record<Work, (n: number) => Promise<number>>> = {
  toil: (n) => toilers[n % ACTORS]!.toil(payload(n % 1_000)),
  write: (n) => ledgers[n % ACTORS]!.add(1),
};

serve({
  closed: ({ work, ...load }: Load & Worked): Promise<Ran> =>
    closedLoop({ ...load, actors: ACTORS }, 0, (_, n) => calls[work](n)),
  offer: ({ work, ...offer }: Offer & Worked): Promise<Offered> => openLoop(offer, calls[work]),
  /** Until `unprobe`, which answers what it saw. */
  probe: ({ work, ...offer }: Offer & Worked) => {
    stop = new AbortController();
    last = openLoop(offer, calls[work], stop.signal);
  },
  unprobe: async (): Promise<Offered | undefined> => {
    stop.abort();
    return await last;
  },
  openCalls: () => client[CLIENT_INTERNALS].calls.openCalls,
  /** How many calls all actors of this work have counted. */
  counted: async ({ work }: Worked): Promise<number> => {
    const tallies = await Promise.all(
      (work === "toil" ? toilers : ledgers).map((actor) => actor.tally()),
    );
    return tallies.reduce((all, tally) => all + tally.calls, 0);
  },
});
