// From what the store has of an actor's state, or from nothing, to its working copy.
//   J1. What an older version of the class stored goes through its `migrate`, and, with a schema, everything that is stored is
//       checked: before any other user code of the actor runs. The outcome is the state.
//   J2. What cannot be migrated, or a schema refuses, stays in the store as it is: the activation fails, and says what does
//       not fit where.
//   J3. Nothing is saved here: what migrate or a schema changed is saved with the first write turn, like a first state.
//       (State of a newer version does not come here: newer-code.ts.)
import {
  type ActorAddress,
  type ActorKind,
  type Checked,
  checkWith,
  errorText,
  firstState,
  formatActor,
  formatIssues,
  isStandardSchema,
  type LoadedRow,
  STATE_PART,
  type StateSource,
} from "@tenure/core/internal";
import { StateCell } from "./state-cell.ts";
import { readState, stateHeader, UnreadableStateError } from "./state-format.ts";

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
  const what = `the stored state of ${formatActor(actor)}`;
  if (!isStandardSchema(state) && storedVersion(stored) === version)
    return naming(what, "read", () => new StateCell(state, stored, version, maxBytes));
  const current = currentValue(what, definition, stored);
  const conclude = (checked: Checked): StateCell => {
    if (!checked.ok)
      throw new UnreadableStateError(
        `${current.what} does not fit its schema: ${formatIssues("state", checked.issues)}`,
      );
    return naming(current.what, "stored", () =>
      StateCell.checked(checked.value, stored, version, maxBytes),
    );
  };
  if (!isStandardSchema(state)) return conclude({ ok: true, value: current.value });
  const checked = checkWith(state, current.value);
  return checked instanceof Promise ? checked.then(conclude) : conclude(checked);
}

interface CurrentValue {
  /** A state of the class's own version. */
  readonly value: unknown;
  /** What it is, in words for an error. */
  readonly what: string;
}

function currentValue(
  what: string,
  { version, migrate }: ActorKind["definition"],
  bytes: Uint8Array,
): CurrentValue {
  const stored = naming(what, "read", () => readState(bytes));
  if (stored.version === version) return { value: stored.value, what };
  const way = `${what}, from version ${stored.version} to ${version}`;
  if (!migrate || stored.version > version)
    throw new UnreadableStateError(`${way}: this class has no way between them`);
  let value: unknown;
  try {
    value = migrate(stored.value, stored.version);
  } catch (error) {
    throw new UnreadableStateError(`migrate failed for ${way}: ${errorText(error)}`, error);
  }
  if (value instanceof Promise) {
    // Its failure is nobody's, and must not end the process.
    value.catch(() => undefined);
    throw new UnreadableStateError(`migrate must answer at once; it answered a promise for ${way}`);
  }
  if (value === undefined)
    throw new UnreadableStateError(`migrate answered undefined for ${way}; does it return?`);
  return { value, what: `what migrate made of ${way},` };
}

function storedVersion(bytes: Uint8Array): number | undefined {
  const header = stateHeader(bytes);
  return header.kind === "known" ? header.version : undefined;
}

/** Whatever goes wrong names the actor and what was tried. */
function naming<T>(what: string, tried: "read" | "stored", open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new UnreadableStateError(`${what} cannot be ${tried}: ${errorText(error)}`, error);
  }
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
