// For tests of applications. (The conformance suites for authors of backends are in `@tenure/testing/internal`.)
export {
  type AppendOutcome,
  type AppendRecord,
  type AppendViolation,
  checkAppends,
  type ReadRecord,
} from "./checks/appends.ts";
export {
  checkLinearizable,
  type Linearizability,
  type Model,
  type Operation,
} from "./checks/linearizability.ts";
export { crash } from "./crash.ts";
export {
  simulate,
  SimulationFailed,
  type SimulateOptions,
  type SimulationReport,
} from "./simulation/simulate.ts";
export type { CheckName, Violation } from "./simulation/violations.ts";
export type { Simulation, Workload, WorkloadFactory } from "./simulation/workload.ts";
export { testSilos, type TestSilos, type TestSilosOptions } from "./test-silos.ts";
export { VirtualClock } from "./virtual-clock.ts";
