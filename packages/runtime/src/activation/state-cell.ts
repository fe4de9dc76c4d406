// The working copy of an actor's state, its bytes at the last commit point, and the way back to them.
//   Z1. A turn's end encodes the working copy; equal bytes mean that there is nothing to save.
//   Z2. rollback() restores what the last commit point encoded, not what some reference may have changed since.
//   Z3. The first state is made by the user's factory; it is saved with the first write turn of a call, changed or not.
//       It is copied: a factory may answer the same object to every actor.
//   Z4. A cleared state is a first state again: at the next commit point what is stored is forgotten, and nothing put in its
//       place unless it has changed since. A rollback takes the clearing back, too.
import {
  decodeValue,
  encodeValue,
  checkSerializable,
  InvalidArgumentError,
  TenureError,
} from "@tenure/core/internal";

const STATE_FORMAT = 1;
const HEADER_BYTES = 3;

/** Stored state that this version cannot read; the bytes stay as they are. */
export class UnreadableStateError extends TenureError {
  constructor(problem: string, cause?: unknown) {
    super("UNREADABLE_STATE", problem, { cause });
  }
}

export class StateCell {
  value: unknown;
  #committed: Uint8Array;
  /** The committed bytes are in the store, or on their way to it. */
  #stored: boolean;
  /** The bytes of the first state that it was cleared to, until the next commit point. */
  #cleared: Uint8Array | undefined;
  #forgets = false;
  readonly #version: number;
  readonly #maxBytes: number;

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
    this.#committed = this.#encode();
    this.#stored = false;
    this.rollback();
  }

  /** Of a stored state that was read, and of which a schema has made `value`: what it changed is saved like a first state (Z3). */
  static checked(value: unknown, stored: Uint8Array, version: number, maxBytes: number): StateCell {
    const cell = new StateCell(() => value, undefined, version, maxBytes);
    cell.#stored = Buffer.compare(cell.#committed, stored) === 0;
    return cell;
  }

  /**
   * The bytes to save, or undefined when nothing changed. They are the new commit point. Throws when the state cannot be
   * stored; the commit point then stays, and the caller rolls back.
   */
  commitPoint(first: boolean): Uint8Array | undefined {
    const bytes = this.#encode();
    if (this.#cleared) {
      this.#stored = Buffer.compare(bytes, this.#cleared) !== 0;
      this.#committed = bytes;
      this.#cleared = undefined;
      this.#forgets = true;
      return this.#stored ? bytes : undefined;
    }
    if (Buffer.compare(bytes, this.#committed) === 0 && (this.#stored || !first)) return undefined;
    this.#committed = bytes;
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

  #encode(): Uint8Array {
    checkSerializable(this.value, "state");
    const body = encodeValue(this.value);
    if (body.length > this.#maxBytes)
      throw new InvalidArgumentError(
        `state has ${body.length} bytes; the limit is ${this.#maxBytes}: split the actor or keep less`,
        { outcome: "not-executed", details: { bytes: body.length, limit: this.#maxBytes } },
      );
    const bytes = new Uint8Array(HEADER_BYTES + body.length);
    bytes[0] = STATE_FORMAT;
    bytes[1] = this.#version >> 8;
    bytes[2] = this.#version & 0xff;
    bytes.set(body, HEADER_BYTES);
    return bytes;
  }
}

export function decodeState(bytes: Uint8Array, version: number): unknown {
  if (bytes[0] !== STATE_FORMAT)
    throw new UnreadableStateError(
      `stored state has format ${bytes[0] ?? "none"}, not ${STATE_FORMAT}`,
    );
  const stored = (bytes[1]! << 8) | bytes[2]!;
  if (stored !== version)
    throw new UnreadableStateError(`stored state has version ${stored}, this class ${version}`);
  try {
    return decodeValue(bytes.subarray(HEADER_BYTES));
  } catch (error) {
    throw new UnreadableStateError("stored state cannot be decoded", error);
  }
}
