// For tests of Tenure itself: the simulation's parts. (Not in the internal door: that one needs vitest.)
export type { SimPlatform, Substitutions } from "./simulation/cluster.ts";
export { describePlan, drawPlan, type FaultPlan } from "./simulation/fault-plan.ts";
export { runPlan, type RunResult } from "./simulation/run.ts";
export { addTo, commit, failureReport, runSeed } from "./simulation/simulate.ts";
