// What turns are decided by, as a value: a simulation can hand in broken decisions.
import { mayStart } from "./admission.ts";
import { KEY_RETENTION_MS } from "./idempotency.ts";
import { lossResult } from "./loss.ts";
import { mustVerify } from "./strict-reads.ts";

export interface TurnRules {
  readonly mayStart: typeof mayStart;
  readonly lossResult: typeof lossResult;
  readonly mustVerify: typeof mustVerify;
  /** How long a key's result is kept (R22). */
  readonly keyRetentionMs: number;
}

export const turnRules: TurnRules = {
  mayStart,
  lossResult,
  mustVerify,
  keyRetentionMs: KEY_RETENTION_MS,
};
