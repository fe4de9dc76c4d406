// A crowd: one client makes many calls at once, each to an actor of its own, again and again. Whatever refuses them, what
// it sends in vain is bounded by its retry budget (R27, I12).
import { Actor, type ActorClass, CallError, defineActor } from "tenure";
import type { Simulation, Workload } from "@tenure/testing";
import { RETRY_BUDGET } from "@tenure/client/internal";

const CROWD = 200;
/** Attempts of one call that need no budget: the first, three redirects, one look again. */
const FREE = 5;
/** The client's clock may be off by so much. */
const DRIFT = 0.001;

export function crowdWorkload(sim: Simulation): Workload {
  const door = makeDoor();
  return {
    actors: [door],
    clients: 1,
    async client() {
      while (!sim.over) {
        await crowd(sim, door);
        await sim.sleep(sim.random.next() * sim.leaseTtlMs);
      }
    },
  };
}

type Door = ActorClass<Actor<{ knocks: number }> & { knock(): Promise<number> }>;

async function crowd(sim: Simulation, door: Door): Promise<void> {
  const beganMs = sim.nowMs;
  const knocks = Array.from({ length: CROWD }, (_, i) => sim.client.get(door, `door-${i}`).knock());
  const failed: CallError[] = [];
  for (const result of await Promise.allSettled(knocks)) {
    if (result.status === "fulfilled") continue;
    const error: unknown = result.reason;
    if (!(error instanceof CallError)) throw error;
    failed.push(error);
  }
  if (failed.length === 0) return;
  const { reserve, perSecond, deposit } = RETRY_BUDGET;
  const seconds = ((sim.nowMs - beganMs) / 1_000) * (1 + DRIFT);
  const attempts = failed.reduce((sum, error) => sum + Number(error.details["attempts"] ?? 0), 0);
  const most = FREE * failed.length + reserve + perSecond * seconds + deposit * CROWD;
  sim.saw("calls of a crowd fail");
  if (attempts > most)
    sim.violated(
      "I12",
      `${failed.length} calls of a crowd failed after ${attempts} attempts in ${seconds.toFixed(1)} s; ${Math.floor(most)} may be`,
    );
}

function makeDoor(): Door {
  return class extends Actor<{ knocks: number }> {
    static readonly actor = defineActor<Actor<{ knocks: number }> & { knock(): Promise<number> }>({
      type: "door",
      state: () => ({ knocks: 0 }),
    });
    async knock(): Promise<number> {
      this.state.knocks += 1;
      return await Promise.resolve(this.state.knocks);
    }
  };
}
