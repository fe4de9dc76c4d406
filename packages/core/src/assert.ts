// Assertions: a broken rule of ours is our bug, never the user's. The message starts with the rule's number.
import { TenureError } from "./errors.ts";

/** A broken internal rule. The activation or the silo that hits one dies rather than go on wrongly. */
export class AssertionError extends TenureError {
  constructor(rule: string, details?: Readonly<Record<string, unknown>>) {
    super("ASSERTION", `broken rule: ${rule} (a bug in Tenure; please report it)`, { details });
  }
}

export function assert(
  condition: unknown,
  rule: string,
  details?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new AssertionError(rule, details);
}

export function unreachable(value: never, rule: string): never {
  throw new AssertionError(rule, { value });
}
