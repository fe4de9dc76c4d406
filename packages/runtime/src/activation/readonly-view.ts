// State as everything but the turn of a `write` method sees it: every way to change it throws, at the place where the
// change was tried.
//   V1. Plain objects, arrays, maps, sets and dates are shown through proxies, all the way down; binary, and the other
//       built-ins that methods of their own can change, are shown as copies.
//   V2. A view is made once per object and costs nothing where nobody looks.
//   V3. A view can be used where the object can: sent, encoded, compared with another view, looked up in a view.
//   V4. After the actor has been lost, views refuse changes as a loss and not for their mode (R25).
import {
  copyOfBinary,
  isDeepFrozen,
  isolate,
  isPlainObject,
  TenureError,
} from "@tenure/core/internal";

/** Thrown where anything but the turn of a `write` method tries to change state. */
export class ReadOnlyStateError extends TenureError {
  constructor(what: string) {
    super(
      "READ_ONLY_STATE",
      `state is read-only here (${what}): only the turn of a 'write' method, and what it awaits, can change it`,
    );
  }
}

/** What a view came from, whichever way its changes are refused. */
const originals = new WeakMap<object, object>();

/** Makes views of state whose every change throws what `refusal` answers. */
export function viewsRefusing(refusal: (what: string) => Error): <T>(value: T) => T {
  const views = new WeakMap<object, object>();
  const refuse = (what: string): never => {
    throw refusal(what);
  };
  const refusals = refusalsBy(refuse);

  function viewOf<T>(value: T): T {
    if (typeof value !== "object" || value === null || originals.has(value)) return value;
    const known = views.get(value);
    if (known) return known as T;
    const view = makeView(value);
    // A copy is made at each look: it would show old contents later.
    if (!view) return copyOf(value) as T;
    views.set(value, view);
    originals.set(view, value);
    return view as T;
  }

  function makeView(value: object): object | undefined {
    if (value instanceof Map || value instanceof Set || value instanceof Date)
      return new Proxy(value, {
        ...refusals,
        get: (target, key) => getFromBuiltin(target, key, viewOf, refuse),
      });
    if (!Array.isArray(value) && !isPlainObject(value)) return undefined;
    if (isDeepFrozen(value)) return value;
    // A proxy must answer what a frozen target has, and that is not a view. What is frozen keeps its properties, so that
    // views of them can be shown on a copy of it.
    const target = Object.isFrozen(value)
      ? Array.isArray(value)
        ? [...value]
        : { ...value }
      : value;
    return new Proxy(target, {
      ...refusals,
      get: (_target, key) => viewOf(Reflect.get(value, key)),
      getOwnPropertyDescriptor: (_target, key) => {
        const property = Reflect.getOwnPropertyDescriptor(target, key);
        if (property && "value" in property) property.value = viewOf(property.value);
        return property;
      },
    });
  }

  return viewOf;
}

export const readonlyView: <T>(value: T) => T = viewsRefusing(
  (what) => new ReadOnlyStateError(what),
);

function copyOf(value: object): object {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
    ? copyOfBinary(value)
    : isolate(value, "state");
}

function originalOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? (originals.get(value) ?? value) : value;
}

function refusalsBy(refuse: (what: string) => never): ProxyHandler<object> {
  return {
    set: (_target, key) => refuse(`setting ${String(key)}`),
    defineProperty: (_target, key) => refuse(`defining ${String(key)}`),
    deleteProperty: (_target, key) => refuse(`deleting ${String(key)}`),
    setPrototypeOf: () => refuse("changing a prototype"),
    preventExtensions: () => refuse("freezing"),
  };
}

const MUTATORS: ReadonlySet<PropertyKey> = new Set(["set", "add", "delete", "clear"]);

// The methods of built-ins work on internal slots, which a proxy does not have: they are called on the target.
function getFromBuiltin(
  target: object,
  key: PropertyKey,
  viewOf: <T>(value: T) => T,
  refuse: (what: string) => never,
): unknown {
  const member: unknown = Reflect.get(target, key, target);
  if (typeof member !== "function" || key === "constructor") return member;
  const method = member as (this: object, ...args: unknown[]) => unknown;
  if (target instanceof Date) {
    if (typeof key === "string" && key.startsWith("set")) return () => refuse(`Date.${key}`);
    return method.bind(target);
  }
  if (MUTATORS.has(key)) return () => refuse(String(key));
  if (key === "forEach")
    return (fn: (value: unknown, key: unknown, all: unknown) => void, thisArg?: unknown) =>
      (target as Map<unknown, unknown>).forEach((value, k) =>
        fn.call(thisArg, viewOf(value), viewOf(k), viewOf(target)),
      );
  return (...args: unknown[]) => {
    const result: unknown = method.apply(target, args.map(originalOf));
    if (!ITERATORS.has(key)) return viewOf(result);
    const pairs = key === "entries" || (key === Symbol.iterator && target instanceof Map);
    return viewsOf(result as Iterable<unknown>, pairs, viewOf);
  };
}

const ITERATORS: ReadonlySet<PropertyKey> = new Set(["entries", "keys", "values", Symbol.iterator]);

function* viewsOf(
  items: Iterable<unknown>,
  pairs: boolean,
  viewOf: <T>(value: T) => T,
): Generator<unknown> {
  // The pairs are fresh arrays; what is in them is not.
  for (const item of items) yield pairs ? (item as readonly unknown[]).map(viewOf) : viewOf(item);
}
