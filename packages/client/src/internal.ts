// For the runtime: how a call leaves.
export * from "./index.ts";
export { referenceTo } from "./client.ts";
export type { Platform } from "./connect.ts";
export { Deadlines } from "./deadlines.ts";
export type { Attachment, LocalSilo, Locator } from "./departures.ts";
export { Invoker } from "./invoker.ts";
export type { CallOrigin } from "./outgoing-call.ts";
export { backoffMs, type CallRules, callRules } from "./retry-policy.ts";
