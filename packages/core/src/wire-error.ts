// Errors as plain records: how a user's error crosses the wire.
//   X1. Name, message, code, data, cause and own plain-data properties survive; the class survives for errors of the
//       language, DOMException, those of the framework's calls and of defineError.
//   X2. A CallError that comes through another actor arrives with outcome 'unknown': the turn that threw it did run (I11).
//   X3. Anything can be thrown; encoding never throws and is bounded. What cannot travel is left out and named in `lost`, which
//       the receiver finds as the error's `notSerialized`. A thrown value that cannot travel arrives as an error that says so.
//   X4. A record comes from outside: what is not one is refused, and none can make anything but an error.
//   X5. Objects of a decoded value may be shared, so that a few bytes can name one record a million times: a record makes
//       no more errors than X3 lets one hold, and a value no more than it has values.
import { MAX_VALUES } from "./decode-limits.ts";
import { callErrorFromCode, CallError, DefinedError, TenureError } from "./errors.ts";
import { checkPlainData, isSimple } from "./walk.ts";

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
  /** A DOMException, whose class and code follow from its name. */
  readonly dom?: true;
  readonly lost?: readonly string[];
}

const LANGUAGE_ERRORS: ReadonlyMap<string, new (message: string) => Error> = new Map([
  ["Error", Error],
  ["TypeError", TypeError],
  ["RangeError", RangeError],
  ["SyntaxError", SyntaxError],
  ["ReferenceError", ReferenceError],
  ["EvalError", EvalError],
  ["URIError", URIError],
]);
/** How deep causes go, and how many errors one record holds: an error may name itself as its cause. */
const MAX_CAUSES = 8;
const MAX_ERRORS = 100;
/** How many of the things that were left out are named. */
const MAX_LOST = 100;
/** What a received error has when something of it was left out on its way: the names of what it was. */
const NOT_SERIALIZED = "notSerialized";

/** What a record says in fields of its own, by kind; an error's other own properties are its `props`. */
const OWN_FIELDS: Readonly<Record<ErrorRecord["kind"], ReadonlySet<string>>> = {
  error: new Set(["name", "message", "stack", "cause"]),
  defined: new Set(["name", "message", "stack", "cause", "code", "data"]),
  call: new Set(["name", "message", "stack", "cause", "code", "outcome", "details"]),
  tenure: new Set(["name", "message", "stack", "cause", "code", "details"]),
  thrown: new Set(),
};

// ---- encoding ------------------------------------------------------------------------------------------------------

/** The record of anything thrown (X3). `stack` is included only when asked for. */
export function errorToRecord(
  thrown: unknown,
  options: { readonly stack?: boolean } = {},
): ErrorRecord {
  return recordOf(thrown, { stack: options.stack === true, left: MAX_ERRORS }, 0);
}

interface Encoding {
  readonly stack: boolean;
  left: number;
}

function recordOf(thrown: unknown, encoding: Encoding, depth: number): ErrorRecord {
  encoding.left -= 1;
  try {
    return thrown instanceof Error ? recordOfError(thrown, encoding, depth) : recordOfValue(thrown);
  } catch {
    // A proxy that was revoked, or whose traps throw: nothing of it can be read.
    return unreadable(thrown);
  }
}

function recordOfError(thrown: Error, encoding: Encoding, depth: number): ErrorRecord {
  const lost: string[] = [];
  const get = (key: string): unknown => read(thrown, key, lost);
  const kind = kindOf(thrown);
  const code = get("code");
  const errors = thrown instanceof AggregateError ? get("errors") : undefined;
  const inner = (value: unknown, name: string): ErrorRecord | undefined => {
    if (depth < MAX_CAUSES && encoding.left > 0) return recordOf(value, encoding, depth + 1);
    if (!lost.includes(name)) lost.push(name);
    return undefined;
  };
  const cause = get("cause");
  const causeRecord = cause === undefined ? undefined : inner(cause, "cause");
  const errorRecords = Array.isArray(errors)
    ? errors.map((error: unknown) => inner(error, "errors")).filter((error) => error !== undefined)
    : undefined;
  const data =
    kind === "error"
      ? undefined
      : plain(get(kind === "defined" ? "data" : "details"), "data", lost);
  const props = ownProperties(thrown, kind, lost);
  // DOMException and its like have a number, and have it from their prototype.
  if (typeof code === "number") props["code"] = code;
  const stack = encoding.stack ? get("stack") : undefined;
  const dom = kind === "error" && thrown instanceof DOMException;
  return {
    kind,
    name: text(get("name"), "Error"),
    message: text(get("message"), ""),
    ...(typeof code === "string" ? { code: code.toWellFormed() } : {}),
    ...(data === undefined ? {} : { data }),
    ...(Object.keys(props).length > 0 ? { props } : {}),
    ...(causeRecord ? { cause: causeRecord } : {}),
    ...(errorRecords ? { errors: errorRecords } : {}),
    ...(typeof stack === "string" ? { stack: stack.toWellFormed() } : {}),
    ...(dom ? { dom } : {}),
    ...(lost.length > 0 ? { lost: lost.slice(0, MAX_LOST) } : {}),
  };
}

function kindOf(thrown: Error): ErrorRecord["kind"] {
  if (thrown instanceof CallError) return "call";
  if (thrown instanceof TenureError) return "tenure";
  return thrown instanceof DefinedError ? "defined" : "error";
}

