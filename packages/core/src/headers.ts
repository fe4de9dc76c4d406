// Headers: named strings that travel with a call and with every call that follows from it.
//   H1. They flow from caller to callee, and never back.
//   H2. Any name is data, also one that means something elsewhere (`__proto__`): objects of headers have no prototype.
//   H3. What a callee gets cannot be changed, and is at most MAX_HEADERS names and MAX_HEADERS_BYTES bytes (I12): refused
//       where headers are given, and again where they arrive.
import { describe } from "./duration.ts";
import { InvalidArgumentError } from "./errors.ts";
import { isPlainObject } from "./walk.ts";

/** Headers of a call: frozen, and without a prototype, so that every name is only a name. */
export type CallHeaders = Readonly<Record<string, string>>;

export const MAX_HEADERS = 64;
/** Of all names and values together, in UTF-8. */
export const MAX_HEADERS_BYTES: number = 8 * 1_024;

export const NO_HEADERS: CallHeaders = Object.freeze(Object.create(null) as CallHeaders);

/**
 * What a call carries: what its turn has, and over it, by name, what was given for the call.
 * @throws InvalidArgumentError for a value that is no string, a name that is none, or more than the bounds allow.
 */
export function headersFor(
  inherited: CallHeaders | undefined,
  given: unknown,
): CallHeaders | undefined {
  if (given === undefined) return inherited === NO_HEADERS ? undefined : inherited;
  if (!areNamed(given))
    throw invalid(`headers must be an object of names and strings, not ${describe(given)}`);
  const headers = Object.assign(bare(), inherited, given);
  const problem = headersProblem(headers);
  if (problem !== undefined) throw invalid(problem);
  return Object.keys(headers).length === 0 ? undefined : Object.freeze(headers);
}

/** One over the other, by name, before anybody has looked at them: what is no object of headers stays to be refused. */
export function joinedHeaders(before: unknown, given: unknown): unknown {
  if (given === undefined || (before !== undefined && !areNamed(before))) return before;
  return areNamed(given) ? Object.assign(bare(), before, given) : given;
}

/** Headers as they come from outside. A name that comes twice is a problem of whoever reads them. */
export function headersFrom(
  entries: Iterable<readonly [name: string, value: string]>,
): CallHeaders {
  const headers = bare();
  for (const [name, value] of entries) headers[name] = value;
  return Object.freeze(headers);
}

/** Why these cannot be a call's headers, or undefined when they can. */
export function headersProblem(headers: Readonly<Record<string, unknown>>): string | undefined {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS)
    return `headers: a call has at most ${MAX_HEADERS}, not ${entries.length}`;
  let bytes = 0;
  for (const [name, value] of entries) {
    if (name === "" || !name.isWellFormed())
      return `headers: a name is a non-empty string of well-formed Unicode, not ${describe(name)}`;
    if (typeof value !== "string" || !value.isWellFormed())
      return `headers: ${describe(name)} must be a string of well-formed Unicode, not ${describe(value)}`;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return bytes > MAX_HEADERS_BYTES
    ? `headers: all names and values have at most ${MAX_HEADERS_BYTES} bytes in UTF-8, not ${bytes}`
    : undefined;
}

function bare(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

function areNamed(value: unknown): value is object {
  return typeof value === "object" && value !== null && isPlainObject(value);
}

function invalid(problem: string): InvalidArgumentError {
  return new InvalidArgumentError(problem, { outcome: "not-executed" });
}
