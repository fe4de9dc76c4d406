// The bug bank: every rule that can be switched off, and the others with the reason.
import type { Bug, Unswitchable } from "./bug.ts";
import { STORE_BUGS } from "./store-bugs.ts";

export const BUGS: readonly Bug[] = [...STORE_BUGS];
export const UNSWITCHABLE: readonly Unswitchable[] = [];
