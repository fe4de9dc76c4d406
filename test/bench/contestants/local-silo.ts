// Caller and actors in one silo, in memory.
import { createSilo } from "tenure";
import { Porter } from "../actors.ts";
import { closedLoop, type Load, type Ran, sumOf } from "../closed-loop.ts";
import { mustEqual, serve } from "../contestant.ts";
import { payload } from "../payload.ts";

const ACTORS = 1_000;

const silo = await createSilo({ actors: [Porter] });
const porters = Array.from({ length: ACTORS }, (_, i) => silo.client.get(Porter, `porter-${i}`));
let made = 0;

async function run(load: Load, call: (actor: number, n: number) => Promise<unknown>): Promise<Ran> {
  const ran = await closedLoop({ ...load, actors: ACTORS }, made, call);
  made += ran.calls;
  return ran;
}

serve({
  primitives: (load: Load) => run(load, (actor, n) => porters[actor]!.add(n % 1_000)),
  carry: (load: Load) => run(load, (actor, n) => porters[actor]!.carry(payload(n % 1_000))),
  check: async () => {
    const tallies = await Promise.all(porters.map((porter) => porter.tally()));
    mustEqual(
      "calls",
      tallies.reduce((sum, { calls }) => sum + calls, 0),
      made,
    );
    mustEqual(
      "sum",
      tallies.reduce((all, { sum }) => all + sum, 0),
      sumOf(made),
    );
  },
});
