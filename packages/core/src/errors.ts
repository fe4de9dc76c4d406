// The whole error taxonomy on one page.
//   E1. Every error of the framework is a TenureError with a stable `code`.
//   E2. Every failed call is a CallError, whose `outcome` says what became of the call:
//       'not-executed' is a proof that no user code started or that nothing of it remains (I11); all else is 'unknown'.
//   E3. A user's own errors are not TenureErrors; those made by defineError are recognised by `.is()` on both sides.

/**
 * What became of a failed call. `not-executed`: no user code ran for it, or provably nothing of it remains: it is safe
 * to send it again. `unknown`: it may have run; repeat it only with its idempotency key, or after looking.
 */
export type Outcome = "not-executed" | "unknown";

export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface TenureErrorOptions {
  readonly cause?: unknown;
  readonly details?: ErrorDetails | undefined;
}

/** The root of every error that the framework throws. `code` is stable; `details` is plain data. */
export class TenureError extends Error {
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, options: TenureErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    // The name a log line shows. Set from the class, so that a subclass need not repeat it.
    Object.defineProperty(this, "name", { value: new.target.name, configurable: true });
  }
}

/** A wrong option. Thrown before any connection is opened; the message names the option, the value and what is allowed. */
export class ConfigError extends TenureError {
  constructor(option: string, problem: string, details: ErrorDetails = {}, cause?: unknown) {
    super("CONFIG", `${option}: ${problem}`, { details: { option, ...details }, cause });
  }
}

/** A name of the API that exists in the design and not yet in this version. Never ignored in silence. */
export class NotAvailableError extends TenureError {
  constructor(what: string, instead: string) {
    super("NOT_AVAILABLE", `${what} is not available in this version; ${instead}`, {
      details: { what },
    });
  }
}

/** No live silo of that name has the actor's class. Nothing was changed. */
export class SiloNotFoundError extends TenureError {
  constructor(message: string, options: TenureErrorOptions = {}) {
    super("SILO_NOT_FOUND", message, options);
  }
}

export interface CallErrorOptions extends TenureErrorOptions {
  readonly outcome: Outcome;
}

/** A call that failed. `outcome` says what became of it. */
export class CallError extends TenureError {
  readonly outcome: Outcome;

  constructor(code: string, message: string, options: CallErrorOptions) {
    super(code, message, options);
    this.outcome = options.outcome;
  }
}

/** The deadline passed. `not-executed` when the call had provably not started. */
export class CallTimeoutError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("CALL_TIMEOUT", message, options);
  }
}

/** The call waits for itself: its chain came back to an actor whose turn in that chain is still running. */
export class DeadlockError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("DEADLOCK", message, options);
  }
}

/**
 * A bound was reached (mailbox, silo, client, idempotency keys), and it had not changed when the call's time or its
 * caller's retry budget was used up. Nothing was dropped in silence.
 * @example if (error instanceof OverloadedError) await later(error.retryAfterMs ?? 1_000)
 */
export class OverloadedError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("OVERLOADED", message, options);
  }

  /** How long whoever refused asks to be left alone; undefined when it could not tell. Also in `details`. */
  get retryAfterMs(): number | undefined {
    const given = this.details["retryAfterMs"];
    return typeof given === "number" ? given : undefined;
  }
}

/** The class has no method of that name that may be called from outside. */
export class MethodNotFoundError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("METHOD_NOT_FOUND", message, options);
  }
}

/** No serving silo has the actor type. */
export class ActorTypeNotFoundError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("ACTOR_TYPE_NOT_FOUND", message, options);
  }
}

/** An id, an option or an argument that is not allowed. */
export class InvalidArgumentError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("INVALID_ARGUMENT", message, options);
  }
}

/** A value that cannot travel or be stored without losing something. The message names its path. */
export class NotSerializableError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("NOT_SERIALIZABLE", message, options);
  }
}

