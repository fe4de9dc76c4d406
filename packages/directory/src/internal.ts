export * from "./memory-directory.ts";
export * from "./memory-storage.ts";
export { Batcher } from "./batcher.ts";
export { Gatherer } from "./gatherer.ts";
export { bounded } from "./bounded.ts";
export { GENERATION_EPOCH_MS, GenerationClock } from "./generation-clock.ts";
export {
  leaseRules,
  type LeaseRules,
  leaseTiming,
  type LeaseTiming,
  PAUSE_LIMIT_MS,
} from "./lease.ts";
export { LeaseKeeper, LeaseLostError } from "./lease-keeper.ts";
export { Membership, type Standing } from "./membership.ts";
export { type Acquired, type Claim, Ownership } from "./ownership.ts";
export { register, type Registered } from "./registration.ts";
export { Sweeper } from "./sweeper.ts";
export { type RollbackRules, rollbackRules, RollbackWatch } from "./rollback-watch.ts";
