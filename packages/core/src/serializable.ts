// Whether a user's value may travel or be stored: the walk, with errors as the records that they travel as.
import { walkValue } from "./walk.ts";
import { errorToRecord } from "./wire-error.ts";

/**
 * Throws NotSerializableError with the path of the first thing that cannot travel (W1). Answers how many bytes the value
 * takes at least (W3).
 */
export function checkSerializable(value: unknown, root: string): number {
  return walkValue(value, root, errorToRecord);
}
