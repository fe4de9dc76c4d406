// Interceptors: functions around calls, of a silo, a client or an actor class.
//   N1. They run in the order in which they are listed: the first is outermost, and sees what the others make of the call.
//   N2. Each decides what becomes of the call: it goes on with next(), once, again or not at all, changes what goes on, and
//       answers what it likes.
//   N3. What goes on may have other arguments and other headers. What the call is does not change: its actor, its method,
//       who makes it, until when, under which key.
import type { CallContext } from "./actor.ts";
import type { ActorAddress } from "./actor-id.ts";
import { describe } from "./duration.ts";
import { ConfigError, InvalidArgumentError } from "./errors.ts";
import { type CallHeaders, headersFor, NO_HEADERS } from "./headers.ts";
import type { ChainLink } from "./message.ts";

/** A call as interceptors see it. */
export interface InterceptedCall {
  /** The actor that is called. */
  readonly actor: ActorAddress;
  readonly method: string;
  /** Its arguments: the interceptors' own copy, or the one that the method gets. */
  readonly args: readonly unknown[];
  readonly headers: CallHeaders;
  /** The actor that makes the call; undefined when a client does. */
  readonly caller: ActorAddress | undefined;
  /** The calls that led to this one, outermost first, without this one. */
  readonly chain: readonly ChainLink[];
  /** When the caller stops waiting: milliseconds since the epoch on this machine's clock. */
  readonly deadline: number;
  /** Outgoing: what the caller gave. Incoming: `ctx.call.signal`, which aborts when the caller has given the call up. */
  readonly signal: AbortSignal | undefined;
  readonly idempotencyKey: CallContext["idempotencyKey"];
}

/** What may go on in a call's place: `next({ ...call, args: [1] })`, or just `next({ args: [1] })`. */
export type ChangedCall = Partial<Pick<InterceptedCall, "args" | "headers">>;

/** Goes on with the call, as it is or changed: the next interceptor, at the end the call itself. */
export type Next = (changed?: ChangedCall) => Promise<unknown>;

/**
 * A function around calls: what it answers is the call's answer, what it throws the call's error.
 * @example
 * const timed: Interceptor = async (call, next) => {
 *   const start = performance.now()
 *   try { return await next() } finally { observe(call.method, performance.now() - start) }
 * }
 */
export type Interceptor = (call: InterceptedCall, next: Next) => Promise<unknown>;

/** The first of each list is outermost. */
export interface Interceptors {
  /** Around the method, inside its turn, where the actor lives. */
  readonly incoming?: readonly Interceptor[] | undefined;
  /** At the caller, before the call is sent. */
  readonly outgoing?: readonly Interceptor[] | undefined;
}

export interface ResolvedInterceptors {
  readonly incoming: readonly Interceptor[];
  readonly outgoing: readonly Interceptor[];
}

/** @throws ConfigError for what are no lists of functions. */
export function resolveInterceptors(option: string, given: unknown): ResolvedInterceptors {
  if (given === undefined) return { incoming: [], outgoing: [] };
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new ConfigError(
      option,
      `must be an object with lists \`incoming\` and \`outgoing\`, not ${describe(given)}`,
    );
  const { incoming, outgoing, ...others } = given as Interceptors;
  for (const key of Object.keys(others))
    throw new ConfigError(`${option}.${key}`, "is not a list of it; there are incoming, outgoing");
  return {
    incoming: functions(`${option}.incoming`, incoming ?? []),
    outgoing: functions(`${option}.outgoing`, outgoing ?? []),
  };
}

function functions(option: string, given: unknown): readonly Interceptor[] {
  if (!Array.isArray(given) || given.some((each) => typeof each !== "function"))
    throw new ConfigError(
      option,
      `must be a list of functions (call, next) => …, not ${describe(given)}`,
    );
  return [...(given as readonly Interceptor[])];
}

/** Lists of interceptors as one, outermost first; undefined when there are none, so that a call pays one look at it. */
export function interceptorList(
  outer: readonly Interceptor[],
  inner: readonly Interceptor[],
): readonly Interceptor[] | undefined {
  const all = [...outer, ...inner];
  return all.length === 0 ? undefined : all;
}

/** Runs a call through its interceptors; `last` is what the innermost one's next() does. Starts in the same step. */
export function intercept(
  interceptors: readonly Interceptor[],
  call: InterceptedCall,
  last: (call: InterceptedCall) => Promise<unknown>,
): Promise<unknown> {
  const from = async (at: number, given: InterceptedCall): Promise<unknown> => {
    const interceptor = interceptors[at];
    if (!interceptor) return await last(given);
    return await interceptor(
      given,
      async (changed) => await from(at + 1, changedCall(given, changed)),
    );
  };
  return from(0, call);
}

/** N3. @throws InvalidArgumentError */
function changedCall(call: InterceptedCall, changed: ChangedCall | undefined): InterceptedCall {
  if (changed === undefined) return call;
  if (typeof changed !== "object" || changed === null)
    throw refusedChange(`next() takes what changes of the call, not ${describe(changed)}`);
  for (const [name, value] of Object.entries(changed))
    if (!CHANGEABLE.has(name) && value !== (call as unknown as Record<string, unknown>)[name])
      throw refusedChange(`next() cannot change ${name} of a call; it can change args and headers`);
  const { args = call.args, headers = call.headers } = changed;
  if (!Array.isArray(args))
    throw refusedChange(`next(): args must be a list, not ${describe(args)}`);
  return {
    ...call,
    args: args as readonly unknown[],
    headers: headers === call.headers ? headers : (headersFor(undefined, headers) ?? NO_HEADERS),
  };
}

const CHANGEABLE = new Set(["args", "headers"]);

function refusedChange(problem: string): InvalidArgumentError {
  return new InvalidArgumentError(problem, { outcome: "not-executed" });
}
