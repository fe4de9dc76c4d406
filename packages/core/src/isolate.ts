// The one copy of a user's value that stays in this process.
//   S1. `isolate` shares only what cannot change: primitives and deep-frozen plain data. Shared references and cycles
//       inside one value are kept.
//   S2. A copy is what the value's bytes would have become: a Buffer a Uint8Array, an error what wire-error.ts makes of it.
//   S3. What is called too large here is so in bytes, too: the measure is from below (W3).
import { InvalidArgumentError } from "./errors.ts";
import { copyPlain } from "./plain-copy.ts";
import { NOT_PLAIN } from "./plain-reader.ts";
import { checkSerializable } from "./serializable.ts";
import { isBinary, isPlainObject, isSimple } from "./walk.ts";
import { errorFromRecord, errorToRecord } from "./wire-error.ts";

/**
 * A copy that shares nothing mutable with `value` (S1); throws as checkSerializable does, and InvalidArgumentError for a
 * value that is larger than `maxBytes`, before anything is copied (S3).
 */
export function isolate<T>(value: T, root: string, maxBytes: number = Infinity): T {
  if (isSimple(value) && (typeof value !== "string" || value.length < maxBytes)) return value;
  const plain = copyPlain(value, maxBytes);
  if (plain !== NOT_PLAIN) return plain as T;
  const bytes = checkSerializable(value, root);
  if (bytes > maxBytes)
    throw new InvalidArgumentError(
      `${root} takes at least ${bytes} bytes; at most ${maxBytes} fit into one message`,
      { outcome: "not-executed", details: { path: root, size: bytes, limit: maxBytes } },
    );
  return isSimple(value) ? value : (copy(value, new Map()) as T);
}

/** Longer texts are measured with the rest. */
const SHORT = 1_000;
const FEW_ITEMS = 16;

/**
 * The same of a list that was made for one call: nobody else has the list itself, it has no holes, and nothing but its items. So it is
 * only its items that are looked at, and where all of them are simple nothing is copied.
 */
export function isolateItems(
  items: readonly unknown[],
  root: string,
  maxBytes: number,
): readonly unknown[] {
  // Whatever they are, so many and so short ones fit.
  if (items.length > FEW_ITEMS || maxBytes < FEW_ITEMS * (SHORT + 1))
    return isolate(items, root, maxBytes);
  let object = -1;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === "object" && item !== null && object === -1) object = i;
    else if (!isSimple(item) || (typeof item === "string" && item.length > SHORT))
      return isolate(items, root, maxBytes);
  }
  if (object === -1) return items;
  // What two of them share, a copy of both must share; one alone is its own.
  const copied = copyPlain(items[object], maxBytes - FEW_ITEMS * (SHORT + 1));
  return copied === NOT_PLAIN
    ? isolate(items, root, maxBytes)
    : items.map((item, i) => (i === object ? copied : item));
}

// Deep-frozen plain data can never change again, so having found it once is enough for ever.
const knownDeepFrozen = new WeakSet();

/** True for frozen plain objects and arrays whose contents are so too: they may be shared. */
export function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null || knownDeepFrozen.has(value)) return true;
  const found = new Set<object>();
  if (!allFrozen(value, found)) return false;
  // Only now: what was found on the way was found under the assumption that the rest of a cycle is frozen too.
  for (const object of found) knownDeepFrozen.add(object);
  return true;
}

function allFrozen(value: unknown, found: Set<object>): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (found.has(value) || knownDeepFrozen.has(value)) return true;
  if (!Object.isFrozen(value)) return false;
  if (!Array.isArray(value) && !isPlainObject(value)) return false;
  found.add(value);
  // Properties that are not enumerable do not travel, but whoever shares the object could reach them.
  for (const key of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key)!;
    if (!("value" in property) || !allFrozen(property.value, found)) return false;
  }
  return true;
}

function copy(value: unknown, done: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = done.get(value);
  if (known !== undefined) return known;
  if (Object.isFrozen(value) && isDeepFrozen(value)) return value;
  if (Array.isArray(value)) {
    const out: unknown[] = Array.from({ length: value.length });
    done.set(value, out);
    for (let i = 0; i < value.length; i++) out[i] = copy(value[i], done);
    return out;
  }
  if (isPlainObject(value)) {
    const out: Record<string, unknown> = {};
    done.set(value, out);
    for (const key of Object.keys(value))
      out[key] = copy((value as Record<string, unknown>)[key], done);
    return out;
  }
  if (value instanceof Map) {
    const out = new Map();
    done.set(value, out);
    for (const [key, item] of value) out.set(copy(key, done), copy(item, done));
    return out;
  }
  if (value instanceof Set) {
    const out = new Set();
    done.set(value, out);
    for (const item of value) out.add(copy(item, done));
    return out;
  }
  const out = copyLeaf(value);
  done.set(value, out);
  return out;
}

function copyLeaf(value: object): object {
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof URL) return new URL(value.href);
  if (isBinary(value)) return copyOfBinary(value);
  // What a record carries is plain data of the error's own: it is copied too.
  return errorFromRecord(copy(errorToRecord(value), new Map()));
}

export function copyOfBinary(value: ArrayBuffer | ArrayBufferView): object {
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof DataView) {
    const { buffer, byteOffset, byteLength } = value;
    return new DataView(new Uint8Array(buffer, byteOffset, byteLength).slice().buffer);
  }
  // slice() of a Buffer would share its memory.
  return Buffer.isBuffer(value) ? new Uint8Array(value) : (value as Uint8Array).slice();
}
