// Which turn is running: what `ctx.call`, `ctx.get` and the rule about read-only state need to know.
//   N1. Where turns cannot overlap, a plain slot says it, and calls pay nothing for it.
//   N2. Where they can, one AsyncLocalStorage for the whole framework follows the current turn over awaits; one `run` per
//       turn, never nested.
//   N3. Neither a turn that has ended nor another activation's turn, whose call led here, is ever the current one.
import { AsyncLocalStorage } from "node:async_hooks";
import type { CallContext, MethodMode } from "@tenure/core";
import type { Address, ChainLink } from "@tenure/core/internal";
import type { CallSignal } from "./call-signal.ts";

export interface Turn {
  readonly mode: MethodMode;
  /** The request id of the call that it serves; one of its own for a hook. */
  readonly request: number;
  /** As its method sees it: an interceptor may give it other headers. */
  call: CallContext;
  /** Who sent the call; undefined for a hook. */
  readonly from: Address | undefined;
  readonly signal: CallSignal;
  /** Monotonic. */
  readonly deadlineMs: number;
  /** The chain that calls made in this turn carry: the call's own, and this turn. */
  readonly chain: readonly ChainLink[];
  /** Calls that left in this turn: with one, the turn cannot be said to have left nothing behind (R24). */
  outgoing: number;
  /** A save was staged while it ran, with what it had changed until then: the same. */
  staged: boolean;
  /** It has ended: its signal does not abort any more. */
  end(): void;
  /** Turns of its chain that run inside of it: it ends after them. */
  inner: Set<Promise<unknown>> | undefined;
}

/** Whether something of the turn may be anywhere, though its end is refused (R24). */
export function leftSomething({ outgoing, staged }: Turn): boolean {
  return outgoing > 0 || staged;
}

export interface TurnTracker {
  run<T>(turn: Turn, fn: () => T): T;
  /** Called when the turn has ended, awaits included. */
  end(turn: Turn): void;
  current(): Turn | undefined;
}

const overlapping = new AsyncLocalStorage<Turn>();

class OverlappingTurns implements TurnTracker {
  // Most actors are idle, and an idle one should cost nothing.
  #running: Set<Turn> | undefined;

  run<T>(turn: Turn, fn: () => T): T {
    (this.#running ??= new Set()).add(turn);
    return overlapping.run(turn, fn);
  }

  end(turn: Turn): void {
    this.#running?.delete(turn);
    if (this.#running?.size === 0) this.#running = undefined;
  }

  current(): Turn | undefined {
    const turn = overlapping.getStore();
    return turn && this.#running?.has(turn) ? turn : undefined;
  }
}

class ExclusiveTurns implements TurnTracker {
  #current: Turn | undefined;

  run<T>(turn: Turn, fn: () => T): T {
    this.#current = turn;
    return fn();
  }

  end(turn: Turn): void {
    if (this.#current === turn) this.#current = undefined;
  }

  current(): Turn | undefined {
    return this.#current;
  }
}

export function overlappingTurns(): TurnTracker {
  return new OverlappingTurns();
}

export function exclusiveTurns(): TurnTracker {
  return new ExclusiveTurns();
}
