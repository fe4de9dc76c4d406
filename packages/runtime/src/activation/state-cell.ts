// The working copy of an actor's state, its bytes at the last commit point, and the way back to them.
//   Z1. A turn's end encodes the working copy; equal bytes mean that there is nothing to save.
//   Z2. rollback() restores what the last commit point encoded, not what some reference may have changed since.
//   Z3. The first state is made by the user's factory; it is saved with the first write turn of a call, changed or not.
//       It is copied: a factory may answer the same object to every actor.
//   Z4. A cleared state is a first state again: at the next commit point what is stored is forgotten, and nothing put in its
//       place unless it has changed since. A rollback takes the clearing back, too.
//   Z5. What is to be stored has a largest size. What is stored already may be larger, since the limit may have been lowered: it can be
//       read, and made smaller.
import { encodeBehind, InvalidArgumentError } from "@tenure/core/internal";
import { headOf, readState, STATE_HEADER_BYTES, UnreadableStateError } from "./state-format.ts";

export class StateCell {
  value: unknown;
  #committed: Uint8Array;
  /** The committed bytes are in the store, or on their way to it. */
  #stored: boolean;
  /** The bytes of the first state that it was cleared to, until the next commit point. */
  #cleared: Uint8Array | undefined;
  #forgets = false;
  readonly #version: number;
  #maxBytes: number;

  constructor(
    factory: () => unknown,
    stored: Uint8Array | undefined,
    version: number,
    maxBytes: number,
  ) {
    this.#version = version;
    this.#maxBytes = maxBytes;
    if (stored) {
      this.value = decodeState(stored, version);
      this.#committed = stored;
      this.#stored = true;
      return;
    }
    this.value = factory();
    this.#committed = this.#limited(this.#encode());
    this.#stored = false;
    this.rollback();
  }

  /** Of a stored state of which `migrate` or a schema has made `value`: what they changed is saved like a first state (Z3). */
  static checked(value: unknown, stored: Uint8Array, version: number, maxBytes: number): StateCell {
    const cell = new StateCell(() => value, undefined, version, Infinity);
    cell.#maxBytes = maxBytes;
    cell.#stored = Buffer.compare(cell.#committed, stored) === 0;
    if (!cell.#stored) cell.#limited(cell.#committed);
    return cell;
  }

  /**
   * The bytes to save, or undefined when nothing changed. They are the new commit point. Throws when the state cannot be
   * stored; the commit point then stays, and the caller rolls back.
   */
  commitPoint(first: boolean): Uint8Array | undefined {
    const bytes = this.#encode(this.#cleared ?? this.#committed);
    if (this.#cleared) {
      const changed = bytes !== this.#cleared;
      this.#committed = this.#limited(bytes);
      this.#stored = changed;
      this.#cleared = undefined;
      this.#forgets = true;
      return this.#stored ? bytes : undefined;
    }
    if (bytes === this.#committed && (this.#stored || !first)) return undefined;
    this.#committed = this.#limited(bytes);
    this.#stored = true;
    return bytes;
  }

  /** Whether what was stored is forgotten with the last commit point. Says so once. */
  takeForgets(): boolean {
    const forgets = this.#forgets;
    this.#forgets = false;
    return forgets;
  }

  /** Begins again from the first state that `make` makes (Z4). */
  clear(make: () => unknown): void {
    const before = this.value;
    this.value = make();
    try {
      this.#cleared = this.#encode();
    } catch (error) {
      this.value = before;
      throw error;
    }
    this.value = decodeState(this.#cleared, this.#version);
  }

  rollback(): void {
    this.#cleared = undefined;
    this.value = decodeState(this.#committed, this.#version);
  }

  /** `last` itself where nothing has changed since. */
  #encode(last?: Uint8Array): Uint8Array {
    return encodeBehind(headOf(this.#version), this.value, last, "state");
  }

  /** The bytes, if they may be stored (Z5). */
  #limited(encoded: Uint8Array): Uint8Array {
    const bytes = encoded.length - STATE_HEADER_BYTES;
    const limit = this.#maxBytes;
    if (bytes > limit)
      throw new InvalidArgumentError(
        `state has ${bytes} bytes; the limit is ${limit}: split the actor or keep less`,
        { outcome: "not-executed", details: { bytes, limit } },
      );
    return encoded;
  }
}

function decodeState(bytes: Uint8Array, version: number): unknown {
  const stored = readState(bytes);
  if (stored.version !== version)
    throw new UnreadableStateError(
      `stored state has version ${stored.version}, this class ${version}`,
    );
  return stored.value;
}
