// For applications: actors, references and errors. Most import them from `tenure`.
export {
  Actor,
  type ActorClass,
  type ActorContext,
  type ActorLog,
  type CallContext,
  type DeactivationReason,
  type Services,
} from "./actor.ts";
export type { ActorAddress } from "./actor-id.ts";
export {
  type ActorDefinition,
  type ActorOptions,
  defineActor,
  type MethodMode,
  type MethodOptions,
} from "./define-actor.ts";
export type { CommitMode, Reentrancy } from "./turn-options.ts";
export type { Duration } from "./duration.ts";
export {
  ActorTypeNotFoundError,
  CallError,
  CallTimeoutError,
  CancelledError,
  ConfigError,
  DeadlockError,
  DefinedError,
  defineError,
  type ErrorFactory,
  FencedError,
  InvalidArgumentError,
  MethodNotFoundError,
  NotAvailableError,
  NotSerializableError,
  type Outcome,
  OverloadedError,
  SiloNotFoundError,
  SiloUnavailableError,
  TenureError,
  UnauthorizedError,
} from "./errors.ts";
export type { EventListener, EventType, TenureEvent } from "./events.ts";
export type { CallHeaders } from "./headers.ts";
export type {
  ChangedCall,
  InterceptedCall,
  Interceptor,
  Interceptors,
  Next,
} from "./interceptors.ts";
export type { ChainLink, IdempotencyKey, SenderSequence } from "./message.ts";
export type {
  SchemaIssue,
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaResult,
} from "./standard-schema.ts";
export type { Placement, PlacementFunction, PlacementSilo } from "./placement.ts";
export { UnreachableError } from "./port.ts";
export type { ActorRef, CallOptions } from "./reference.ts";
