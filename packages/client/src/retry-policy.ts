// What happens after an attempt failed: a pure function of the failure and of the call. Total: every failure has a row.
//   P1. The runtime repeats a call only if it provably did not run, or if running it twice does no harm (`repeatable`).
//   P2. At most MAX_HOPS redirects are followed at once, each only with newer evidence; then the actor is located afresh, and
//       only a call that has waited follows others (R26).
//   P3. Nothing is repeated past the deadline; waits grow exponentially and carry jitter (R27).
//   P4. An error's outcome is 'not-executed' only if no attempt may have run (I11).
//   P5. Without budget no retry leaves (retry-budget.ts, R27). A call that waits for somebody to be found waits longer
//       then, as long as it has time; one that was refused because there is too much to do already fails at once.
//   P6. Who is overloaded is left alone for as long as it asks. A call that has less time than that fails at once.
import {
  ActorTypeNotFoundError,
  CallError,
  callErrorFromCode,
  type CallErrorOptions,
  CallTimeoutError,
  DeadlockError,
  type Failed,
  type Incarnation,
  InvalidArgumentError,
  MethodNotFoundError,
  NotSerializableError,
  type Outcome,
  OverloadedError,
  type RefusalReason,
  type Refused,
  SiloUnavailableError,
  UnauthorizedError,
} from "@tenure/core/internal";
import { mayRetry } from "./retry-budget.ts";

export const MAX_HOPS = 3;
const BACKOFF_FIRST_MS = 8;
const BACKOFF_MAX_MS = 400;
/** How much longer a wait is that ended without budget: asking again costs nobody else anything (P5). */
const UNFUNDED_FACTOR = 2;

export type Failure =
  /** Not executed: a silo said so. */
  | Refused
  /** Not executed: the message reached nobody, or there was no connection to send it on. */
  | { readonly status: "undeliverable" }
  | { readonly status: "not-connected" }
  /** Unknown. */
  | Failed
  | { readonly status: "silo-died"; readonly silo: Incarnation }
  | { readonly status: "disconnected" };

export interface Attempted {
  readonly attempt: number;
  readonly hops: number;
  /** The generation of the newest evidence of who owns the actor. */
  readonly evidence: number;
  readonly sentTo: Incarnation | undefined;
  readonly repeatable: boolean;
  readonly remainingMs: number;
  /** Whether the caller's retry budget has something left. */
  readonly funded: boolean;
  /** How often in a row its next attempt was due and had no budget. */
  readonly heldBack: number;
}

export type Verdict =
  | { readonly kind: "redirect"; readonly to: Incarnation; readonly generation: number }
  | { readonly kind: "retry"; readonly afterMs: number }
  | { readonly kind: "fail" };

/** What a call's way is decided by, as a value: a simulation can hand in broken decisions. */
export interface CallRules {
  readonly afterFailure: typeof afterFailure;
  readonly mayRetry: typeof mayRetry;
}

/** `chance` is uniform in [0, 1): the jitter. */
export function afterFailure(failure: Failure, call: Attempted, chance: number): Verdict {
  if (!mayRepeat(failure, call.repeatable)) return { kind: "fail" };
  if (
    failure.status === "refused" &&
    failure.reason === "moved" &&
    failure.owner !== undefined &&
    failure.owner !== call.sentTo &&
    failure.generation > call.evidence &&
    call.hops < MAX_HOPS
  )
    return { kind: "redirect", to: failure.owner, generation: failure.generation };
  // What a collected or drained activation answers first: look again at once.
  const lookAgain =
    failure.status === "refused" && (failure.reason === "moved" || failure.reason === "draining");
  if (lookAgain && call.attempt === 1 && call.remainingMs > 0) return { kind: "retry", afterMs: 0 };
  const overloaded = failure.status === "refused" && failure.reason === "overloaded";
  const askedMs = overloaded ? (failure.retryAfterMs ?? 0) : 0;
  // Those who were refused together do not come back together.
  const afterMs = Math.max(
    askedMs * (1 + chance / 2),
    backoffMs(call.attempt + call.heldBack, chance),
  );
  if (afterMs >= call.remainingMs || (overloaded && !call.funded)) return { kind: "fail" };
  if (call.funded) return { kind: "retry", afterMs };
  return { kind: "retry", afterMs: Math.min(UNFUNDED_FACTOR * afterMs, call.remainingMs / 2) };
}

