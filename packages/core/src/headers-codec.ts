// Headers in a message: one flat list of names and values.
//   They are only measured here, and generously: whether they are too many is answered to the caller as a typed error.
import { str } from "./checked-fields.ts";
import { GarbageError } from "./codec.ts";
import { type CallHeaders, headersFrom } from "./headers.ts";

const MAX_READ = 1_024;
const MAX_LENGTH = 1 << 16;

export function headersList(headers: CallHeaders): readonly string[] {
  return Object.entries(headers).flat();
}

/** The inverse; throws GarbageError on anything else. */
export function headersFromList(list: unknown): CallHeaders {
  if (!Array.isArray(list) || list.length % 2 !== 0 || list.length > 2 * MAX_READ)
    throw new GarbageError("bad headers");
  const entries = new Map<string, string>();
  for (let i = 0; i < list.length; i += 2)
    entries.set(str(list[i], "header", MAX_LENGTH), str(list[i + 1], "header", MAX_LENGTH));
  if (entries.size * 2 !== list.length) throw new GarbageError("a header twice");
  return headersFrom(entries);
}
