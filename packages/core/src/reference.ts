// References: typed proxies to actors.
//   F1. Making one sends nothing, holds nothing and fails only for a bad id; it is never broken and works for ever.
//   F2. Every string name but `then` and the `$` names is a remote method; the silo decides whether it exists.
import type { Actor } from "./actor.ts";
import { type ActorAddress, formatActor, NamedActor } from "./actor-id.ts";
import type { CallableName, ResolvedMethod } from "./define-actor.ts";
import type { Duration } from "./duration.ts";
import { NotAvailableError } from "./errors.ts";
import { joinedHeaders } from "./headers.ts";
import type { IdempotencyKey } from "./message.ts";
import { REFERENCE } from "./walk.ts";

/** Options of single calls, given by `$with`. */
export interface CallOptions {
  /** How long to wait. @default the method's, else the client's callTimeoutMs */
  readonly timeoutMs?: Duration | undefined;
  /**
   * Aborting it fails the call at once with CancelledError, and tells its silo: if the call still waits there, it never runs and its
   * place is free; if it runs, `ctx.call.signal` aborts there. A call with a signal that has aborted before is never sent.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * The call's effect is applied once, however often it is sent with this key within 24 hours; a repeat gets the recorded
   * result. For `write` methods of actors with state; on a `read` or `interleave` method it only lets the runtime repeat
   * the call, since there is no effect to record. `{ sender, sequence }` is for senders that number their calls to an actor: a
   * repeat of the last one gets its result, one with a lower number is refused.
   */
  readonly idempotencyKey?: IdempotencyKey | undefined;
  /**
   * The reply must be confirmed by the store, as `strictReads` of the actor's class says. Where the class or the silo asks for it
   * already, `false` does not take it back. @default false
   */
  readonly strictReads?: boolean | undefined;
  /**
   * Named strings for the callee (`ctx.call.headers`) and for every call that follows from this one. They add to what the current
   * turn was called with, or replace it, by name. At most 64, of 8 KiB together.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

type RemoteMethod<F> = F extends (...args: infer _) => Promise<unknown>
  ? F
  : F extends (...args: infer P) => infer R
    ? (...args: P) => Promise<Awaited<R>>
    : never;

/** A reference to an actor: its methods, each answering a promise, and `$with`. */
export type ActorRef<A extends Actor<unknown>> = {
  readonly [K in CallableName<A>]: RemoteMethod<A[K]>;
} & {
  /** The same reference with options for its calls. */
  $with(options: CallOptions): ActorRef<A>;
};

/** What a reference needs to make a call. */
export interface ReferenceTarget {
  call(
    actor: ActorAddress,
    method: string,
    args: readonly unknown[],
    options: CallOptions,
    /** What is known of the method, where its class is at hand. */
    about: ResolvedMethod | undefined,
  ): Promise<unknown>;
}

/** Of a call for which none were given. */
export const NO_OPTIONS: CallOptions = Object.freeze({});

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** What is behind a reference. Many make one for every call: it is one object, and what few need is made when it is needed. */
class Target {
  readonly actor: ActorAddress;
  readonly to: ReferenceTarget;
  readonly options: CallOptions;
  readonly known: ReadonlyMap<string, ResolvedMethod> | undefined;
  /** Those that were asked for, once there is a second one. */
  methods: Map<string, unknown> | undefined = undefined;
  /** The one that was asked for last: most callers go on with it. */
  lastName = "";
  lastMethod: unknown = undefined;

  constructor(
    actor: ActorAddress,
    to: ReferenceTarget,
    known: ReadonlyMap<string, ResolvedMethod> | undefined,
    options: CallOptions,
  ) {
    this.actor = actor;
    this.to = to;
    this.known = known;
    this.options = options;
  }

  /** util.inspect looks through a proxy at its target: without this, logging a reference prints the whole client. */
  [INSPECT](this: unknown): string {
    return String(this);
  }
}

/** Makes a reference. The id has been checked. `known` has the methods' modes where the class is at hand. */
export function makeReference<A extends Actor<unknown>>(
  actor: ActorAddress,
  to: ReferenceTarget,
  known: ReadonlyMap<string, ResolvedMethod> | undefined,
  options: CallOptions = NO_OPTIONS,
): ActorRef<A> {
  const target = new Target(new NamedActor(actor), to, known, options);
  return new Proxy(target, handler) as unknown as ActorRef<A>;
}

const LATER: ReadonlyMap<string, string> = new Map([
  ["$send", "await the method itself"],
  ["$events", "poll a read method"],
]);

const handler: ProxyHandler<Target> = {
  get(target, name) {
    if (typeof name === "symbol") return symbolProperty(target, name);
    if (name === target.lastName && target.lastMethod !== undefined) return target.lastMethod;
    let property = target.methods?.get(name);
    if (property === undefined) {
      property = stringProperty(target, name);
      if (property === undefined) return undefined;
      // What was asked for before stays what it is, too: `ref.add === ref.add`.
      if (target.lastMethod !== undefined)
        (target.methods ??= new Map([[target.lastName, target.lastMethod]])).set(name, property);
    }
    target.lastName = name;
    target.lastMethod = property;
    return property;
  },
  has: (_target, name) => typeof name === "string" && name !== "then",
  set: () => false,
  defineProperty: () => false,
  deleteProperty: () => false,
  ownKeys: () => [],
  getOwnPropertyDescriptor: () => undefined,
  getPrototypeOf: () => null,
  setPrototypeOf: () => false,
  isExtensible: () => true,
  preventExtensions: () => false,
};

function stringProperty(target: Target, name: string): unknown {
  switch (name) {
    // Without this a reference that is awaited, or returned by an async function, would be called as a promise.
    case "then":
      return undefined;
    // A reference in JSON.stringify would make a call; it shows its name instead.
    case "toJSON":
      return () => formatActor(target.actor);
    case "$with":
      return (options: CallOptions) =>
        makeReference(target.actor, target.to, target.known, joined(target.options, options));
    default:
  }
  const later = LATER.get(name);
  if (later !== undefined) throw new NotAvailableError(name, later);
  const about = target.known?.get(name);
  return (...args: unknown[]) => target.to.call(target.actor, name, args, target.options, about);
}

function joined(before: CallOptions, given: CallOptions): CallOptions {
  const options = { ...before, ...given };
  if (options.headers === undefined && before.headers === undefined) return options;
  // Copied here, so that nobody can change them under a reference; looked at when a call is made, like all options.
  const headers = joinedHeaders(before.headers, given.headers) as CallOptions["headers"];
  return { ...options, headers };
}

function symbolProperty(target: Target, name: symbol): unknown {
  if (name === REFERENCE) return true;
  if (name === Symbol.toPrimitive || name === INSPECT) return () => nameOf(target);
  if (name === Symbol.toStringTag) return "ActorRef";
  return undefined;
}

function nameOf(target: Target): string {
  return `ActorRef(${formatActor(target.actor)})`;
}
