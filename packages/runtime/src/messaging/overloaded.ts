// A refusal that says when to come again: whoever refuses knows better than its caller.
import type { Refused } from "@tenure/core/internal";
import { refused } from "../activation/incoming-call.ts";

export function overloaded(message: string, retryAfterMs: number): Refused {
  return { ...refused("overloaded", message), retryAfterMs };
}
