// Whether a user's value may travel or be stored: the walk, with errors as the records that they travel as.
import { encodeByLibrary } from "./codec.ts";
import { writePlain, writePlainBehind } from "./plain-writer.ts";
import { walkValue } from "./walk.ts";
import { errorToRecord } from "./wire-error.ts";

/**
 * Throws NotSerializableError with the path of the first thing that cannot travel (W1). Answers how many bytes the value
 * takes at least (W3).
 */
export function checkSerializable(value: unknown, root: string): number {
  return walkValue(value, root, errorToRecord);
}

/** The bytes of a user's value. Throws as checkSerializable does. */
export function encodeUserValue(value: unknown, root: string): Uint8Array {
  const plain = writePlain(value);
  if (plain) return plain;
  checkSerializable(value, root);
  return encodeByLibrary(value);
}

/**
 * The bytes of a user's value behind those of `head`, to be kept; `last` itself where they are the same. Throws as
 * checkSerializable does.
 */
export function encodeBehind(
  head: Uint8Array,
  value: unknown,
  last: Uint8Array | undefined,
  root: string,
): Uint8Array {
  const plain = writePlainBehind(head, value, last);
  if (plain) return plain;
  checkSerializable(value, root);
  const body = encodeByLibrary(value);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return last && Buffer.compare(bytes, last) === 0 ? last : bytes;
}
