// What must hold over every step of a history, whatever was asked. Said of the records alone, and not with the functions
// that decide: so a rule that is broken in ownership-rules itself is seen, though store and model agree on it.
import { inspect } from "node:util";
import type { OwnershipRules } from "@tenure/core/internal";

export interface Invariant<Step> {
  readonly rule: string;
  readonly says: string;
  /** `rules` only to ask once more what was asked. */
  readonly holds: (step: Step, rules: OwnershipRules) => boolean;
}

export function assertInvariants<Step extends { readonly ask: unknown; readonly answer: unknown }>(
  invariants: readonly Invariant<Step>[],
  step: Step,
  rules: OwnershipRules,
): void {
  const broken = invariants.find(({ holds }) => !holds(step, rules));
  if (broken)
    throw new Error(
      `broken: ${broken.says} (${broken.rule}), by ${inspect(step.ask, { depth: 5 })}, ` +
        `answered with ${inspect(step.answer, { depth: 5 })}`,
    );
}
