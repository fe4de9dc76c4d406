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

/** The turns that run in one activation: nearly always one or none, and no table is made for either. */
export abstract class TurnTracker {
  #only: Turn | undefined;
  /** By the request ids of the calls that they serve. */
  #several: Map<number, Turn> | undefined;

  /** The turn in which the code that asks runs. */
  abstract current(): Turn | undefined;

  /** Runs `fn` as a part of the turn. With `self` and `args`, so that no turn needs a function of its own. */
  abstract run<T>(
    turn: Turn,
    fn: (...args: never[]) => T,
    self?: object,
    args?: readonly unknown[],
  ): T;

  get(request: number): Turn | undefined {
    return this.#only?.request === request ? this.#only : this.#several?.get(request);
  }

  get none(): boolean {
    return this.#only === undefined && this.#several === undefined;
  }

  /** The turn, if it is the only one. */
  get only(): Turn | undefined {
    return this.#only;
  }

  all(): Iterable<Turn> {
    return this.#only ? [this.#only] : (this.#several?.values() ?? NONE);
  }

  /** Called when the turn has ended, awaits included. */
  end(turn: Turn): void {
    if (this.#only === turn) this.#only = undefined;
    else if (this.#several?.get(turn.request) === turn) {
      this.#several.delete(turn.request);
      if (this.#several.size === 0) this.#several = undefined;
    }
  }

  protected begin(turn: Turn): void {
    if (this.#several) this.#several.set(turn.request, turn);
    else if (!this.#only) this.#only = turn;
    else {
      this.#several = new Map([this.#only, turn].map((each) => [each.request, each]));
      this.#only = undefined;
    }
  }
}

const NONE: readonly never[] = [];

const overlapping = new AsyncLocalStorage<Turn>();

class OverlappingTurns extends TurnTracker {
  override run<T>(
    turn: Turn,
    fn: (...args: never[]) => T,
    self?: object,
    args: readonly unknown[] = NONE,
  ): T {
    this.begin(turn);
    return overlapping.run(turn, () => fn.apply(self, args as never[]));
  }

  override current(): Turn | undefined {
    const turn = overlapping.getStore();
    return turn && this.get(turn.request) === turn ? turn : undefined;
  }
}

class ExclusiveTurns extends TurnTracker {
  override run<T>(
    turn: Turn,
    fn: (...args: never[]) => T,
    self?: object,
    args: readonly unknown[] = NONE,
  ): T {
    this.begin(turn);
    return fn.apply(self, args as never[]);
  }

  override current(): Turn | undefined {
    // Of several, which there never should be, the one that began last.
    return this.only ?? (this.none ? undefined : [...this.all()].at(-1));
  }
}

export function overlappingTurns(): TurnTracker {
  return new OverlappingTurns();
}

export function exclusiveTurns(): TurnTracker {
  return new ExclusiveTurns();
}
