// Plain data out of bytes: what plain-writer.ts writes, and tuples of it. Scanned and made in one pass.
//   PR1. It reads what the library reads, as the library reads it: the property test compares the two.
//   PR2. What it does not know, or what must be refused, it leaves alone: it answers NOT_PLAIN, and the scanner and the library
//        decide. Only they refuse anything.
//   PR3. The limits are the scanner's: past one of them it has no word for what it met, and leaves that to the scanner.
//   PR4. Objects of one shape are copies of one object that has their keys. The library, which may generate no code here
//        (codec.ts, C7), adds the keys one by one to each. Shapes are remembered in a table of fixed size: whoever sends many
//        slows himself down.
import type { Limits } from "./decode-limits.ts";
import { SHORT_BYTES } from "./slab.ts";

export const NOT_PLAIN: unique symbol = Symbol("not plain");

const FIRST_RECORD = 0x40;
/** Longer texts are made by the runtime, which needs some time to be asked. */
const SHORT_TEXT = 12;
const SHAPES = 256;
const MAX_KEYS = 64;

interface Shape {
  /** The list of keys as it is written. */
  readonly bytes: Uint8Array;
  readonly keys: readonly string[];
  readonly empty: Readonly<Record<string, unknown>>;
}

const shapes: (Shape | undefined)[] = Array.from({ length: SHAPES });
/** Of the bytes that are read. */
let source: Uint8Array = new Uint8Array();
let at = 0;
let end = 0;
let limits: Limits = { depth: 0, values: 0, objects: 0 };
let isTuples = false;
let isShared = false;
let values = 0;
let objects = 0;
/** The records so far: their numbers, and what each of them is. */
let numbers: number[] = [];
let records: Shape[] = [];

const double = new Uint8Array(8);
const doubleView = new DataView(double.buffer);
// On bytes of any kind, without a Buffer around them.
// oxlint-disable-next-line typescript/unbound-method -- called with the bytes
const { utf8Slice, latin1Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, stop: number): string;
  latin1Slice(this: Uint8Array, start: number, stop: number): string;
};

/**
 * The value of these bytes, from `start` on; NOT_PLAIN for what another has to look at. What is read owns its bytes, but for what is
 * longer than SHORT_BYTES with `shares`, which is a view of them. (A view of the rest in place of `start` would move short bytes out
 * of the runtime's own memory, for as long as they live.)
 */
export function readPlain(
  bytes: Uint8Array,
  within: Limits,
  shares: boolean = false,
  start: number = 0,
): unknown {
  // A Buffer's slice() would share its memory.
  source = Buffer.isBuffer(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : bytes;
  at = start;
  end = bytes.length;
  limits = within;
  isTuples = within.tuplesOnly === true;
  isShared = shares;
  values = 1;
  objects = 0;
  const value = read(0);
  if (numbers.length > 0) {
    numbers = [];
    records = [];
  }
  source = NOTHING;
  return at === end ? value : NOT_PLAIN;
}

const NOTHING = new Uint8Array();

function read(depth: number): unknown {
  if (at >= end) return NOT_PLAIN;
  const token = source[at++]!;
  if (token < 0x40) return token;
  if (token >= 0xe0) return token - 0x100;
  if (token < 0x80) {
    if (isTuples) return token;
    const known = numbers.indexOf(token);
    return known === -1 ? NOT_PLAIN : readRecord(records[known]!, depth);
  }
  if (token < 0x90) return NOT_PLAIN;
  if (token < 0xa0) return readArray(token & 0x0f, depth);
  if (token < 0xc0) return readText(token & 0x1f);
  switch (token) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return readBytes(readLength(1));
    case 0xc5:
      return readBytes(readLength(2));
    case 0xc7:
      return readBinary(readLength(1));
    case 0xc8:
      return readBinary(readLength(2));
    case 0xcb:
      return readDouble();
    case 0xcc:
      return readUnsigned(1);
    case 0xcd:
      return readUnsigned(2);
    case 0xce:
      return readUnsigned(4);
    case 0xd0:
      return readSigned(1);
    case 0xd1:
      return readSigned(2);
    case 0xd2:
      return readSigned(4);
    case 0xd4:
      return readExtension(depth);
    case 0xd9:
      return readText(readLength(1));
    case 0xda:
      return readText(readLength(2));
    case 0xdc:
      return readArray(readLength(2), depth);
    default:
      return NOT_PLAIN;
  }
}

/** More than there can be where the bytes end before it. */
function readLength(size: number): number {
  const length = readUnsigned(size);
  return length === NOT_PLAIN ? Infinity : (length as number);
}

function readUnsigned(size: number): unknown {
  if (at + size > end) return NOT_PLAIN;
  let number = 0;
  for (let i = 0; i < size; i++) number = number * 0x100 + source[at++]!;
  return number;
}

function readSigned(size: number): unknown {
  const number = readUnsigned(size);
  if (typeof number !== "number") return NOT_PLAIN;
  const half = 2 ** (8 * size - 1);
  return number < half ? number : number - 2 * half;
}

