// For tests of applications. (The conformance suites for authors of backends are in `@tenure/testing/internal`.)
export {
  type AppendOutcome,
  type AppendRecord,
  type AppendViolation,
  checkAppends,
  type PrefixDigest,
  type ReadRecord,
} from "./checks/appends.ts";
export {
  checkLinearizable,
  type Linearizability,
  type Model,
  type Operation,
} from "./checks/linearizability.ts";
export {
  checkOncePerKey,
  type KeyedCall,
  type OncePerKeyViolation,
} from "./checks/once-per-key.ts";
export { crash } from "./crash.ts";
export {
  simulate,
  SimulationFailed,
  type SimulateOptions,
  type SimulationReport,
} from "./simulation/simulate.ts";
export type { HistoryEntry } from "./simulation/history.ts";
export type { NetworkFaults } from "./simulation/network.ts";
export type { StoreFaults } from "./simulation/store.ts";
export {
  testCluster,
  type TestCluster,
  type TestClusterOptions,
} from "./simulation/test-cluster.ts";
export type { CheckName, Violation } from "./simulation/violations.ts";
export type { Simulation, Workload, WorkloadFactory } from "./simulation/workload.ts";
export { testSilos, type TestSilos, type TestSilosOptions } from "./test-silos.ts";
export { VirtualClock } from "./virtual-clock.ts";
