// What a caller asked for becomes a call: options are checked and times resolved before anything leaves.
import {
  type ActorAddress,
  type Body,
  type CallOptions,
  type ChainLink,
  describe,
  durationMs,
  headersFor,
  InvalidArgumentError,
  keyProblem,
  NO_OPTIONS,
  type ResolvedMethod,
} from "@tenure/core/internal";
import type { Answer } from "./answer.ts";
import { NO_SLOT } from "./deadlines.ts";
import { type CallOrigin, laneOf, type OutgoingCall } from "./outgoing-call.ts";

export interface AskedCall {
  readonly actor: ActorAddress;
  readonly actorKey: string;
  readonly method: string;
  readonly options: CallOptions;
  /** What is known of the method, where its class is at hand. */
  readonly about: ResolvedMethod | undefined;
  readonly origin: CallOrigin | undefined;
  readonly answer: Answer;
  /** A copy, made before (V1). */
  readonly args: Body;
}

/** `nowMs`: on the monotonic clock. @throws InvalidArgumentError for a bad option */
export function makeCall(asked: AskedCall, nowMs: number, callTimeoutMs: number): OutgoingCall {
  const { actor, actorKey, method, options, about, origin } = asked;
  if (options !== NO_OPTIONS) checkCallOptions(options);
  const ownTimeoutMs =
    options.timeoutMs === undefined
      ? (about?.timeoutMs ?? callTimeoutMs)
      : givenTimeoutMs(options.timeoutMs);
  // A callee never has more time than its caller.
  const timeoutMs = Math.min(ownTimeoutMs, (origin?.deadlineMs ?? Infinity) - nowMs);
  const chain = origin?.chain ?? NONE;
  const { idempotencyKey, strictReads } = options;
  return {
    actor,
    actorKey,
    lane: laneOf(chain, actorKey),
    method,
    // Its own copy: what the caller changes afterwards never travels.
    key: typeof idempotencyKey === "object" ? { ...idempotencyKey } : idempotencyKey,
    chain,
    repeatable:
      idempotencyKey !== undefined || about?.idempotent === true || about?.mode === "read",
    strict: strictReads ?? false,
    headers: headersFor(origin?.headers, options.headers),
    origin,
    deadlineMs: nowMs + timeoutMs,
    timeoutMs,
    answer: asked.answer,
    args: asked.args,
    gate: origin?.gate(),
    signal: options.signal,
    onAbort: undefined,
    attempt: 0,
    hops: 0,
    evidence: 0,
    avoid: undefined,
    maybeRan: false,
    lastFailure: undefined,
    retry: undefined,
    heldBack: 0,
    paid: false,
    flight: undefined,
    slot: NO_SLOT,
    done: false,
  };
}

const NONE: readonly ChainLink[] = [];

const CALL_OPTIONS: ReadonlySet<string> = new Set([
  "timeoutMs",
  "signal",
  "idempotencyKey",
  "strictReads",
  "headers",
]);

function givenTimeoutMs(value: unknown): number {
  try {
    return durationMs("timeoutMs", value);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message, {
      outcome: "not-executed",
      cause: error,
    });
  }
}

function checkCallOptions(options: CallOptions): void {
  for (const [key, value] of Object.entries(options))
    if (value !== undefined && !CALL_OPTIONS.has(key))
      throw invalidOption(
        `${key} is not an option of this version; there are ${[...CALL_OPTIONS].join(", ")}`,
      );
  const signal: unknown = options.signal;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidOption(`signal must be an AbortSignal, not ${describe(signal)}`);
  const strictReads: unknown = options.strictReads;
  if (strictReads !== undefined && typeof strictReads !== "boolean")
    throw invalidOption(`strictReads must be true or false, not ${describe(strictReads)}`);
  const problem =
    options.idempotencyKey === undefined ? undefined : keyProblem(options.idempotencyKey);
  if (problem !== undefined) throw invalidOption(problem);
}

function invalidOption(problem: string): InvalidArgumentError {
  return new InvalidArgumentError(`$with: ${problem}`, { outcome: "not-executed" });
}