export function backoffMs(attempt: number, chance: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  return ceiling * (0.5 + chance / 2);
}

function mayRepeat(failure: Failure, repeatable: boolean): boolean {
  switch (failure.status) {
    case "undeliverable":
    case "not-connected":
      return true;
    case "refused":
      return RETRIED[failure.reason];
    case "failed":
      return repeatable && MENDED_BY_TIME.has(failure.code);
    case "silo-died":
    case "disconnected":
      return repeatable;
  }
}

/** What became of a call whose activation was lost. Other failures lie in the call: it would run, and fail, again. */
const MENDED_BY_TIME: ReadonlySet<string> = new Set(["FENCED", "SILO_UNAVAILABLE"]);

/** Refusals that time mends. The others would be answered the same way again. */
const RETRIED: Readonly<Record<RefusalReason, boolean>> = {
  moved: true,
  paused: true,
  draining: true,
  "no-silo": true,
  unavailable: true,
  overloaded: true,
  expired: false,
  "unknown-type": false,
  "unknown-method": false,
  invalid: false,
  "not-serializable": false,
  deadlock: false,
  unauthorized: false,
  "activation-failed": false,
  "key-refused": false,
};

/** Whether an attempt that failed so may have run (P4). */
export function mayHaveRun(failure: Failure): boolean {
  return (
    failure.status === "failed" ||
    failure.status === "silo-died" ||
    failure.status === "disconnected"
  );
}

/** The error that a caller gets. `where` names the call; `outcome` covers all of its attempts. */
export function errorOf(failure: Failure, where: string, options: CallErrorOptions): CallError {
  switch (failure.status) {
    case "refused":
      return refusalError(failure, `${where}: ${failure.message}`, options);
    case "undeliverable":
      return new SiloUnavailableError(`${where}: no silo was there to take the call`, options);
    case "not-connected":
      return new SiloUnavailableError(`${where}: not connected to the cluster`, options);
    case "failed":
      return callErrorFromCode(failure.code, `${where}: ${failure.message}`, options);
    case "silo-died":
      return new SiloUnavailableError(`${where}: the silo that had the call died`, options);
    case "disconnected":
      return new SiloUnavailableError(
        `${where}: the connection was lost before the reply came`,
        options,
      );
  }
}

function refusalError(refused: Refused, message: string, options: CallErrorOptions): CallError {
  switch (refused.reason) {
    case "moved":
    case "paused":
    case "draining":
    case "no-silo":
    case "unavailable":
      return new SiloUnavailableError(message, options);
    case "overloaded":
      return new OverloadedError(message, {
        ...options,
        details: {
          ...options.details,
          ...(refused.retryAfterMs === undefined ? {} : { retryAfterMs: refused.retryAfterMs }),
        },
      });
    case "expired":
      return new CallTimeoutError(message, options);
    case "unknown-type":
      return new ActorTypeNotFoundError(message, options);
    case "unknown-method":
      return new MethodNotFoundError(message, options);
    case "invalid":
    case "key-refused":
      return new InvalidArgumentError(message, {
        ...options,
        details: {
          ...options.details,
          ...(refused.issues === undefined ? {} : { issues: refused.issues }),
        },
      });
    case "not-serializable":
      return new NotSerializableError(message, options);
    case "deadlock":
      return new DeadlockError(message, options);
    case "unauthorized":
      return new UnauthorizedError(message, options);
    case "activation-failed":
      return new CallError("ACTIVATION_FAILED", message, options);
  }
}

export function outcomeOf(maybeRan: boolean): Outcome {
  return maybeRan ? "unknown" : "not-executed";
}

export const callRules: CallRules = { afterFailure, mayRetry };
