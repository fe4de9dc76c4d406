// What a value is after it has travelled, or has been stored and loaded.
/** What is documented to change on the way: -0, a Buffer's class, an object's missing prototype. */
export function arrived(value: unknown, done = new Map<object, unknown>()): unknown {
  if (Object.is(value, -0)) return 0;
  if (typeof value !== "object" || value === null) return value;
  const known = done.get(value);
  if (known !== undefined) return known;
  const keep = <T extends object>(out: T): T => {
    done.set(value, out);
    return out;
  };
  if (Buffer.isBuffer(value)) return keep(new Uint8Array(value));
  if (Array.isArray(value)) {
    const out = keep([] as unknown[]);
    for (const item of value) out.push(arrived(item, done));
    return out;
  }
  if (value instanceof Map) {
    const out = keep(new Map());
    for (const [k, item] of value) out.set(arrived(k, done), arrived(item, done));
    return out;
  }
  if (value instanceof Set) {
    const out = keep(new Set());
    for (const item of value) out.add(arrived(item, done));
    return out;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  const out = keep({} as Record<string, unknown>);
  for (const [k, item] of Object.entries(value)) out[k] = arrived(item, done);
  return out;
}

/**
 * Whether two values have the same shape: what is one object in the first is one in the second, and what are two are two. Binary and
 * leaves with a class of their own are not looked at.
 */
export function sameSharing(a: unknown, b: unknown, pairs = new Map<unknown, unknown>()): boolean {
  if (!isContainer(a)) return true;
  if (pairs.has(a)) return pairs.get(a) === b;
  if ([...pairs.values()].includes(b)) return false;
  pairs.set(a, b);
  const [as, bs] = [partsOf(a), partsOf(b as object)];
  return as.every((part, i) => sameSharing(part, bs[i], pairs));
}

function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return true;
  return Object.getPrototypeOf(value) === Object.prototype;
}

function partsOf(value: object): readonly unknown[] {
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  return Object.values(value);
}
