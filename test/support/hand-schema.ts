// A Standard Schema written by hand: what a check answers is the verdict, at once or later.
import type { StandardSchema, StandardSchemaIssue } from "tenure";

export type Verdict<T> =
  | { readonly value: T }
  | { readonly issues: readonly StandardSchemaIssue[] };

export function handSchema<T>(
  check: (value: unknown) => Verdict<T> | Promise<Verdict<T>>,
): StandardSchema<unknown, T> {
  return { "~standard": { version: 1, vendor: "by hand", validate: check } };
}
