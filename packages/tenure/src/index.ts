// The facade: what applications import.
export type { ActorClient, Client, ConnectOptions } from "@tenure/client";
export { connect } from "@tenure/client";
export * from "@tenure/core";
export type {
  ActorExplanation,
  Authorize,
  CallToAuthorize,
  ExplainedActivation,
  ExplainedSilo,
  Silo,
  SiloAdmin,
} from "@tenure/runtime";
export { createSilo, type SiloOptions } from "./create-silo.ts";
export { memory } from "./memory.ts";
export { printEvent } from "./print-events.ts";
