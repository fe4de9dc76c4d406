// One call on its way, over all of its attempts.
import {
  type ActorAddress,
  type Body,
  type CallHeaders,
  type ChainLink,
  formatActor,
  type IdempotencyKey,
  type Incarnation,
  type Interceptor,
  type Place,
  type Timer,
} from "@tenure/core/internal";
import type { Answer } from "./answer.ts";
import type { Failure } from "./retry-policy.ts";

/** Where a call comes from: nothing for a client; for a turn its chain, its deadline and its output gate. */
export interface CallOrigin {
  readonly chain: readonly ChainLink[];
  /** Monotonic: a callee never has more time than its caller. */
  readonly deadlineMs: number;
  /** What the turn was called with. */
  readonly headers?: CallHeaders | undefined;
  /** Around this call, where its actor's class has some of its own; else the invoker's are. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /**
   * What must be settled before the call may leave (R17), asked when the call is made and before each attempt. Whoever gives it sees to its
   * rejection: a call that is over by then does not look at its gate any more.
   */
  gate(): Promise<void> | undefined;
  /** Asked at the moment of sending, after whatever the call has waited for: neither the actor nor the lease is lost. */
  mayLeave(): boolean;
}

export interface OutgoingCall {
  readonly actor: ActorAddress;
  /** `type/id`. */
  readonly actorKey: string;
  /** Its caller and its actor: calls with the same lane leave in the order in which they were made. */
  readonly lane: string;
  readonly method: string;
  readonly key: IdempotencyKey | undefined;
  /** What led to it: empty for a client. */
  readonly chain: readonly ChainLink[];
  readonly repeatable: boolean;
  readonly strict: boolean;
  readonly headers: CallHeaders | undefined;
  readonly origin: CallOrigin | undefined;
  readonly deadlineMs: number;
  /** How long its caller waits. */
  readonly timeoutMs: number;
  readonly answer: Pick<Answer, "resolve" | "reject">;
  args: Body;
  gate: Promise<void> | undefined;
  signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
  attempt: number;
  hops: number;
  evidence: number;
  /** The incarnation that did not answer last. */
  avoid: Incarnation | undefined;
  /** An attempt ended without a proof that it did not run. */
  maybeRan: boolean;
  lastFailure: Failure | undefined;
  /** Until when the next attempt waits. */
  retry: Timer | undefined;
  /** How often in a row the next attempt was due and had no budget. */
  heldBack: number;
  /** The attempt that is under way was paid for out of the retry budget. */
  paid: boolean;
  /** The attempt that is on its way, if one is. */
  flight: Flight | undefined;
  /** Its place among the open calls, when it is one of them (deadlines.ts). */
  slot: number;
  done: boolean;
  /** Of a call with interceptors: the calls that they have made and that are open, and its place among its lane's. */
  intercepted?: { readonly inner: Set<OutgoingCall>; readonly place: Place } | undefined;
}

/** An open call that a turn has made. */
export type TurnCall = Pick<OutgoingCall, "actor" | "method" | "flight">;

export interface Flight {
  readonly request: number;
  readonly to: Incarnation;
  readonly tag: number;
  /** Monotonic: when it left. */
  readonly sinceMs: number;
}

export function nameOf(call: OutgoingCall): string {
  return `${formatActor(call.actor)}.${call.method}`;
}

/** A caller's calls to one actor share a lane; other callers' calls do not wait behind its commits. */
export function laneOf(chain: readonly ChainLink[], actorKey: string): string {
  const caller = chain.at(-1);
  if (!caller) return actorKey;
  const callerKey = formatActor(caller);
  // A key starts with a letter, never with a digit: no lane of a client looks like one of an actor.
  return `${callerKey.length}:${callerKey}:${actorKey}`;
}

/** What an error says of the call that it ended. */
export function detailsOf(call: OutgoingCall): Record<string, unknown> {
  return {
    actor: call.actorKey,
    method: call.method,
    attempts: call.attempt,
    ...(call.flight ? { request: call.flight.request, silo: call.flight.to } : {}),
  };
}