/**
 * The activation had lost its actor: the store refused its write (Kleppmann's fencing, 2016), or its silo lost its lease.
 * User code that still runs there gets it from every operation of `ctx` and every change of `this.state`.
 */
export class FencedError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("FENCED", message, options);
  }
}

/** No silo could take the call, or the silo that had it is gone. */
export class SiloUnavailableError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("SILO_UNAVAILABLE", message, options);
  }
}

/** The caller may not make this call. */
export class UnauthorizedError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("UNAUTHORIZED", message, options);
  }
}

/** The caller's AbortSignal fired before the reply came. */
export class CancelledError extends CallError {
  constructor(message: string, options: CallErrorOptions) {
    super("CANCELLED", message, options);
  }
}

/** Rebuilds a CallError of the right class from its code: the wire carries codes, not classes. */
export function callErrorFromCode(
  code: string,
  message: string,
  options: CallErrorOptions,
): CallError {
  switch (code) {
    case "CALL_TIMEOUT":
      return new CallTimeoutError(message, options);
    case "DEADLOCK":
      return new DeadlockError(message, options);
    case "OVERLOADED":
      return new OverloadedError(message, options);
    case "METHOD_NOT_FOUND":
      return new MethodNotFoundError(message, options);
    case "ACTOR_TYPE_NOT_FOUND":
      return new ActorTypeNotFoundError(message, options);
    case "INVALID_ARGUMENT":
      return new InvalidArgumentError(message, options);
    case "NOT_SERIALIZABLE":
      return new NotSerializableError(message, options);
    case "FENCED":
      return new FencedError(message, options);
    case "SILO_UNAVAILABLE":
      return new SiloUnavailableError(message, options);
    case "UNAUTHORIZED":
      return new UnauthorizedError(message, options);
    case "CANCELLED":
      return new CancelledError(message, options);
    default:
      return new CallError(code, message, options);
  }
}

/** A user's error with a code and typed data; made by the factory that {@link defineError} returns. */
export class DefinedError<D = unknown> extends Error {
  readonly code: string;
  readonly data: D;

  constructor(code: string, data: D, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.data = data;
    Object.defineProperty(this, "name", { value: code, configurable: true });
  }
}

/** Makes errors of one code, and recognises them wherever they arrive. */
export interface ErrorFactory<D> {
  /** A new error to throw. The message defaults to the code and its data. */
  (
    ...args: undefined extends D
      ? [data?: D, options?: DefinedErrorOptions]
      : [data: D, options?: DefinedErrorOptions]
  ): DefinedError<D>;
  readonly code: string;
  /** True when `error` was made by a factory of this code, in this process or in another. */
  is(error: unknown): error is DefinedError<D>;
}

export interface DefinedErrorOptions {
  readonly message?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Defines a user error with a stable code and typed data, recognised on both sides of a call.
 * @example
 * export const LimitReached = defineError<{ limit: number }>()('LIMIT_REACHED')
 * throw LimitReached({ limit: 100 })
 * if (LimitReached.is(e)) console.log(e.data.limit)
 */
export function defineError<D = undefined>(): (code: string) => ErrorFactory<D> {
  return (code) => {
    if (typeof code !== "string" || !/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(code))
      throw new ConfigError(
        "defineError",
        `the code must match [A-Za-z][A-Za-z0-9_.-]{0,63}, not ${JSON.stringify(code)}`,
      );
    const make = (data?: D, options: DefinedErrorOptions = {}): DefinedError<D> =>
      new DefinedError(code, data as D, options.message ?? code, options.cause);
    const is = (error: unknown): error is DefinedError<D> =>
      error instanceof DefinedError && error.code === code;
    return Object.assign(make, { code, is }) as unknown as ErrorFactory<D>;
  };
}

/** Anything thrown, as text. Never throws itself: users' code can throw what cannot even be printed. */
export function errorText(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `something that cannot be printed (${typeof thrown})`;
  }
}
