// A client of silos that are elsewhere.
import { nats } from "@tenure/nats";
import { connect } from "tenure";
import { Ledger, Porter } from "../actors.ts";
import { closedLoop, type Load, type Ran, sumOf } from "../closed-loop.ts";
import { mustEqual, serve, setting } from "../contestant.ts";
import { payload } from "../payload.ts";
import { Watch, type Watched } from "../watch.ts";

const ACTORS = 1_000;

const client = await connect({
  cluster: setting("CLUSTER"),
  ...nats({ servers: setting("NATS_URL") }),
});
const porters = Array.from({ length: ACTORS }, (_, i) => client.get(Porter, `porter-${i}`));
const ledgers = Array.from({ length: ACTORS }, (_, i) => client.get(Ledger, `ledger-${i}`));
const made = { carry: 0, write: 0 };

async function run(
  kind: keyof typeof made,
  load: Load,
  call: (actor: number, n: number) => Promise<unknown>,
): Promise<Ran> {
  const ran = await closedLoop({ ...load, actors: load.actors ?? ACTORS }, made[kind], call);
  made[kind] += ran.calls;
  return ran;
}

let watch = new Watch();

interface Sized extends Load {
  readonly bytes?: number | undefined;
}

serve({
  carry: ({ bytes, ...load }: Sized) =>
    run("carry", load, (actor, n) => porters[actor]!.carry(payload(n % 1_000, bytes))),
  write: (load: Load) => run("write", load, (actor, n) => ledgers[actor]!.add(n % 1_000)),
  /** Until `unwatch`. */
  watch: async ({ outstanding }: { readonly outstanding: number }): Promise<Watched> => {
    watch = new Watch();
    const watched = await watch.run(outstanding, made.write, (n) =>
      ledgers[n % ACTORS]!.add(n % 1_000),
    );
    made.write += watched.calls;
    return watched;
  },
  pause: async ({ ms }: { readonly ms: number }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
  },
  mark: () => watch.mark(),
  unwatch: () => watch.end(),
  check: async () => {
    for (const [kind, actors] of [
      ["carry", porters],
      ["write", ledgers],
    ] as const) {
      if (made[kind] === 0) continue;
      const tallies = await Promise.all(actors.map((actor) => actor.tally()));
      mustEqual(
        "calls",
        tallies.reduce((all, { calls }) => all + calls, 0),
        made[kind],
      );
      mustEqual(
        "sum",
        tallies.reduce((all, { sum }) => all + sum, 0),
        sumOf(made[kind]),
      );
    }
  },
});
