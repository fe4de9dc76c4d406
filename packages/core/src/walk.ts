// The one walk over a user's value before it travels or is stored.
//   W1. What would be lost or changed in silence is refused, with its path: functions, symbols, accessors, class instances
//       other than Date, Map, Set, RegExp, URL, Error and binary, extra properties on any of those, `__proto__` keys, lone
//       surrogates, more levels, values or objects than decode-limits.ts allows. (`-0` may arrive as 0 and an array's hole
//       arrives as undefined: documented, not refused. Errors travel by the rules of wire-error.ts.)
//   W2. Where an actor lives changes nothing: a local call refuses exactly what a remote one would.
//   W3. The walk measures on its way, from below: each value is a byte at least, a string as many as it has code units,
//       binary what it has. (Keys and errors count nothing more: encoded, keys are shared between objects of one shape.)
import { MAX_DEPTH, MAX_OBJECTS, MAX_VALUES } from "./decode-limits.ts";
import { describe } from "./duration.ts";
import { NotSerializableError } from "./errors.ts";

/** Marks references to actors, so that the walk can say what to send instead. */
export const REFERENCE: unique symbol = Symbol("tenure.reference");

/**
 * Throws NotSerializableError with the path of the first thing that cannot travel (W1). Answers how many bytes the value
 * takes at least (W3).
 */
export function walkValue(
  value: unknown,
  root: string,
  recordOf: ((error: Error) => object) | undefined,
): number {
  if (isSimple(value)) return sizeOfSimple(value);
  const walk: Walk = { path: [root], seen: new Set(), values: 1, bytes: 0, recordOf };
  visit(value, walk);
  return walk.bytes;
}

/** The same for data that has no errors in it, which is what an error may carry. */
export function checkPlainData(value: unknown, root: string): void {
  walkValue(value, root, undefined);
}

/** True for values that need neither a check nor a copy. */
export function isSimple(value: unknown): boolean {
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

function sizeOfSimple(value: unknown): number {
  return typeof value === "string" ? value.length + 1 : 1;
}

export function isBinary(value: object): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

/** A plain object of any realm: its prototype, if it has one, has none of its own. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const BINARY: ReadonlySet<unknown> = new Set([
  ArrayBuffer,
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]);

/** One step of a path: a property, an index, or words. Written out only when something is refused. */
type Step = string | number | { readonly words: string; readonly key?: unknown };

interface Walk {
  readonly path: [root: string, ...steps: Step[]];
  readonly seen: Set<object>;
  bytes: number;
  values: number;
  /** What an error travels as; undefined where there must be none. */
  readonly recordOf: ((error: Error) => object) | undefined;
}

function visit(value: unknown, walk: Walk): void {
  switch (typeof value) {
    case "function":
      throw refuse(walk, `is a function (${value.name || "anonymous"})`);
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
  walk.bytes += 1;
  if (walk.path.length > MAX_DEPTH) throw refuse(walk, `is deeper than ${MAX_DEPTH} levels`);
  if (walk.seen.size > MAX_OBJECTS)
    throw refuse(walk, `is one of more than ${MAX_OBJECTS} objects`);
  if (Array.isArray(value)) visitArray(value, walk);
  else if (isPlainObject(value)) visitPlain(value, walk);
  else if (value instanceof Error) {
    if (!walk.recordOf) throw refuse(walk, "is an error inside an error's data");
    // On the same level: what an error carries counts, and it was already found to be plain data.
    visitObject(walk.recordOf(value), walk);
  } else visitBuiltin(value, walk);
}

function visitArray(value: readonly unknown[], walk: Walk): void {
  refuseSubclass(value, walk);
  for (let i = 0; i < value.length; i++) visitAt(value[i], walk, i);
  // Integer keys come first, so that an extra property is the last key.
  const last = Object.keys(value).at(-1);
  if (last !== undefined && !/^\d+$/.test(last))
    throw refuse(walk, "is an array with extra properties");
}

function visitBuiltin(value: object, walk: Walk): void {
  if (value instanceof Map)
    for (const [key, item] of value) {
      visitAt(key, walk, { words: "key", key });
      visitAt(item, walk, { words: "get", key });
    }
  else if (value instanceof Set) for (const item of value) visitAt(item, walk, { words: ".item" });
  else if (isBinary(value)) {
    walk.bytes += value.byteLength;
    // The elements are its keys, so extra properties go unseen. A Buffer arrives as the Uint8Array that it is.
    if (Buffer.isBuffer(value)) return;
    if (BINARY.has((value as { constructor?: unknown }).constructor)) return;
    throw refuse(walk, instanceOf(value));
  } else if (!(value instanceof Date || value instanceof RegExp || value instanceof URL))
    throw refuse(walk, instanceOf(value));
  refuseSubclass(value, walk);
  if (Object.keys(value).length > 0) throw refuse(walk, "has extra properties");
}

// The prototype of a built-in is two steps below null; a subclass, whose name and fields would be lost, is further away.
function refuseSubclass(value: object, walk: Walk): void {
  const prototype = Object.getPrototypeOf(value) as object;
  if (Object.getPrototypeOf(Object.getPrototypeOf(prototype)) !== null)
    throw refuse(walk, instanceOf(value));
}

function instanceOf(value: object): string {
  if (value instanceof AbortSignal)
    return "is an AbortSignal; give it to the call, $with({ signal }), and it is ctx.call.signal there";
  const { constructor } = value as { constructor?: { name?: unknown } };
  const name = typeof constructor?.name === "string" && constructor.name;
  return `is an instance of ${name || "a class"}; only plain data keeps its meaning on the way`;
}

function visitPlain(value: object, walk: Walk): void {
  if ((value as { [REFERENCE]?: unknown })[REFERENCE])
    throw refuse(walk, "is a reference to an actor; send its id and get() it there");
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === "symbol") throw refuse(walk, `has a symbol key (${key.toString()})`);
    const property = Object.getOwnPropertyDescriptor(value, key)!;
    if (!property.enumerable) continue;
    if (property.get || property.set) throw refuse(walk, `has an accessor (${describe(key)})`);
    if (key === "__proto__") throw refuse(walk, "has a key named __proto__");
    if (!key.isWellFormed()) throw refuse(walk, "has a key with a lone surrogate");
    visitAt(property.value, walk, key);
  }
}

function visitAt(value: unknown, walk: Walk, step: Step): void {
  walk.values += 1;
  if (isSimple(value) && walk.values <= MAX_VALUES) {
    walk.bytes += sizeOfSimple(value);
    return;
  }
  walk.path.push(step);
  if (walk.values > MAX_VALUES) throw refuse(walk, `is one of more than ${MAX_VALUES} values`);
  visit(value, walk);
  walk.path.pop();
}

function refuse(walk: Walk, problem: string): NotSerializableError {
  const [root, ...rest] = walk.path;
  const steps = rest.map((step) => stepText(step));
  const path =
    steps.length > 12
      ? `${root}${steps.slice(0, 6).join("")}…${steps.slice(-3).join("")}`
      : `${root}${steps.join("")}`;
  return new NotSerializableError(`${path} ${problem}, which cannot travel or be stored`, {
    outcome: "not-executed",
    details: { path },
  });
}

function stepText(step: Step): string {
  if (typeof step === "number") return `[${step}]`;
  if (typeof step === "string")
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${describe(step)}]`;
  return "key" in step ? `.${step.words}(${describe(step.key)})` : step.words;
}
