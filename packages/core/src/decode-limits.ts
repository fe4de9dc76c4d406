// How much one value may be, and why bytes are refused before they are decoded.
//   L1. The limits of a value hold at its sender (walk.ts) and at its receiver (msgpack-scanner.ts): what the one lets out
//       the other lets in.
//   L2. A refusal says which rule, where, and which number was passed.

export const MAX_DEPTH = 100;
/** A value is what stands anywhere in a value: an item, a property's value, a Map's key. */
export const MAX_VALUES: number = 2 ** 20;
/** Fewer, because they are dear: an empty Map takes one byte, and 200 in memory. */
export const MAX_OBJECTS = 100_000;

export interface Limits {
  /** Nested arrays, objects, Maps and Sets; an error's record is one, too. */
  readonly depth: number;
  readonly values: number;
  /** Whatever is not a primitive. */
  readonly objects: number;
  /** Arrays, primitives and bytes only. */
  readonly tuplesOnly?: boolean;
}

export const VALUE_LIMITS: Limits = {
  depth: MAX_DEPTH,
  values: MAX_VALUES,
  objects: MAX_OBJECTS,
};

export interface Excess {
  readonly rule: keyof typeof WORDS;
  /** The offset in the bytes. */
  readonly at: number;
  /** The number that was passed, where the rule has one. */
  readonly limit?: number;
}

const WORDS = {
  truncated: "ends too early, or announces more than there is",
  trailing: "goes on after its end",
  depth: "is nested too deep",
  values: "has too many values",
  objects: "has too many objects",
  extension: "has something in it that is never written",
  record: "has a record that is not defined, or not well",
  key: "has a key that is forbidden, or no text",
  pointer: "has an id or a pointer that cannot be",
  text: "has something else where text has to be",
} as const;

/** An excess in words (L2). */
export function excessText({ rule, at, limit }: Excess): string {
  return `${WORDS[rule]} (${limit === undefined ? "" : `more than ${limit}, `}at byte ${at})`;
}
