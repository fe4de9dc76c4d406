// What a call is answered whose activation was lost before its reply could leave.
import { type CallResult, errorText } from "@tenure/core/internal";
import { CommitRefused } from "./commit-pipeline.ts";
import { MOVED } from "./incoming-call.ts";
import type { Turn } from "./turn-context.ts";

/** `not-executed` only where the store proved that the turn's changes are not there, and no call of the turn left (R24). */
export function lossResult(error: unknown, turn: Turn | undefined): CallResult {
  const nothingLeft =
    error instanceof CommitRefused && error.definitive && (turn?.outgoing ?? 0) === 0;
  if (nothingLeft) return MOVED;
  const code = error instanceof CommitRefused ? error.code : "SILO_UNAVAILABLE";
  return {
    status: "failed",
    code,
    message: error instanceof Error ? error.message : errorText(error),
  };
}
