// Which replies must be verified at the store before they leave, and what becomes of them when they cannot be.
//   S1. A reply that a save of its own turn vouches for needs no more: the store has compared the token. Any other that shows
//       something does: a read's, and as well that of a write turn which changed nothing.
//   S2. The store is asked after the turn has ended, so that what it confirms was true when the state was read.
import type { CallResult } from "@tenure/core/internal";
import type { TurnOutcome } from "./turn-runner.ts";

/** `asked`: by the class, by the call, or by the silo. */
export function mustVerify(asked: boolean, { result, saves }: TurnOutcome): boolean {
  return asked && !saves && shows(result);
}

/** A result that user code made, and not a refusal. */
export function shows({ status }: CallResult): boolean {
  return status === "ok" || status === "threw";
}

/** The store did not say whether the activation still owns its actor. */
export class Unverified extends Error {}
