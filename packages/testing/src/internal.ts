// For authors of backends: the conformance suites, declared with vitest. (In the public door they would keep programs that
// run outside of vitest from importing `crash`.)
export {
  directoryConformance,
  type DirectoryConformanceOptions,
  type DirectoryPlants,
  type OpenedDirectory,
} from "./conformance/directory.ts";
export {
  directoryModelConformance,
  type DirectoryModelOptions,
  type DirectoryState,
  type DirectoryTraits,
  type OpenedModelDirectory,
} from "./conformance/models/directory.ts";
export {
  type OpenedModelStorage,
  storageModelConformance,
  type StorageModelOptions,
  type StorageState,
} from "./conformance/models/storage.ts";
export {
  type OpenedStorage,
  storageConformance,
  type StorageConformanceOptions,
  type StoragePlants,
} from "./conformance/storage.ts";
export {
  claimingWithLoads,
  jointConformance,
  type JointConformanceOptions,
  type OpenedJoint,
} from "./conformance/joint.ts";
export type { OpenedStore, Planted, SkippedRule } from "./conformance/suite.ts";
export {
  type OpenedTransport,
  type RawWay,
  transportConformance,
  type TransportConformanceOptions,
} from "./conformance/transport.ts";
