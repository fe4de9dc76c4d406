// For the runtime: how a call leaves.
export * from "./index.ts";
export { addressOf, referenceTo } from "./client.ts";
export { CLIENT_INTERNALS, type ClientInternals, type Platform } from "./connect.ts";
export { Deadlines, NO_SLOT } from "./deadlines.ts";
export type { AskedHere, CallerHere, Attachment, LocalSilo, Locator } from "./departures.ts";
export { type CallCounters, Invoker, MAX_OPEN_CALLS } from "./invoker.ts";
export type { CallOrigin, Flight, TurnCall } from "./outgoing-call.ts";
export { Questions, type Unanswered } from "./questions.ts";
export { RemoteLocator } from "./remote-locator.ts";
export { RETRY_BUDGET } from "./retry-budget.ts";
export { Seldom } from "./seldom.ts";
export { backoffMs, type CallRules, callRules, errorOf } from "./retry-policy.ts";
