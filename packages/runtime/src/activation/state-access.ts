// `this.state`: the working copy for the turn of a write method, a view of it for everything else, and
// after the actor has been lost (R25).
import type { ActorContext, ActorHost } from "@tenure/core/internal";
import type { LostActor } from "./lost-actor.ts";
import { readonlyView, ReadOnlyStateError } from "./readonly-view.ts";
import type { StateCell } from "./state-cell.ts";
import type { TurnTracker } from "./turn-context.ts";

export interface StateOwner {
  readonly type: string;
  readonly ctx: ActorContext;
  readonly cell: StateCell | undefined;
  readonly turns: TurnTracker;
  readonly lost: LostActor;
}

/** What the base class of actors asks. */
export class StateAccess implements ActorHost {
  readonly #owner: StateOwner;

  constructor(owner: StateOwner) {
    this.#owner = owner;
  }

  get ctx(): ActorContext {
    return this.#owner.ctx;
  }

  readState(): unknown {
    const { cell, lost, turns } = this.#owner;
    if (!cell) return undefined;
    if (lost.isLost) return lost.view(cell.value);
    // Work that a turn does not await is not part of it: what it changed would be shown before it is ever saved.
    return turns.current()?.mode === "write" ? cell.value : readonlyView(cell.value);
  }

  writeState(value: unknown): void {
    const { cell, lost, turns, type } = this.#owner;
    if (!cell) throw new TypeError(`${type} has no state; declare it with state: () => (…)`);
    lost.refuse("assigning state");
    if (turns.current()?.mode !== "write") throw new ReadOnlyStateError("assigning state");
    cell.value = value;
  }
}
