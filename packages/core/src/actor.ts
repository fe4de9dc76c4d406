// The base class of actors and what an actor sees of its surroundings.
import type { ActorAddress } from "./actor-id.ts";
import type { ActorDefinition } from "./define-actor.ts";
import type { CallHeaders } from "./headers.ts";
import type { ChainLink, IdempotencyKey } from "./message.ts";
import type { ActorRef } from "./reference.ts";

/** Why an activation ended. */
export type DeactivationReason =
  | "idle"
  | "requested"
  | "drain"
  | "lease-lost"
  | "fenced"
  | "failed";

/** The class of an actor: what `get` and `createSilo({ actors })` take. */
export interface ActorClass<A extends Actor<unknown> = Actor<unknown>> {
  new (): A;
  readonly actor: ActorDefinition<A>;
}

/** Writes events of type `actor.log`, with the actor's name. */
export interface ActorLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The call that the current turn serves. In a hook (`onActivate`, `onDeactivate`) there is no caller and no deadline. */
export interface CallContext {
  readonly method: string;
  /** The actor that made the call; undefined when a client did. */
  readonly caller: ActorAddress | undefined;
  /** The calls that led here, outermost first, this one last. */
  readonly chain: readonly ChainLink[];
  /** When the caller stops waiting: milliseconds since the epoch on this machine's clock. */
  readonly deadline: number | undefined;
  /**
   * Aborts when the turn works in vain: its caller has given the call up (the reason is a CancelledError), its time is up
   * (CallTimeoutError), or the actor is lost. It asks, and nothing more: a turn that does not look at it runs to its end and
   * commits. Calls that the turn makes are given up with it when they are given it.
   * @example await this.ctx.get(Cart, id).$with({ signal: this.ctx.call.signal }).add(item)
   */
  readonly signal: AbortSignal;
  readonly idempotencyKey: IdempotencyKey | undefined;
  /** What the caller sent along. Calls made in this turn carry it too, with what `$with` gives them over it. */
  readonly headers: CallHeaders;
}

/**
 * What `createSilo({ services })` gives to every actor of a silo as `ctx.services`. Empty here: an application declares its own
 * members, once, and both sides are typed by them.
 * @example
 * declare module "tenure" {
 *   interface Services { readonly mail: Mailer }
 * }
 */
export interface Services {}

/**
 * What an actor knows of itself and may ask of its silo: `this.ctx`. When the activation has been lost (`signal` aborts), facts
 * can still be read; everything that would do something throws, or rejects with, FencedError.
 */
export interface ActorContext {
  readonly type: string;
  readonly id: string;
  /** The name of the silo that this activation lives on. */
  readonly silo: string;
  /**
   * The fencing token of this activation: higher than that of every earlier activation of this actor, for ever. Hand it
   * to outside systems that can refuse an older one (Kleppmann 2016).
   */
  readonly generation: number;
  /** Aborts when the activation is lost or deactivated. A pause of the silo does not abort it. */
  readonly signal: AbortSignal;
  readonly log: ActorLog;
  readonly call: CallContext;
  /**
   * What `createSilo({ services })` was given, the same object for every actor of the silo. Typed by {@link Services}.
   * @throws ConfigError where the silo was given none.
   */
  readonly services: Services;
  /** A reference to another actor (or to this one). Its calls belong to the current turn's chain and deadline. */
  get<A extends Actor<unknown>>(actor: ActorClass<A>, id: string): ActorRef<A>;
  get<A extends Actor<unknown>>(type: string, id: string): ActorRef<A>;
  /**
   * Saves `this.state` as it is now, in the middle of a write turn. Resolves when it is durable, and everything before it; a throw later in the
   * turn rolls back to here only. With `commit: 'explicit'` this is what saves; otherwise a turn's end does so anyway.
   * @throws FencedError when the actor has been lost. TenureError (`KEYED_COMMIT`) in a call with an idempotency key, which
   * commits once, at its end; (`READ_ONLY_STATE`) outside of write turns. NotSerializableError and InvalidArgumentError when the state cannot be stored.
   */
  commit(): Promise<void>;
  /**
   * Forgets everything of this actor: `this.state` is the first state again, and with the turn's commit (`commit: 'explicit'`: with
   * `ctx.commit()`) the stored state and all idempotency keys are deleted, so that a call with a key of before is new. A
   * throw takes it back. Resolves when `this.state` is the first state.
   */
  clear(): Promise<void>;
  /** Ends this activation after the current turn; the next call activates the actor again. */
  deactivate(): void;
}

/** What the runtime gives an actor at its construction. */
export interface ActorHost {
  readonly ctx: ActorContext;
  readState(): unknown;
  writeState(state: unknown): void;
}

// Set only during `construct`, synchronously: user classes call super() without arguments, and fields may use `ctx`.
let constructing: ActorHost | undefined;

/** Makes an actor with its host. Only the runtime does. */
export function constructActor(actorClass: ActorClass, host: ActorHost): Actor<unknown> {
  const outer = constructing;
  constructing = host;
  try {
    return new actorClass();
  } finally {
    constructing = outer;
  }
}

/** Whether the actor's class has the hook. One that it has not is no turn: it could do nothing. */
export function hasHook(actor: Actor<unknown>, hook: "onActivate" | "onDeactivate"): boolean {
  return actor[hook] !== Actor.prototype[hook];
}

/**
 * The base class of all actors. `S` is the type of the durable state; leave it out for an actor without.
 *
 * It owns exactly four names: `ctx`, `state`, `onActivate`, `onDeactivate`. Every other method of your class whose name
 * does not start with `_` or `$` can be called from anywhere through a reference.
 * @example
 * class Counter extends Actor<{ count: number }> {
 *   static readonly actor = defineActor<Counter>({ type: 'counter', state: () => ({ count: 0 }) })
 *   async add(n: number) { return (this.state.count += n) }
 * }
 */
export abstract class Actor<S = undefined> {
  readonly #host: ActorHost;

  constructor() {
    if (!constructing)
      throw new TypeError(
        `${new.target.name} is an actor: get a reference with client.get(${new.target.name}, id); only a silo makes actors`,
      );
    this.#host = constructing;
    constructing = undefined;
  }

  get ctx(): ActorContext {
    return this.#host.ctx;
  }

  /**
   * The working copy of the actor's durable state. A write turn commits it at its end, before the reply leaves; a turn
   * that throws rolls it back. It is read-only in `read` and `interleave` methods, and outside of turns: in the constructor,
   * and in work that a turn did not await. When the activation has been lost it can still be read, as it was known last here,
   * and every change of it throws FencedError.
   */
  get state(): S {
    return this.#host.readState() as S;
  }

  set state(state: S) {
    this.#host.writeState(state);
  }

  /** Runs as a write turn before the first call of each activation. A throw fails the activation. */
  onActivate(): Promise<void> | void {}

  /** Runs as a write turn after the last call, unless the activation was lost (then nothing it writes could count). */
  onDeactivate(_reason: DeactivationReason): Promise<void> | void {}
}
