// `this.state`: the working copy for the turn of a write method, a view of it for everything else, and
// after the actor has been lost (R25).
import type { LostActor } from "./lost-actor.ts";
import { readonlyView, ReadOnlyStateError } from "./readonly-view.ts";
import type { StateCell } from "./state-cell.ts";
import type { TurnTracker } from "./turn-context.ts";

export interface StateAccess {
  readState(): unknown;
  writeState(value: unknown): void;
}

export function stateAccess(
  type: string,
  cell: StateCell | undefined,
  turns: TurnTracker,
  lost: LostActor,
): StateAccess {
  return {
    readState: () => {
      if (!cell) return undefined;
      if (lost.isLost) return lost.view(cell.value);
      // Work that a turn does not await is not part of it: what it changed would be shown before it is ever saved.
      return turns.current()?.mode === "write" ? cell.value : readonlyView(cell.value);
    },
    writeState: (value) => {
      if (!cell) throw new TypeError(`${type} has no state; declare it with state: () => (…)`);
      lost.refuse("assigning state");
      if (turns.current()?.mode !== "write") throw new ReadOnlyStateError("assigning state");
      cell.value = value;
    },
  };
}
