// The bytes of plain data: arrays, plain objects, text, numbers, booleans, null, undefined and Uint8Arrays that stand in a value
// once. That is nearly all that travels, so it is checked and written in one pass.
//   PW1. What it writes is to the byte what the library writes (codec.ts, C5): the property test compares the two.
//   PW2. What it does not know, or what must be refused, it leaves alone: it answers undefined, and the walk and the library
//        decide. Only they refuse anything, and only they have words for it.
//   PW3. It lets out nothing that walk.ts refuses (W1).
//   PW4. The tuples of a frame, which are our own and need no such check, are written here, too, as long as the frame is no larger
//        than most are.
//
// Written as one loop over one buffer with numbers in local places: the walk and the library together, with a descriptor for
// each property and a table of references, take four times as long (docs/PERFORMANCE.md).
import { MAX_DEPTH } from "./decode-limits.ts";
import { copyOf } from "./slab.ts";
import { unitAt } from "./unit-at.ts";

/** Beyond this the library's way of growing pays, and copies cost more than what is saved here. */
const MAX_VALUE_BYTES = 16_384;
/** A full frame of calls with some hundred bytes each. */
const MAX_FRAME_BYTES = 65_536;
/** The most that stands before a text or a number. */
const HEAD = 16;
/** Records have one byte each, from here to 0x7f. */
const FIRST_RECORD = 0x40;
const MAX_RECORDS = 64;
/** More objects than this are looked for in a set. */
const FEW = 16;
/** Longer texts are written by the runtime, which needs some time to be asked. */
const SHORT_TEXT = 48;
/** More are compared by the runtime. */
const FEW_BYTES = 256;

// Not a Buffer: to copy out of one costs twice as much.
const buffer = new Uint8Array(MAX_FRAME_BYTES + HEAD);
const view = new DataView(buffer.buffer);
// oxlint-disable-next-line typescript/unbound-method -- called with the bytes
const { utf8Write } = Buffer.prototype as unknown as {
  utf8Write(this: Uint8Array, text: string, at: number): number;
};
// Looking for an accessor makes no object, as asking for a property's descriptor does.
// oxlint-disable-next-line typescript/unbound-method, no-extend-native -- called with the object that is looked at
const { __lookupGetter__: getterOf, __lookupSetter__: setterOf } = Object.prototype as unknown as {
  __lookupGetter__(key: string): unknown;
  __lookupSetter__(key: string): unknown;
};

let at = 0;
/** How much may be written. */
let limit = 0;
/** Those so far: one that comes again stands in the value twice. The list is kept, and empty between two values. */
const objects: object[] = [];
let many: Set<object> | undefined;
/** The keys of the records so far; kept as well. */
const records: (readonly string[])[] = [];
/** A proxy's trap may send a value of its own. */
let busy = false;

/** The bytes of a value, for a while (slab.ts); undefined for what is not plain, or may not travel (PW2). */
export function writePlain(value: unknown): Uint8Array | undefined {
  if (busy) return undefined;
  at = 0;
  return writeValue(value) ? copyOf(buffer, at) : undefined;
}

/**
 * The bytes of a value behind those of `head`, to be kept: `last` itself where that is what they are, so that nothing is made for what
 * has not changed. Undefined as of writePlain.
 */
export function writePlainBehind(
  head: Uint8Array,
  value: unknown,
  last: Uint8Array | undefined,
): Uint8Array | undefined {
  if (busy) return undefined;
  for (let i = 0; i < head.length; i++) buffer[i] = head[i]!;
  at = head.length;
  if (!writeValue(value)) return undefined;
  return last && isWritten(last) ? last : buffer.slice(0, at);
}

function isWritten(bytes: Uint8Array): boolean {
  if (bytes.length !== at) return false;
  if (at > FEW_BYTES) return Buffer.compare(bytes, buffer.subarray(0, at)) === 0;
  for (let i = 0; i < at; i++) if (bytes[i] !== buffer[i]) return false;
  return true;
}

