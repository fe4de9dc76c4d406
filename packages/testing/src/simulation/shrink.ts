// A failing plan, made smaller: whatever can be left out while it still fails is.
//   K1. Every candidate is a plan of the same seed with less in it; it counts only if its run fails too.
//   K2. Bounded: at most `maxRuns` runs.
import type { FaultPlan, TimedFault } from "./fault-plan.ts";
import { CALM_NETWORK } from "./network.ts";
import { CALM_STORE } from "./store.ts";

export async function shrinkPlan(
  plan: FaultPlan,
  fails: (candidate: FaultPlan) => Promise<boolean>,
  maxRuns = 60,
): Promise<FaultPlan> {
  let smallest = plan;
  let runs = 0;
  const keep = async (candidate: FaultPlan): Promise<boolean> => {
    if (runs >= maxRuns) return false;
    runs += 1;
    if (!(await fails(candidate))) return false;
    smallest = candidate;
    return true;
  };
  // Halves first, then one fault at a time, until a whole pass leaves nothing out.
  for (let size = Math.ceil(plan.faults.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let from = 0; from < smallest.faults.length;) {
      const faults = without(smallest.faults, from, size);
      if (!(await keep({ ...smallest, faults }))) from += size;
    }
  for (const part of ["network", "store"] as const) {
    const calm = part === "network" ? CALM_NETWORK : CALM_STORE;
    if (await keep({ ...smallest, [part]: calm })) continue;
    for (const [name, value] of Object.entries(calm))
      if ((smallest[part] as object as Record<string, number>)[name] !== value)
        await keep({ ...smallest, [part]: { ...smallest[part], [name]: value } });
  }
  const end = Math.max(0, ...smallest.faults.map((fault) => fault.atMs)) + smallest.ttlMs;
  if (end < smallest.faultyMs) await keep({ ...smallest, faultyMs: end });
  return smallest;
}

function without(faults: readonly TimedFault[], from: number, count: number): TimedFault[] {
  return [...faults.slice(0, from), ...faults.slice(from + count)];
}
