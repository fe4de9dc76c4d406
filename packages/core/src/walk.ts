// The one walk over a user's value before it travels or is stored, and the one that copies it.
//   W1. What would be lost or changed in silence is refused, with its path: functions, symbols, accessors, class instances
//       other than Date, Map, Set, RegExp, URL, Error and binary, `__proto__` keys, lone surrogates, extra keys on arrays,
//       more than MAX_DEPTH levels. (`-0` arrives as 0 and an array's hole as undefined: documented, not refused.)
//   W2. `isolate` shares only what cannot change: primitives and deep-frozen plain data. Shared references and cycles
//       inside one value are kept.
//   W3. A local call refuses exactly what a remote one would: where an actor lives changes nothing.
import { describe } from "./duration.ts";
import { NotSerializableError } from "./errors.ts";

export const MAX_DEPTH = 100;

/** Marks references to actors, so that the walk can say what to send instead. */
export const REFERENCE: unique symbol = Symbol("tenure.reference");

type Binary = ArrayBuffer | ArrayBufferView;

/** Throws NotSerializableError with the path of the first thing that cannot travel (W1). */
export function checkSerializable(value: unknown, root: string): void {
  if (isSimple(value)) return;
  const walk: Walk = { path: [root], seen: new Set() };
  visit(value, walk);
}

/** A copy that shares nothing mutable with `value` (W2); throws as checkSerializable does. */
export function isolate<T>(value: T, root: string): T {
  if (isSimple(value)) return value;
  const walk: Walk = { path: [root], seen: new Set() };
  visit(value, walk);
  return isDeepFrozen(value) ? value : (copy(value, new Map()) as T);
}

/** True for values that need neither a check nor a copy. */
function isSimple(value: unknown): boolean {
  switch (typeof value) {
    case "number":
    case "boolean":
    case "undefined":
    case "bigint":
      return true;
    case "string":
      return value.isWellFormed();
    default:
      return value === null;
  }
}

interface Walk {
  readonly path: string[];
  readonly seen: Set<object>;
}

function visit(value: unknown, walk: Walk): void {
  switch (typeof value) {
    case "function":
      throw refuse(
        walk,
        (value as { [REFERENCE]?: unknown })[REFERENCE]
          ? "is a reference to an actor; send its id and get() it there"
          : `is a function (${value.name || "anonymous"})`,
      );
    case "symbol":
      throw refuse(walk, "is a symbol");
    case "string":
      if (!value.isWellFormed()) throw refuse(walk, "has a lone surrogate");
      return;
    case "object":
      if (value !== null) visitObject(value, walk);
      return;
    default:
  }
}

function visitObject(value: object, walk: Walk): void {
  if (walk.seen.has(value)) return;
  walk.seen.add(value);
  if (walk.path.length > MAX_DEPTH) throw refuse(walk, `is deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) visitAt(value[i], walk, `[${i}]`);
    if (Object.keys(value).length > value.length)
      throw refuse(walk, "is an array with extra properties");
    return;
  }
  if (value instanceof Map) {
    for (const [key, item] of value) {
      visitAt(key, walk, `.key(${describe(key)})`);
      visitAt(item, walk, `.get(${describe(key)})`);
    }
    return;
  }
  if (value instanceof Set) {
    for (const item of value) visitAt(item, walk, ".item");
    return;
  }
  if (value instanceof Error) {
    if (value.cause !== undefined) visitAt(value.cause, walk, ".cause");
    return;
  }
  if (value instanceof Date || value instanceof RegExp || value instanceof URL || isBinary(value))
    return;
  visitPlain(value, walk);
}

function visitPlain(value: object, walk: Walk): void {
  if ((value as { [REFERENCE]?: unknown })[REFERENCE])
    throw refuse(walk, "is a reference to an actor; send its id and get() it there");
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of any realm: its prototype has none of its own.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw refuse(
      walk,
      `is an instance of ${(value.constructor as { name?: string } | undefined)?.name || "a class"}; only plain data keeps its meaning on the way`,
    );
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === "symbol") throw refuse(walk, `has a symbol key (${key.toString()})`);
    const property = Object.getOwnPropertyDescriptor(value, key)!;
    if (!property.enumerable) continue;
    if (property.get || property.set) throw refuse(walk, `has an accessor (${describe(key)})`);
    if (key === "__proto__") throw refuse(walk, "has a key named __proto__");
    if (!key.isWellFormed()) throw refuse(walk, "has a key with a lone surrogate");
    visitAt(
      property.value,
      walk,
      /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${describe(key)}]`,
    );
  }
}

function visitAt(value: unknown, walk: Walk, step: string): void {
  walk.path.push(step);
  visit(value, walk);
  walk.path.pop();
}

function refuse(walk: Walk, problem: string): NotSerializableError {
  const path =
    walk.path.length > 12
      ? `${walk.path.slice(0, 6).join("")}…${walk.path.slice(-3).join("")}`
      : walk.path.join("");
  return new NotSerializableError(`${path} ${problem}, which cannot travel or be stored`, {
    outcome: "not-executed",
    details: { path },
  });
}

function isBinary(value: object): value is Binary {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

// Deep-frozen plain data can never change again, so having found it once is enough for ever.
const knownDeepFrozen = new WeakSet();

/** True for frozen plain objects and arrays whose contents are so too: they may be shared. */
export function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (knownDeepFrozen.has(value)) return true;
  if (!Object.isFrozen(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== null && Object.getPrototypeOf(prototype) !== null)
    return false;
  // Optimistic, so that a cycle ends; taken back when something below is not frozen.
  knownDeepFrozen.add(value);
  for (const item of Object.values(value)) {
    if (isDeepFrozen(item)) continue;
    knownDeepFrozen.delete(value);
    return false;
  }
  return true;
}

function copy(value: unknown, done: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = done.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const out: unknown[] = Array.from({ length: value.length });
    done.set(value, out);
    for (let i = 0; i < value.length; i++) out[i] = copy(value[i], done);
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
  const special = copySpecial(value, done);
  if (special !== undefined) return special;
  const out: Record<string, unknown> = {};
  done.set(value, out);
  for (const key of Object.keys(value))
    out[key] = copy((value as Record<string, unknown>)[key], done);
  return out;
}

function copySpecial(value: object, done: Map<object, unknown>): object | undefined {
  const out = freshCopy(value);
  if (out !== undefined) done.set(value, out);
  return out;
}

function freshCopy(value: object): object | undefined {
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof URL) return new URL(value.href);
  // A Buffer arrives as a Uint8Array, from the same silo as from another (W3).
  if (Buffer.isBuffer(value)) return new Uint8Array(value);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof DataView)
    return new DataView(
      value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength) as ArrayBuffer,
    );
  if (ArrayBuffer.isView(value)) return (value as Uint8Array).slice();
  // An error's stack and class survive by sharing it: errors are handed over, not edited.
  if (value instanceof Error) return value;
  return undefined;
}
