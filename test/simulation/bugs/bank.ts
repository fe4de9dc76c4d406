// The bug bank: every rule that can be switched off from outside, and the others with the reason.
import type { Bug, Unswitchable } from "./bug.ts";
import { PORT_BUGS } from "./port-bugs.ts";
import { RUNTIME_BUGS } from "./runtime-bugs.ts";
import { STORE_BUGS } from "./store-bugs.ts";

export const BUGS: readonly Bug[] = [...STORE_BUGS, ...RUNTIME_BUGS, ...PORT_BUGS].toSorted(
  (a, b) => numberOf(a) - numberOf(b),
);

export const UNSWITCHABLE: readonly Unswitchable[] = [];

function numberOf({ rule }: Bug): number {
  return Number.parseInt(rule.slice(1), 10);
}
