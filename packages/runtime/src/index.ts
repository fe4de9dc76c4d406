// For applications: running silos. Most import it from `tenure`, which fills in the ports.
export type { ActorExplanation, ExplainedActivation, ExplainedSilo } from "./admin/overview.ts";
export type { SiloAdmin } from "./admin/silo-admin.ts";
export { createSilo, type Silo } from "./silo.ts";
export type { Authorize, CallToAuthorize } from "./messaging/authorization.ts";
export type { SiloOptions } from "./silo-options.ts";
