// The copy of plain data (what plain-writer.ts calls so): checked, measured and copied in one pass.
//   PC1. It copies as isolate.ts does. What it does not know, what could be shared because it is frozen, or what must be
//        refused, it leaves alone: it answers NOT_PLAIN, and the walk decides. Only the walk refuses anything.
//   PC2. It lets through nothing that walk.ts refuses (W1), and measures as it does (W3).
//
// An object is copied by a spread, which makes one of the same shape at once; adding its properties one by one, and asking for
// a descriptor of each before, take six times as long (docs/PERFORMANCE.md).
import { MAX_DEPTH, MAX_OBJECTS } from "./decode-limits.ts";
import { NOT_PLAIN } from "./plain-reader.ts";

// oxlint-disable-next-line typescript/unbound-method -- called with the object that is looked at
const { __lookupGetter__: getterOf, __lookupSetter__: setterOf } = Object.prototype as unknown as {
  __lookupGetter__(this: object, key: string): unknown;
  __lookupSetter__(this: object, key: string): unknown;
};
/** More objects than this are looked for in a set. */
const FEW = 16;

let bytes = 0;
/** Those so far: one that comes again stands in the value twice. The list is kept, and empty between two copies. */
const objects: object[] = [];
let many: Set<object> | undefined;
/** A proxy's trap, or an accessor, may send a value of its own. */
let busy = false;

/** A copy that shares nothing with the value, or NOT_PLAIN; also for a value that takes more than `maxBytes`. */
export function copyPlain(value: unknown, maxBytes: number): unknown {
  if (busy) return NOT_PLAIN;
  // Whoever gives all objects a property makes none of them plain.
  for (const _ in Object.prototype) return NOT_PLAIN;
  bytes = 0;
  busy = true;
  try {
    const copied = copy(value, 1);
    return bytes > maxBytes ? NOT_PLAIN : copied;
  } catch {
    // Whatever a proxy throws when it is looked at: the walk will meet it, too.
    return NOT_PLAIN;
  } finally {
    busy = false;
    while (objects.length > 0) objects.pop();
    many = undefined;
  }
}

function copy(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) return NOT_PLAIN;
      bytes += value.length + 1;
      return value;
    case "number":
    case "boolean":
    case "undefined":
      bytes += 1;
      return value;
    case "object":
      bytes += 1;
      return value === null ? null : copyObject(value, depth);
    default:
      return NOT_PLAIN;
  }
}

function copyObject(value: object, depth: number): unknown {
  if (depth > MAX_DEPTH || !isNew(value)) return NOT_PLAIN;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return copyRecord(value as Record<string, unknown>, depth);
  if (prototype === Array.prototype) return copyArray(value as readonly unknown[], depth);
  if (prototype !== Uint8Array.prototype) return NOT_PLAIN;
  bytes += (value as Uint8Array).length;
  return new Uint8Array(value as Uint8Array);
}

function isNew(value: object): boolean {
  if (many) {
    if (many.has(value) || many.size >= MAX_OBJECTS) return false;
    many.add(value);
    return true;
  }
  for (let i = 0; i < objects.length; i++) if (objects[i] === value) return false;
  objects.push(value);
  if (objects.length > FEW) many = new Set(objects);
  return true;
}

function copyRecord(value: Record<string, unknown>, depth: number): unknown {
  if (Object.isFrozen(value) || Object.getOwnPropertySymbols(value).length > 0) return NOT_PLAIN;
  const copied: Record<string, unknown> = { ...value };
  // Of the copy, which has no accessor and is no proxy: whatever it holds comes by here. (And its keys and values are found
  // three times as fast as by a list of keys. An accessor has run by then, once; it is refused all the same.)
  for (const key in copied) {
    if (getterOf.call(value, key) !== undefined) return NOT_PLAIN;
    if (key === "__proto__" || !key.isWellFormed()) return NOT_PLAIN;
    const before = copied[key];
    const item = copy(before, depth + 1);
    if (item === NOT_PLAIN) return NOT_PLAIN;
    if (item === undefined && setterOf.call(value, key) !== undefined) return NOT_PLAIN;
    if (item !== before) copied[key] = item;
  }
  return copied;
}

function copyArray(value: readonly unknown[], depth: number): unknown {
  if (!Array.isArray(value)) return NOT_PLAIN;
  // Anything besides the items.
  const keys = Object.keys(value).length;
  if (keys !== value.length || (keys > 0 && Object.isFrozen(value))) return NOT_PLAIN;
  const copied: unknown[] = [];
  for (let i = 0; i < keys; i++) {
    const item = copy(value[i], depth + 1);
    if (item === NOT_PLAIN) return NOT_PLAIN;
    copied.push(item);
  }
  return copied;
}
