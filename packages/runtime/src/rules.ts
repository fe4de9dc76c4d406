// Every pure decision of a silo that its parts are given, as one value: the shipped ones, unless a simulation hands in
// others to find out whether their absence would be noticed.
import { type CallRules, callRules, type Platform } from "@tenure/client/internal";
import { type LeaseRules, leaseRules } from "@tenure/directory/internal";
import { type TurnRules, turnRules } from "./activation/turn-rules.ts";

export interface RuntimeRules extends CallRules, LeaseRules, TurnRules {}

export const runtimeRules: RuntimeRules = { ...callRules, ...leaseRules, ...turnRules };

/** Time, chance, and the decisions. */
export interface SiloPlatform extends Platform {
  readonly rules?: RuntimeRules | undefined;
}
