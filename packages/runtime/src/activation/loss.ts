// What a call is answered whose activation was lost before its reply could leave, or could not be verified.
import { type CallResult, errorText } from "@tenure/core/internal";
import { CommitRefused } from "./commit.ts";
import { MOVED, refused } from "./incoming-call.ts";
import { Unverified } from "./strict-reads.ts";
import { leftSomething, type Turn } from "./turn-context.ts";

/**
 * `not-executed` only where the store proved that the turn's changes are not there, and no call of the turn left,
 * nor anything of it with an earlier save (R24). A turn whose reply must be verified has no changes of its own.
 */
export function lossResult(error: unknown, turn: Turn | undefined): CallResult {
  const leftNothing = !turn || !leftSomething(turn);
  if (leftNothing && error instanceof CommitRefused && error.definitive)
    return error.code === "NOT_SERIALIZABLE" ? refused("not-serializable", error.message) : MOVED;
  if (leftNothing && error instanceof Unverified) return refused("unavailable", error.message);
  const code = error instanceof CommitRefused ? error.code : "SILO_UNAVAILABLE";
  return {
    status: "failed",
    code,
    message: error instanceof Error ? error.message : errorText(error),
  };
}
