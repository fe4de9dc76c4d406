// For Tenure's own packages and for authors of backends. Everything of the public door, and the contracts.
export * from "./index.ts";
export * from "./actor-id.ts";
export { type ActorHost, constructActor, hasHook } from "./actor.ts";
export { assert, AssertionError, unreachable } from "./assert.ts";
export * from "./body.ts";
export { MAX_METHOD } from "./checked-fields.ts";
export * from "./clock.ts";
export { decodeValue, encodeValue, GarbageError, MAX_MESSAGES_PER_FRAME } from "./codec.ts";
export { MAX_DEPTH, MAX_OBJECTS, MAX_VALUES } from "./decode-limits.ts";
export { actorKind, type ActorKind } from "./actor-kind.ts";
export {
  type CallableName,
  MAX_VERSION,
  type Migrate,
  refuseUnknown,
  type ResolvedMethod,
  type StateSource,
} from "./define-actor.ts";
export type { TurnOptions } from "./turn-options.ts";
export * from "./directory.ts";
export * from "./directory-tables.ts";
export { digest16 } from "./digest.ts";
export { describe, durationMs } from "./duration.ts";
export * from "./errors.ts";
export * from "./events.ts";
export {
  headersFor,
  headersProblem,
  MAX_HEADERS,
  MAX_HEADERS_BYTES,
  NO_HEADERS,
} from "./headers.ts";
export { InOrder, type Place } from "./in-order.ts";
export {
  intercept,
  interceptorList,
  type ResolvedInterceptors,
  resolveInterceptors,
} from "./interceptors.ts";
export * from "./joint-tables.ts";
export { loopback } from "./loopback.ts";
export * from "./message.ts";
export { decodeFrame, encodeFrame, messageFromTuple, messageTuple } from "./message-codec.ts";
export * from "./ownership-rules.ts";
export * from "./port.ts";
export * from "./random.ts";
export * from "./records.ts";
export { makeReference, NO_OPTIONS, type ReferenceTarget } from "./reference.ts";
export * from "./silo-id.ts";
export { firstState } from "./first-state.ts";
export * from "./standard-schema.ts";
export * from "./storage.ts";
export * from "./storage-tables.ts";
export { Tasks } from "./tasks.ts";
export * from "./transport.ts";
export { unitAt } from "./unit-at.ts";
export * from "./waits.ts";
export { copyOfBinary, isDeepFrozen, isolate } from "./isolate.ts";
export { checkSerializable, encodeBehind, encodeUserValue } from "./serializable.ts";
export { isPlainObject, REFERENCE } from "./walk.ts";
export {
  errorFromRecord,
  type ErrorRecord,
  errorToRecord,
  thrownFromRecord,
} from "./wire-error.ts";