/** Behind what is written already. */
function writeValue(value: unknown): boolean {
  limit = MAX_VALUE_BYTES;
  busy = true;
  try {
    // Whoever gives all objects a property makes none of them plain.
    for (const _ in Object.prototype) return false;
    return write(value, 1);
  } catch {
    // Whatever a proxy throws when it is looked at: the walk will meet it, too.
    return false;
  } finally {
    busy = false;
    while (objects.length > 0) objects.pop();
    while (records.length > 0) records.pop();
    many = undefined;
  }
}

/**
 * Two bytes, and then nested lists of text, numbers, booleans, null and bytes (PW4), to the byte as the library writes them
 * without records; undefined where it should.
 */
export function writeTuples(
  first: number,
  second: number,
  tuples: readonly unknown[],
): Uint8Array | undefined {
  if (busy) return undefined;
  buffer[0] = first;
  buffer[1] = second;
  at = 2;
  limit = MAX_FRAME_BYTES;
  return writeTuple(tuples) ? buffer.slice(0, at) : undefined;
}

function writeTuple(tuple: readonly unknown[]): boolean {
  writeLength(tuple.length, 0x90, 0xdc);
  for (let i = 0; i < tuple.length; i++) {
    if (at > limit - HEAD) return false;
    const item = tuple[i];
    switch (typeof item) {
      case "string":
        if (!writeText(item)) return false;
        break;
      case "number":
        // Without records there is room for more small numbers.
        if (item >= 0x40 && item < 0x80 && Number.isInteger(item)) buffer[at++] = item;
        else writeNumber(item);
        break;
      case "boolean":
        buffer[at++] = item ? 0xc3 : 0xc2;
        break;
      case "object":
        if (item === null) buffer[at++] = 0xc0;
        else if (Array.isArray(item)) {
          if (!writeTuple(item)) return false;
        } else if (!(item instanceof Uint8Array) || !writeBinary(item)) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

function writeBinary(value: Uint8Array): boolean {
  const { length } = value;
  if (at + length > limit - HEAD) return false;
  if (length < 0x100) {
    buffer[at++] = 0xc4;
    buffer[at++] = length;
  } else {
    buffer[at++] = 0xc5;
    buffer[at++] = length >> 8;
    buffer[at++] = length & 0xff;
  }
  buffer.set(value, at);
  at += length;
  return true;
}

function write(value: unknown, depth: number): boolean {
  if (at > limit - HEAD) return false;
  switch (typeof value) {
    case "string":
      return writeText(value);
    case "number":
      writeNumber(value);
      return true;
    case "boolean":
      buffer[at++] = value ? 0xc3 : 0xc2;
      return true;
    case "undefined":
      buffer[at++] = 0xd4;
      buffer[at++] = 0;
      buffer[at++] = 0;
      return true;
    case "object":
      if (value === null) {
        buffer[at++] = 0xc0;
        return true;
      }
      return writeObject(value, depth);
    default:
      return false;
  }
}

function writeObject(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH || !isNew(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return writeRecord(value as Record<string, unknown>, depth);
  if (prototype === Array.prototype) return writeArray(value as readonly unknown[], depth);
  if (prototype === Uint8Array.prototype) return writeBytes(value as Uint8Array);
  return false;
}

function isNew(value: object): boolean {
  if (many) {
    if (many.has(value)) return false;
    many.add(value);
    return true;
  }
  for (let i = 0; i < objects.length; i++) if (objects[i] === value) return false;
  objects.push(value);
  if (objects.length > FEW) many = new Set(objects);
  return true;
}

function writeArray(value: readonly unknown[], depth: number): boolean {
  if (!Array.isArray(value)) return false;
  const { length } = value;
  writeLength(length, 0x90, 0xdc);
  for (let i = 0; i < length; i++) if (!write(value[i], depth + 1)) return false;
  // Anything besides the items.
  return Object.keys(value).length === length;
}

function writeRecord(value: Record<string, unknown>, depth: number): boolean {
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  const keys = Object.keys(value);
  if (!writeKeys(keys)) return false;
  let i = 0;
  for (const key in value) {
    if (key !== keys[i++]) return false;
    if (getterOf.call(value, key) !== undefined) return false;
    const item = value[key];
    if (item === undefined && setterOf.call(value, key) !== undefined) return false;
    if (!write(item, depth + 1)) return false;
  }
  return i === keys.length;
}

/** The record with these keys: by its number, or defined here. */
function writeKeys(keys: readonly string[]): boolean {
  for (let i = 0; i < records.length; i++)
    if (areSame(records[i]!, keys)) {
      buffer[at++] = FIRST_RECORD + i;
      return true;
    }
  if (records.length === MAX_RECORDS) return false;
  buffer[at++] = 0xd4;
  buffer[at++] = 0x72;
  buffer[at++] = FIRST_RECORD + records.length;
  records.push(keys);
  writeLength(keys.length, 0x90, 0xdc);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (at > limit - HEAD || key === "__proto__" || !writeText(key)) return false;
  }
  return true;
}

function areSame(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

function writeText(text: string): boolean {
  const { length } = text;
  if (at + length * 3 > limit) return false;
  if (length < SHORT_TEXT) {
    const head = length < 32 ? 1 : 2;
    const start = at + head;
    let i = 0;
    for (; i < length; i++) {
      const unit = unitAt(text, i);
      if (unit > 0x7f) break;
      buffer[start + i] = unit;
    }
    if (i === length) {
      if (head === 1) buffer[at] = 0xa0 | length;
      else {
        buffer[at] = 0xd9;
        buffer[at + 1] = length;
      }
      at = start + length;
      return true;
    }
  }
  if (!text.isWellFormed()) return false;
  const bytes = Buffer.byteLength(text);
  if (bytes < 32) buffer[at++] = 0xa0 | bytes;
  else if (bytes < 0x100) {
    buffer[at++] = 0xd9;
    buffer[at++] = bytes;
  } else {
    buffer[at++] = 0xda;
    buffer[at++] = bytes >> 8;
    buffer[at++] = bytes & 0xff;
  }
  at += utf8Write.call(buffer, text, at);
  return true;
}

function writeNumber(value: number): void {
  if (value >>> 0 === value) {
    if (value < 0x40) buffer[at++] = value;
    else if (value < 0x100) {
      buffer[at++] = 0xcc;
      buffer[at++] = value;
    } else if (value < 0x10000) {
      buffer[at++] = 0xcd;
      buffer[at++] = value >> 8;
      buffer[at++] = value & 0xff;
    } else {
      buffer[at++] = 0xce;
      view.setUint32(at, value);
      at += 4;
    }
  } else if (value >> 0 === value) {
    if (value >= -0x20) buffer[at++] = 0x100 + value;
    else if (value >= -0x80) {
      buffer[at++] = 0xd0;
      buffer[at++] = value & 0xff;
    } else if (value >= -0x8000) {
      buffer[at++] = 0xd1;
      view.setInt16(at, value);
      at += 2;
    } else {
      buffer[at++] = 0xd2;
      view.setInt32(at, value);
      at += 4;
    }
  } else {
    buffer[at++] = 0xcb;
    view.setFloat64(at, value);
    at += 8;
  }
}

function writeBytes(value: Uint8Array): boolean {
  const length = value.length;
  if (length === 0 || at + length > limit - HEAD) return false;
  const size = length + 1;
  if (size < 0x100) {
    buffer[at++] = 0xc7;
    buffer[at++] = size;
  } else {
    buffer[at++] = 0xc8;
    buffer[at++] = size >> 8;
    buffer[at++] = size & 0xff;
  }
  buffer[at++] = 0x74;
  buffer[at++] = 1; // of the typed arrays the second
  buffer.set(value, at);
  at += length;
  return true;
}

function writeLength(length: number, short: number, long: number): void {
  if (length < 16) buffer[at++] = short | length;
  else {
    // Longer than the buffer is no array that is written here.
    buffer[at++] = long;
    buffer[at++] = (length >> 8) & 0xff;
    buffer[at++] = length & 0xff;
  }
}
