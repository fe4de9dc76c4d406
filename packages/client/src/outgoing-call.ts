// One call on its way, over all of its attempts.
import {
  type ActorAddress,
  type Body,
  type ChainLink,
  formatActor,
  type Incarnation,
} from "@tenure/core/internal";
import type { Failure } from "./retry-policy.ts";

/** Where a call comes from: nothing for a client; for a turn its chain, its deadline and its output gate. */
export interface CallOrigin {
  readonly chain: readonly ChainLink[];
  /** Monotonic: a callee never has more time than its caller. */
  readonly deadlineMs: number;
  /** What must be settled before the call may leave (R17), asked when the call is made. */
  gate(): Promise<void> | undefined;
}

export interface OutgoingCall {
  readonly actor: ActorAddress;
  /** `type/id`. */
  readonly actorKey: string;
  readonly method: string;
  readonly idempotencyKey: string | undefined;
  readonly repeatable: boolean;
  readonly chain: readonly ChainLink[];
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
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
  /** The attempt that is on its way, if one is. */
  flight: Flight | undefined;
  done: boolean;
}

export interface Flight {
  readonly request: number;
  readonly to: Incarnation;
  readonly tag: number;
}

export function nameOf(call: OutgoingCall): string {
  return `${formatActor(call.actor)}.${call.method}`;
}
