// Which turn is running: what `ctx.call`, `ctx.get` and the rule about read-only state need to know.
//   N1. Where turns cannot overlap, a plain slot says it, and calls pay nothing for it.
//   N2. Where they can, one AsyncLocalStorage for the whole framework follows the current turn over awaits; one `run` per
//       turn, never nested.
import { AsyncLocalStorage } from "node:async_hooks";
import type { CallContext, MethodMode } from "@tenure/core";
import type { ChainLink } from "@tenure/core/internal";

export interface Turn {
  readonly mode: MethodMode;
  /** The request id of the call that it serves; 0 in hooks. */
  readonly request: number;
  readonly call: CallContext;
  /** Monotonic. */
  readonly deadlineMs: number;
  /** The chain that calls made in this turn carry: the call's own, and this turn. */
  readonly chain: readonly ChainLink[];
  /** Calls that left in this turn: with one, the turn cannot be said to have left nothing behind (R24). */
  outgoing: number;
}

export interface TurnTracker {
  run<T>(turn: Turn, fn: () => T): T;
  /** Called when the turn has ended, awaits included. */
  end(turn: Turn): void;
  current(): Turn | undefined;
}

const overlapping = new AsyncLocalStorage<Turn>();

export function overlappingTurns(): TurnTracker {
  return {
    run: (turn, fn) => overlapping.run(turn, fn),
    end: () => undefined,
    current: () => overlapping.getStore(),
  };
}

export function exclusiveTurns(): TurnTracker {
  let current: Turn | undefined;
  return {
    run: (turn, fn) => {
      current = turn;
      return fn();
    },
    end: (turn) => {
      if (current === turn) current = undefined;
    },
    current: () => current,
  };
}
