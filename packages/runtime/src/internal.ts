// For the facade and for tests.
export * from "./index.ts";
export { type RuntimeRules, runtimeRules, type SiloPlatform } from "./rules.ts";
export { SILO_INTERNALS, type SiloInternals } from "./silo.ts";
