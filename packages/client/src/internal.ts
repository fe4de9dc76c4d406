// For the runtime: how a call leaves.
export * from "./index.ts";
export { referenceTo } from "./client.ts";
export type { Platform } from "./connect.ts";
export { Deadlines } from "./deadlines.ts";
export { type Attachment, Invoker, type LocalSilo, type Locator } from "./invoker.ts";
export type { CallOrigin } from "./outgoing-call.ts";
export { backoffMs, type CallRules, callRules } from "./retry-policy.ts";
