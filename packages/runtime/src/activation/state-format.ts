// The bytes of a stored state: which format, which version of its class, and what comes after.
//   F1. One byte of format, two of the class's version, big-endian; then one value of core/codec.ts. A reader looks at these
//       three before it decodes anything: they are what tells it whether the rest is for it.
//   F2. Of a newer format only that it is newer is known. Nothing of it is read, and nothing is written over it. Formats are few: a
//       first byte that is text, or beyond, is no format of ours but something else in the place of a state.
import { decodeValue, TenureError } from "@tenure/core/internal";

export const STATE_FORMAT = 1;
/** Below every character that can be printed (F2). */
const LAST_FORMAT = 31;
export const STATE_HEADER_BYTES = 3;

/** Stored state that this version cannot read; the bytes stay as they are. */
export class UnreadableStateError extends TenureError {
  constructor(problem: string, cause?: unknown) {
    super("UNREADABLE_STATE", problem, { cause });
  }
}

export type StateHeader =
  | { readonly kind: "known"; readonly version: number }
  | { readonly kind: "newer-format"; readonly format: number }
  | { readonly kind: "foreign"; readonly problem: string };

/** What wrote these bytes, as far as their beginning tells. */
export function stateHeader(bytes: Uint8Array): StateHeader {
  const [format, high, low] = bytes;
  if (format !== undefined && format > STATE_FORMAT && format <= LAST_FORMAT)
    return { kind: "newer-format", format };
  if (format !== STATE_FORMAT || high === undefined || low === undefined)
    return {
      kind: "foreign",
      problem: `stored state has format ${format ?? "none"}, not ${STATE_FORMAT}`,
    };
  const version = (high << 8) | low;
  return version === 0
    ? { kind: "foreign", problem: "stored state has version 0, which no class has" }
    : { kind: "known", version };
}

/** What stands before a state of this version. */
export function headOf(version: number): Uint8Array {
  let head = heads.get(version);
  if (!head) heads.set(version, (head = Uint8Array.of(STATE_FORMAT, version >> 8, version & 0xff)));
  return head;
}

/** A process has few classes, and a class one version. */
const heads = new Map<number, Uint8Array>();

/** The version of the class that wrote a state, and the state. */
export function readState(bytes: Uint8Array): {
  readonly version: number;
  readonly value: unknown;
} {
  const header = stateHeader(bytes);
  if (header.kind === "foreign") throw new UnreadableStateError(header.problem);
  if (header.kind === "newer-format")
    throw new UnreadableStateError(`stored state has format ${header.format}, not ${STATE_FORMAT}`);
  try {
    return { version: header.version, value: decodeValue(bytes, STATE_HEADER_BYTES) };
  } catch (error) {
    throw new UnreadableStateError("stored state cannot be decoded", error);
  }
}
