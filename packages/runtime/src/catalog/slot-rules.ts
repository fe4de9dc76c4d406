// Who may take an actor's slot in a silo, as a value: a simulation can hand in a broken decision.
import type { ActivationState } from "../activation/activation.ts";

export interface SlotRules {
  readonly mayActivate: typeof mayActivate;
}

/**
 * Whether a call may start a new activation of its actor here, beside the one that holds the slot: never (R12). One that is
 * still starting has claimed the actor or is about to; one that is deactivating still owns it.
 */
export function mayActivate(holder: ActivationState | undefined): boolean {
  return holder === undefined;
}

export const slotRules: SlotRules = { mayActivate };
