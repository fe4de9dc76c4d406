// From what the store has of an actor's state, or from nothing, to its working copy.
//   J1. With a schema, what is stored is checked before any user code of the actor runs, and its output is the state.
//   J2. What a schema refuses stays in the store as it is: the activation fails, and says what does not fit where.
import {
  type ActorAddress,
  type ActorKind,
  type Checked,
  checkWith,
  firstState,
  formatActor,
  formatIssues,
  isStandardSchema,
  type LoadedRow,
  STATE_PART,
  type StateSource,
} from "@tenure/core/internal";
import { decodeState, StateCell, UnreadableStateError } from "./state-cell.ts";

/** At once, unless a schema takes its time. Undefined for an actor without state. */
export function openState(
  actor: ActorAddress,
  { definition }: ActorKind,
  row: LoadedRow | undefined,
  maxBytes: number,
): StateCell | undefined | Promise<StateCell> {
  const { state, version } = definition;
  if (!row || !state) return undefined;
  const stored = row.parts.get(STATE_PART);
  if (!stored) return firstCell(actor, state, version, maxBytes);
  if (!isStandardSchema(state)) return new StateCell(state, stored, version, maxBytes);
  const conclude = (checked: Checked): StateCell => {
    if (!checked.ok)
      throw new UnreadableStateError(
        `the stored state of ${formatActor(actor)} does not fit its schema: ${formatIssues("state", checked.issues)}`,
      );
    return StateCell.checked(checked.value, stored, version, maxBytes);
  };
  const checked = checkWith(state, decodeState(stored, version));
  return checked instanceof Promise ? checked.then(conclude) : conclude(checked);
}

function firstCell(
  actor: ActorAddress,
  source: StateSource,
  version: number,
  maxBytes: number,
): StateCell | Promise<StateCell> {
  const conclude = (first: Awaited<ReturnType<typeof firstState>>): StateCell => {
    if (!first.ok) throw new UnreadableStateError(`${formatActor(actor)}: ${first.problem}`);
    return new StateCell(first.make, undefined, version, maxBytes);
  };
  const first = firstState(source);
  return first instanceof Promise ? first.then(conclude) : conclude(first);
}