function recordOfValue(thrown: unknown): ErrorRecord {
  const lost: string[] = [];
  const data = plain(thrown, "thrown", lost);
  return lost.length === 0 ? { kind: "thrown", name: "", message: "", data } : unreadable(thrown);
}

function unreadable(thrown: unknown): ErrorRecord {
  return {
    kind: "error",
    name: "Error",
    message: `a value that cannot travel was thrown (${typeof thrown})`,
    lost: ["thrown"],
  };
}

function ownProperties(
  error: Error,
  kind: ErrorRecord["kind"],
  lost: string[],
): Record<string, unknown> {
  const props: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    if (OWN_FIELDS[kind].has(key)) continue;
    if (kind === "error" && key === "code" && typeof read(error, key, []) === "string") continue;
    if (key === "errors" && error instanceof AggregateError) continue;
    if (key === "__proto__" || !key.isWellFormed()) {
      lost.push(key.toWellFormed());
      continue;
    }
    const before = lost.length;
    const value = plain(read(error, key, lost), key, lost);
    if (lost.length === before) props[key] = value;
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
    checkPlainData(value, name);
    return value;
  } catch {
    lost.push(name);
    return undefined;
  }
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value.toWellFormed() : otherwise;
}

// ---- decoding ------------------------------------------------------------------------------------------------------

/** Errors, and properties of errors, that a decoded value may still make (X5). */
export interface ErrorBudget {
  left: number;
}

interface Decoding {
  errors: number;
  readonly budget: ErrorBudget;
}

function decodingOf(budget: ErrorBudget): Decoding {
  return { errors: MAX_ERRORS, budget };
}

/** The error of a record; TypeError for anything that is not a record of one (X4). */
export function errorFromRecord(given: unknown, budget: ErrorBudget = { left: MAX_VALUES }): Error {
  return errorOf(checkRecord(given), decodingOf(budget), 0);
}

/** What to throw at the caller: the error, or the value that was thrown (`throw 'x'`). TypeError for what is no record. */
export function thrownFromRecord(given: unknown): unknown {
  return thrownOf(given, decodingOf({ left: MAX_VALUES }), 0);
}

function thrownOf(given: unknown, decoding: Decoding, depth: number): unknown {
  const record = checkRecord(given);
  return record.kind === "thrown" ? record.data : errorOf(record, decoding, depth);
}

function errorOf(record: ErrorRecord, decoding: Decoding, depth: number): Error {
  const props = Object.entries(record.props ?? {});
  decoding.errors -= 1;
  decoding.budget.left -= 1 + props.length;
  if (depth > MAX_CAUSES || decoding.errors < 0 || decoding.budget.left < 0)
    throw new TypeError("more errors than were ever written (X5)");
  const inner = (given: unknown): unknown => thrownOf(given, decoding, depth + 1);
  const error = construct(record, inner);
  if (error.name !== record.name) define(error, "name", record.name, false);
  for (const [key, value] of props)
    if (!(record.dom && key === "code")) define(error, key, value, true);
  if (record.lost) define(error, NOT_SERIALIZED, lostOf(record), true);
  if (record.stack !== undefined) define(error, "stack", record.stack, false);
  return error;
}

/** What was left out on this way, and on those before it. */
function lostOf({ lost, props }: ErrorRecord): readonly string[] {
  const before: unknown = props?.[NOT_SERIALIZED];
  const names = [...(Array.isArray(before) ? before.slice(0, MAX_LOST) : []), ...lost!];
  return [...new Set(names)].slice(0, MAX_LOST);
}

function construct(record: ErrorRecord, inner: (given: unknown) => unknown): Error {
  const { message, code } = record;
  const cause = "cause" in record ? inner(record.cause) : undefined;
  switch (record.kind) {
    case "call":
      return callErrorFromCode(code ?? "CALL", message, {
        outcome: "unknown",
        cause,
        details: detailsOf(record),
      });
    case "tenure":
      return new TenureError(code ?? "TENURE", message, { cause, details: detailsOf(record) });
    case "defined":
      return new DefinedError(code ?? record.name, record.data, message, cause);
    default:
  }
  if (record.dom) return withCause(new DOMException(message, record.name), record, cause);
  const error = record.errors
    ? new AggregateError(
        record.errors.map((each) => inner(each)),
        message,
      )
    : new (LANGUAGE_ERRORS.get(record.name) ?? Error)(message);
  if (code !== undefined) define(error, "code", code, true);
  return withCause(error, record, cause);
}

function withCause(error: Error, record: ErrorRecord, cause: unknown): Error {
  if ("cause" in record) define(error, "cause", cause, false);
  return error;
}

function detailsOf(record: ErrorRecord): Record<string, unknown> | undefined {
  return isRecord(record.data) ? record.data : undefined;
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkRecord(value: unknown): ErrorRecord {
  const good =
    isRecord(value) &&
    // Never made into text first: that of a list which holds itself many times over has no end.
    typeof value["kind"] === "string" &&
    Object.hasOwn(OWN_FIELDS, value["kind"]) &&
    isText(value["name"]) &&
    isText(value["message"]) &&
    (value["code"] === undefined || isText(value["code"])) &&
    (value["stack"] === undefined || isText(value["stack"])) &&
    (value["props"] === undefined || isRecord(value["props"])) &&
    (value["errors"] === undefined || Array.isArray(value["errors"])) &&
    (value["dom"] === undefined || value["dom"] === true) &&
    (value["lost"] === undefined || isNames(value["lost"]));
  if (!good) throw new TypeError("not the record of an error");
  return value as unknown as ErrorRecord;
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_LOST && value.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && isSimple(value);
}
