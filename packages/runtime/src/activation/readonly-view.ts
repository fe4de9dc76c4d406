// State as `read` and `interleave` turns see it: every way to change it throws, at the place where the change was tried.
//   V1. Plain objects, arrays, maps, sets and dates are shown through proxies, all the way down; binary is shown as a copy.
//   V2. A view is made once per object and costs nothing where nobody looks.
import { TenureError } from "@tenure/core/internal";

/** Thrown where a `read` or `interleave` method tries to change state. */
export class ReadOnlyStateError extends TenureError {
  constructor(what: string) {
    super(
      "READ_ONLY_STATE",
      `state is read-only in a 'read' or 'interleave' method (${what}); make the method a 'write' one`,
    );
  }
}

const views = new WeakMap<object, object>();

export function readonlyView<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  const known = views.get(value);
  if (known) return known as T;
  const view = makeView(value);
  // A copy of binary is made at each look: it would show old bytes later.
  if (isBinary(value)) return view as T;
  views.set(value, view);
  // A view of a view is itself.
  views.set(view, view);
  return view as T;
}

function makeView(value: object): object {
  if (isBinary(value)) return copyOfBinary(value);
  if (value instanceof RegExp || value instanceof URL || value instanceof Error) return value;
  if (value instanceof Map || value instanceof Set || value instanceof Date)
    return new Proxy(value, { ...refusals, get: getFromBuiltin });
  return new Proxy(value, {
    ...refusals,
    get: (target, key) => readonlyView(Reflect.get(target, key)),
  });
}

function isBinary(value: object): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function copyOfBinary(value: ArrayBuffer | ArrayBufferView): object {
  if (value instanceof ArrayBuffer) return value.slice(0);
  return value instanceof DataView
    ? new DataView(
        value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength) as ArrayBuffer,
      )
    : (value as Uint8Array).slice();
}

const refusals: ProxyHandler<object> = {
  set: (_target, key) => refuse(`setting ${String(key)}`),
  defineProperty: (_target, key) => refuse(`defining ${String(key)}`),
  deleteProperty: (_target, key) => refuse(`deleting ${String(key)}`),
  setPrototypeOf: () => refuse("changing a prototype"),
  preventExtensions: () => refuse("freezing"),
};

function refuse(what: string): never {
  throw new ReadOnlyStateError(what);
}

const MUTATORS: ReadonlySet<PropertyKey> = new Set(["set", "add", "delete", "clear"]);

// The methods of built-ins work on internal slots, which a proxy does not have: they are called on the target.
function getFromBuiltin(target: object, key: PropertyKey): unknown {
  const member: unknown = Reflect.get(target, key, target);
  if (typeof member !== "function") return member;
  const method = member as (this: object, ...args: unknown[]) => unknown;
  if (target instanceof Date) {
    if (typeof key === "string" && key.startsWith("set")) return () => refuse(`Date.${key}`);
    return method.bind(target);
  }
  if (MUTATORS.has(key)) return () => refuse(String(key));
  if (key === "forEach")
    return (fn: (value: unknown, key: unknown, all: unknown) => void) =>
      (target as Map<unknown, unknown>).forEach((value, k) =>
        fn(readonlyView(value), readonlyView(k), readonlyView(target)),
      );
  return (...args: unknown[]) => viewOfResult(method.apply(target, args));
}

function viewOfResult(result: unknown): unknown {
  if (typeof result !== "object" || result === null) return result;
  if (typeof (result as Iterator<unknown>).next === "function" && Symbol.iterator in result)
    return viewsOf(result as Iterable<unknown>);
  return readonlyView(result);
}

function* viewsOf(items: Iterable<unknown>): Generator<unknown> {
  // The pairs of entries() are fresh arrays; what is in them is not.
  for (const item of items) yield Array.isArray(item) ? item.map(readonlyView) : readonlyView(item);
}
