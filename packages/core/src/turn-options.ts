// How the turns of a class commit, and what they let in, checked once.
//   O1. Turns that overlap cannot be rolled back or committed one by one: `'full'` is for classes that say themselves when to save.
import { describe } from "./duration.ts";
import { ConfigError } from "./errors.ts";

/** When state is saved: at the end of each write turn, or only where `ctx.commit()` says so. */
export type CommitMode = "turn" | "explicit";

/** What becomes of a call that comes back to an actor whose turn in its chain still runs: an error, or a turn inside of that one. */
export type Reentrancy = "detect" | "chain" | "full";

export interface TurnOptions {
  readonly commit: CommitMode;
  readonly reentrancy: Reentrancy;
}

interface GivenOptions {
  readonly commit?: unknown;
  readonly reentrancy?: unknown;
  readonly state?: unknown;
  readonly stateless?: unknown;
}

/** @throws ConfigError */
export function resolveTurnOptions(
  options: GivenOptions,
  at: (option: string) => string,
): TurnOptions {
  const commit = options.commit ?? "turn";
  if (commit !== "turn" && commit !== "explicit")
    throw new ConfigError(at("commit"), `must be 'turn' or 'explicit', not ${describe(commit)}`);
  const reentrancy = options.reentrancy ?? "detect";
  if (reentrancy !== "detect" && reentrancy !== "chain" && reentrancy !== "full")
    throw new ConfigError(
      at("reentrancy"),
      `must be 'detect', 'chain' or 'full', not ${describe(reentrancy)}`,
    );
  if (reentrancy !== "detect" && options.stateless)
    throw new ConfigError(
      at("reentrancy"),
      "goes without `stateless`: each activation of a pool takes one call at a time",
    );
  if (reentrancy === "full" && options.state !== undefined && commit !== "explicit")
    throw new ConfigError(
      at("reentrancy"),
      "'full' needs commit: 'explicit': turns that overlap have no end at which just their own changes could be saved or rolled back; call this.ctx.commit()",
    );
  return { commit, reentrancy };
}
