// Every pure decision of a silo that its parts are given, as one value: the shipped ones, unless a simulation hands in
// others to find out whether their absence would be noticed.
import { type CallRules, callRules, type Platform } from "@tenure/client/internal";
import {
  type LeaseRules,
  leaseRules,
  type RollbackRules,
  rollbackRules,
} from "@tenure/directory/internal";
import { type TurnRules, turnRules } from "./activation/turn-rules.ts";
import { type SlotRules, slotRules } from "./catalog/slot-rules.ts";

export interface RuntimeRules extends CallRules, LeaseRules, RollbackRules, SlotRules, TurnRules {}

export const runtimeRules: RuntimeRules = {
  ...callRules,
  ...leaseRules,
  ...rollbackRules,
  ...slotRules,
  ...turnRules,
};

/** Time, chance, and the decisions. */
export interface SiloPlatform extends Platform {
  readonly rules?: RuntimeRules | undefined;
}
