// For the facade and for tests.
export * from "./index.ts";
export { SILO_INTERNALS, type SiloInternals } from "./silo.ts";