function readDouble(): unknown {
  if (at + 8 > end) return NOT_PLAIN;
  for (let i = 0; i < 8; i++) double[i] = source[at++]!;
  return doubleView.getFloat64(0);
}

/** Whether one more object with so many values passes no limit (PR3). */
function mayOpen(children: number, depth: number): boolean {
  objects += 1;
  values += children;
  return depth < limits.depth && values <= limits.values && objects <= limits.objects;
}

function readArray(length: number, depth: number): unknown {
  // Each item takes a byte at least.
  if (length > end - at || !mayOpen(length, depth)) return NOT_PLAIN;
  const array: unknown[] = [];
  for (let i = 0; i < length; i++) {
    const item = read(depth + 1);
    if (item === NOT_PLAIN) return NOT_PLAIN;
    array.push(item);
  }
  return array;
}

/** Of one byte: undefined, or a record that is defined here. */
function readExtension(depth: number): unknown {
  if (isTuples || at + 2 > end) return NOT_PLAIN;
  const type = source[at++]!;
  const byte = source[at++]!;
  if (type === 0) return undefined;
  if (type !== 0x72 || byte < FIRST_RECORD || byte > 0x7f) return NOT_PLAIN;
  const shape = readShape();
  // Defined a second time: only the library does that, when it has run out of numbers.
  if (!shape || numbers.includes(byte)) return NOT_PLAIN;
  numbers.push(byte);
  records.push(shape);
  return readRecord(shape, depth);
}

function readRecord(shape: Shape, depth: number): unknown {
  const { keys } = shape;
  if (!mayOpen(keys.length, depth)) return NOT_PLAIN;
  const record: Record<string, unknown> = { ...shape.empty }; // PR4
  for (let i = 0; i < keys.length; i++) {
    const item = read(depth + 1);
    if (item === NOT_PLAIN) return NOT_PLAIN;
    record[keys[i]!] = item;
  }
  return record;
}

/** Steps over a list of keys; the shape that has them. */
function readShape(): Shape | undefined {
  const start = at;
  if (at >= end) return undefined;
  const token = source[at++]!;
  let count = token & 0x0f;
  if (token === 0xdc) {
    count = readLength(2);
  } else if (token < 0x90 || token > 0x9f) return undefined;
  if (count > MAX_KEYS) return undefined;
  let hash = count;
  for (let i = 0; i < count; i++) {
    if (at >= end) return undefined;
    const key = source[at++]!;
    let length = key & 0x1f;
    if (key === 0xd9) {
      if (at >= end) return undefined;
      length = source[at++]!;
    } else if (key < 0xa0 || key > 0xbf) return undefined;
    if (at + length > end) return undefined;
    if (length > 0) hash = (hash * 31 + source[at]! * 7 + source[at + length - 1]! + length) | 0;
    at += length;
  }
  const slot = hash & (SHAPES - 1);
  const known = shapes[slot];
  if (known && isAt(known.bytes, start)) return known;
  return (shapes[slot] = shapeOf(start, at, count));
}

function isAt(bytes: Uint8Array, start: number): boolean {
  if (bytes.length !== at - start) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== source[start + i]) return false;
  return true;
}

function shapeOf(start: number, stop: number, count: number): Shape | undefined {
  at = start + (source[start] === 0xdc ? 3 : 1);
  const keys: string[] = [];
  const empty: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const token = source[at++]!;
    const key = readText(token === 0xd9 ? source[at++]! : token & 0x1f);
    if (typeof key !== "string" || key === "__proto__" || Object.hasOwn(empty, key))
      return undefined;
    keys.push(key);
    empty[key] = undefined;
  }
  // Keys that are numbers come first in every object, however they are written.
  if (Object.keys(empty).some((key, i) => key !== keys[i])) return undefined;
  return { bytes: source.slice(start, stop), keys, empty };
}

function readText(length: number): unknown {
  const start = at;
  at += length;
  if (at > end) return NOT_PLAIN;
  if (length < SHORT_TEXT) {
    let text = "";
    for (let i = start; i < at; i++) {
      const byte = source[i]!;
      if (byte > 0x7f) return utf8Slice.call(source, start, at);
      text += ASCII[byte]!;
    }
    return text;
  }
  for (let i = start; i < at; i++) if (source[i]! > 0x7f) return utf8Slice.call(source, start, at);
  return latin1Slice.call(source, start, at);
}

const ASCII: readonly string[] = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i));

function readBytes(length: number): unknown {
  at += length;
  objects += 1;
  if (at > end || objects > limits.objects) return NOT_PLAIN;
  return isShared && length > SHORT_BYTES
    ? new Uint8Array(source.buffer, source.byteOffset + at - length, length)
    : source.slice(at - length, at);
}

/** Of the kinds of binary only bytes. */
function readBinary(size: number): unknown {
  if (isTuples || size < 2 || at + 1 + size > end) return NOT_PLAIN;
  if (source[at] !== 0x74 || source[at + 1] !== 1) return NOT_PLAIN;
  at += 2;
  return readBytes(size - 1);
}
