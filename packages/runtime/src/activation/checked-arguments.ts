// A call's arguments as its method's schema has them, or the refusal of the call.
import {
  type Checked,
  checkWith,
  describe,
  formatIssues,
  type Refused,
  type StandardSchema,
} from "@tenure/core/internal";
import { refused } from "./incoming-call.ts";

export type CheckedArguments =
  | { readonly ok: true; readonly args: readonly unknown[] }
  | { readonly ok: false; readonly refusal: Refused };

/** At once where the schema answers at once. */
export function checkedArguments(
  schema: StandardSchema,
  args: readonly unknown[],
): CheckedArguments | Promise<CheckedArguments> {
  const checked = checkWith(schema, args);
  return checked instanceof Promise ? checked.then(conclude) : conclude(checked);
}

function conclude(checked: Checked): CheckedArguments {
  if (!checked.ok) {
    const message = `the arguments are not valid: ${formatIssues("args", checked.issues)}`;
    return { ok: false, refusal: { ...refused("invalid", message), issues: checked.issues } };
  }
  const { value } = checked;
  // A list of the call's own: the schema may answer the same one to every call.
  if (Array.isArray(value)) return { ok: true, args: [...(value as readonly unknown[])] };
  const problem = `the schema of the arguments made ${describe(value)} of them, not a list`;
  return { ok: false, refusal: refused("invalid", problem) };
}
