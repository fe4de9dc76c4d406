// Taking over after a drain: two silos serve, a client writes all the time, and one of the two is stopped in good order.
//   TK1. No call fails: the client would throw, and the run with it.
//   TK2. What a drain costs its callers is the 99th percentile of the calls that were open while it lasted, less the same of
//        the calls just before.
import type { RowResult } from "./measure.ts";
import { Contestant } from "./processes.ts";
import { spreadOf } from "./statistics.ts";
import type { Watched } from "./watch.ts";

const BEFORE_MS = 1_000;

export async function measureTakeover(
  env: Readonly<Record<string, string>>,
  repetitions: number,
): Promise<RowResult> {
  const added: number[] = [];
  const drained: number[] = [];
  const silos: Contestant[] = [];
  const startSilo = async (name: string): Promise<void> => {
    silos.push(await Contestant.start("silo", { ...env, SILO: name }));
  };
  try {
    await startSilo("silo-0");
    await using client = await Contestant.start("client", env);
    for (let round = 1; round <= repetitions; round++) {
      await startSilo(`silo-${round}`);
      const [oldest] = silos;
      const watched = client.ask<Watched>("watch", { outstanding: 64 });
      for (const _ of ["warm up", "before"]) {
        await client.ask("pause", { ms: BEFORE_MS });
        await client.ask("mark");
      }
      await oldest!.ask("stop");
      await client.ask("mark");
      await client.ask("unwatch");
      const { beforeP99Ms, duringP99Ms, duringMs } = await watched;
      added.push(duringP99Ms - beforeP99Ms); // TK2
      drained.push(duringMs);
      await oldest![Symbol.asyncDispose]();
      silos.shift();
    }
    await client.ask("check"); // TK1
  } finally {
    for (const silo of silos) await silo[Symbol.asyncDispose]();
  }
  return {
    id: "takeover",
    title: "takeover after a drain: added latency, p99",
    unit: "ms",
    ours: "tenure",
    measured: [
      { side: "tenure", figure: spreadOf(added), figures: added, cpuUs: {} },
      { side: "the drain itself", figure: spreadOf(drained), figures: drained, cpuUs: {} },
    ],
    goals: [],
    usual: {},
    figureGoal: 100,
  };
}
