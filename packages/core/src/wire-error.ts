// Errors as plain records: how a user's error crosses the wire.
//   X1. Name, message, code, data, cause and own plain-data properties survive; the class survives for errors of the
//       language and of defineError.
//   X2. A CallError that comes through another actor arrives with outcome 'unknown': the turn that threw it did run (I11).
//   X3. Anything can be thrown; encoding never throws. What cannot travel is left out and named in `lost`.
import { callErrorFromCode, CallError, DefinedError, TenureError } from "./errors.ts";
import { checkSerializable } from "./walk.ts";

export interface ErrorRecord {
  readonly kind: "error" | "defined" | "call" | "tenure" | "thrown";
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly data?: unknown;
  readonly props?: Record<string, unknown>;
  readonly cause?: ErrorRecord;
  readonly errors?: readonly ErrorRecord[];
  readonly stack?: string;
  readonly lost?: readonly string[];
}

const LANGUAGE_ERRORS: Readonly<Record<string, new (message: string) => Error>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
};
const MAX_CAUSES = 8;
const OWN = new Set([
  "name",
  "message",
  "stack",
  "cause",
  "code",
  "data",
  "errors",
  "outcome",
  "details",
]);

/** The record of anything thrown (X3). `stack` is included only when asked for. */
export function errorToRecord(
  thrown: unknown,
  options: { readonly stack?: boolean } = {},
  depth = 0,
): ErrorRecord {
  if (!(thrown instanceof Error)) return thrownRecord(thrown);
  const lost: string[] = [];
  const kind =
    thrown instanceof CallError
      ? "call"
      : thrown instanceof TenureError
        ? "tenure"
        : thrown instanceof DefinedError
          ? "defined"
          : "error";
  const cause =
    thrown.cause === undefined || depth >= MAX_CAUSES
      ? undefined
      : errorToRecord(thrown.cause, options, depth + 1);
  const errors =
    thrown instanceof AggregateError && depth < MAX_CAUSES
      ? thrown.errors.map((error: unknown) => errorToRecord(error, options, depth + 1))
      : undefined;
  const data = plain(kind === "defined" ? (thrown as DefinedError).data : undefined, "data", lost);
  const details =
    kind === "call" || kind === "tenure"
      ? plain((thrown as TenureError).details, "details", lost)
      : undefined;
  const props = ownProperties(thrown, lost);
  const code: unknown = (thrown as { code?: unknown }).code;
  return {
    kind,
    name: text(thrown.name, "Error"),
    message: text(thrown.message, ""),
    ...(typeof code === "string" ? { code: code.toWellFormed() } : {}),
    ...(data === undefined ? {} : { data }),
    ...(details === undefined ? {} : { data: details }),
    ...(typeof code === "number" ? { props: { ...props, code } } : props ? { props } : {}),
    ...(cause ? { cause } : {}),
    ...(errors ? { errors } : {}),
    ...(options.stack && typeof thrown.stack === "string" ? { stack: thrown.stack } : {}),
    ...(lost.length > 0 ? { lost } : {}),
  };
}

export function errorFromRecord(record: ErrorRecord): Error {
  const cause = record.cause ? thrownFromRecord(record.cause) : undefined;
  const error = construct(record, cause);
  if (record.props)
    for (const [key, value] of Object.entries(record.props))
      Object.defineProperty(error, key, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  if (record.stack !== undefined)
    Object.defineProperty(error, "stack", {
      value: record.stack,
      writable: true,
      configurable: true,
    });
  return error;
}

/** What to throw at the caller: the error, or the value that was thrown (`throw 'x'`). */
export function thrownFromRecord(record: ErrorRecord): unknown {
  return record.kind === "thrown" ? record.data : errorFromRecord(record);
}

function construct(record: ErrorRecord, cause: unknown): Error {
  const { message } = record;
  switch (record.kind) {
    case "call":
      return callErrorFromCode(record.code ?? "CALL", message, {
        outcome: "unknown",
        cause,
        details: record.data as Record<string, unknown> | undefined,
      });
    case "tenure":
      return new TenureError(record.code ?? "TENURE", message, {
        cause,
        details: record.data as Record<string, unknown> | undefined,
      });
    case "defined":
      return new DefinedError(record.code ?? record.name, record.data, message, cause);
    default:
  }
  const error = record.errors
    ? new AggregateError(record.errors.map(thrownFromRecord), message)
    : new (LANGUAGE_ERRORS[record.name] ?? Error)(message);
  if (error.name !== record.name)
    Object.defineProperty(error, "name", {
      value: record.name,
      configurable: true,
      writable: true,
    });
  if (cause !== undefined)
    Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
  if (record.code !== undefined) Object.assign(error, { code: record.code });
  return error;
}

function thrownRecord(thrown: unknown): ErrorRecord {
  const lost: string[] = [];
  const data = plain(thrown, "thrown", lost);
  if (lost.length === 0) return { kind: "thrown", name: "", message: "", data };
  return {
    kind: "error",
    name: "Error",
    message: `a value that cannot travel was thrown (${typeof thrown})`,
    lost,
  };
}

function ownProperties(error: Error, lost: string[]): Record<string, unknown> | undefined {
  let props: Record<string, unknown> | undefined;
  for (const key of Object.keys(error)) {
    if (OWN.has(key) || key === "__proto__") continue;
    const before = lost.length;
    const value = plain(read(error, key, lost), key, lost);
    if (lost.length === before) (props ??= {})[key] = value;
  }
  return props;
}

function read(error: Error, key: string, lost: string[]): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch {
    lost.push(key);
    return undefined;
  }
}

function plain(value: unknown, name: string, lost: string[]): unknown {
  try {
    checkSerializable(value, name);
    return value;
  } catch {
    lost.push(name);
    return undefined;
  }
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value.toWellFormed() : otherwise;
}
