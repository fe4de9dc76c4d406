// The state of an actor that has none stored, as its class makes it.
//   G1. Of a schema it is the output for `undefined`; if it refuses that, the output for `{}`: an object whose members have
//       defaults needs no default of its own.
import type { StateSource } from "./define-actor.ts";
import {
  type Checked,
  checkWith,
  formatIssues,
  isStandardSchema,
  type StandardSchema,
} from "./standard-schema.ts";

export type FirstState =
  | { readonly ok: true; readonly make: () => unknown }
  | { readonly ok: false; readonly problem: string };

/** A function of the class is not called here: it may throw, and makes each actor a state of its own. */
export function firstState(source: StateSource): FirstState | Promise<FirstState> {
  if (!isStandardSchema(source)) return { ok: true, make: source };
  const nothing = checkWith(source, undefined);
  return nothing instanceof Promise
    ? nothing.then((checked) => orEmpty(source, checked))
    : orEmpty(source, nothing);
}

function orEmpty(schema: StandardSchema, nothing: Checked): FirstState | Promise<FirstState> {
  if (nothing.ok) return { ok: true, make: () => nothing.value };
  const empty = checkWith(schema, {});
  const conclude = (checked: Checked): FirstState =>
    checked.ok
      ? { ok: true, make: () => checked.value }
      : {
          ok: false,
          problem: `the schema makes no first state: of undefined it says ${formatIssues("state", nothing.issues)}; of {} it says ${formatIssues("state", checked.issues)}; give it defaults`,
        };
  return empty instanceof Promise ? empty.then(conclude) : conclude(empty);
}
