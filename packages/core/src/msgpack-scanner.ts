// One pass over MessagePack bytes before anything is made of them: what comes from outside is refused, not decoded and
// then judged.
//   N1. What passes has at most so many levels, values and objects, and every length in it fits into the bytes. So what
//       decoding costs grows with the bytes that arrived, not with what they announce.
//   N2. Only what our encoder writes has a meaning. Of extensions: undefined, big integers, dates, sets, regular
//       expressions, binary, errors, URLs, records, and the ids and pointers by which an object stands in a value twice.
//       Anything else is refused, also where the library would take it (jumps to text elsewhere, errors of its own).
//   N3. The pass and the library read the same bytes in the same way: where one could see another number of values than
//       the other (a record whose keys are a pointer), the pass follows the pointer.
//   N4. What the library would turn into text is text: the keys of records, the parts of a RegExp, a URL. Text of a list
//       that holds itself many times over has no end.
//   N5. Whatever walk.ts lets out is let in here, within the same limits.
//
// Cost (test/bench/decode-limits.ts): an eighth of decoding for objects and text, nothing to speak of for binary, up to
// half for a list of bare numbers. It allocates only for ids: a number for each.
import type { Excess, Limits } from "./decode-limits.ts";

// Ids of records are 0x40 to 0x7f.
const RECORDS = 64;
const NOT_DEFINED = -1;
const NO_KEYS = -1;
const PROTO = Buffer.from("__proto__");

/** Scans one run of bytes after another; not reentrant, and never has to be. */
export class Scanner {
  /** How many values the bytes have that were scanned last. */
  values = 0;
  readonly #limits: Limits;
  /** Values still to come, for each level that is open outside of the current one. */
  readonly #open: Int32Array;
  /** How many keys each record has that the bytes have defined. */
  readonly #records = new Int32Array(RECORDS);
  /** The ids so far; and of each that is a list of keys, how many it has. */
  #ids: Map<number, number> | undefined;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #textAt = 0;
  #objects = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#open = new Int32Array(limits.depth + 1);
  }

  /** What is wrong with the bytes, or undefined. They are not kept. */
  scan(bytes: Uint8Array): Excess | undefined {
    this.#bytes = bytes;
    this.#at = 0;
    this.#objects = 0;
    this.#records.fill(NOT_DEFINED);
    this.values = 1;
    try {
      return this.#scan(bytes);
    } finally {
      this.#bytes = EMPTY;
      this.#ids = undefined;
    }
  }

  #scan(bytes: Uint8Array): Excess | undefined {
    const { depth, values, objects, tuplesOnly } = this.#limits;
    const end = bytes.length;
    let level = 0;
    let left = 1;
    for (;;) {
      while (left === 0) {
        if (level === 0) return this.#at === end ? undefined : { rule: "trailing", at: this.#at };
        left = this.#open[--level]!;
      }
      if (this.#at >= end) return { rule: "truncated", at: end };
      const at = this.#at++;
      const token = bytes[at]!;
      left -= 1;
      // Most of all: small numbers, then short text.
      if (token < 0x40 || token >= 0xe0) continue;
      let children: number;
      if (token < 0xa0) {
        if (token >= 0x90) children = token & 0x0f;
        else if (tuplesOnly) {
          if (token < 0x80) continue;
          return { rule: "extension", at };
        } else if (token >= 0x80) children = (token & 0x0f) * 2;
        else {
          children = this.#records[token & 0x3f]!;
          if (children === NOT_DEFINED) return { rule: "record", at };
        }
      } else if (token < 0xc0) {
        this.#at += token & 0x1f;
        if (this.#at > end) return { rule: "truncated", at };
        continue;
      } else {
        const size = SIZES[token - 0xc0]!;
        if (size >= 0) {
          this.#at += size;
          if (this.#at > end) return { rule: "truncated", at };
          continue;
        }
        switch (token) {
          case 0xc4: // bytes
          case 0xc5:
          case 0xc6:
            if (!this.#skip(this.#length(token - 0xc4))) return { rule: "truncated", at };
            this.#objects += 1;
            if (this.#objects > objects) return { rule: "objects", at, limit: objects };
            continue;
          case 0xd9: // text
          case 0xda:
          case 0xdb:
            if (!this.#skip(this.#length(token - 0xd9))) return { rule: "truncated", at };
            continue;
          case 0xdc: // arrays
          case 0xdd:
            children = this.#length(token - 0xdb);
            break;
          case 0xde: // Maps
          case 0xdf:
            if (tuplesOnly) return { rule: "extension", at };
            children = this.#length(token - 0xdd) * 2;
            break;
          default: {
            if (tuplesOnly) return { rule: "extension", at };
            const found = this.#extension(token, at);
            if (typeof found === "object") return found;
            if (found === DONE) continue;
            if (found === FOLLOWED) {
              left += 1;
              continue;
            }
            children = found;
          }
        }
      }
      // Each child takes a byte at least: an announced length that cannot be is refused before anybody counts to it.
      if (children > end - this.#at) return { rule: "truncated", at };
      this.#objects += 1;
      if (this.#objects > objects) return { rule: "objects", at, limit: objects };
      this.values += children;
      if (this.values > values) return { rule: "values", at, limit: values };
      if (level >= depth) return { rule: "depth", at, limit: depth };
      this.#open[level++] = left;
      left = children;
    }
  }

  /** A length of 1, 2 or 4 bytes, by its place in that order; more than fits where it is cut off. */
  #length(order: number): number {
    const bytes = this.#bytes;
    const at = this.#at;
    this.#at += 1 << order;
    if (this.#at > bytes.length) return 2 ** 32;
    if (order === 0) return bytes[at]!;
    const high = (bytes[at]! << 8) | bytes[at + 1]!;
    return order === 1 ? high : high * 0x10000 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
  }

  #skip(length: number): boolean {
    this.#at += length;
    return this.#at <= this.#bytes.length;
  }

  /** DONE, FOLLOWED by the value that it says something about, or how many values a record has. */
  #extension(token: number, at: number): Excess | number {
    const bytes = this.#bytes;
    let length: number;
    if (token >= 0xd4 && token <= 0xd8) length = 1 << (token - 0xd4);
    else if (token >= 0xc7 && token <= 0xc9) length = this.#length(token - 0xc7);
    else return { rule: "extension", at };
    const type = bytes[this.#at++];
    const data = this.#at;
    if (!this.#skip(length)) return { rule: "truncated", at };
    const one = token === 0xd4;
    switch (type) {
      case UNDEFINED:
        return one ? DONE : { rule: "extension", at };
      case BIG_INTEGER:
        return DONE;
      case DATE:
        if (one || token === 0xd6 || token === 0xd7 || (token === 0xc7 && length === 12))
          return this.#leaf(at);
        return { rule: "extension", at };
      case BINARY:
        return token <= 0xc9 && length > 0 ? this.#leaf(at) : { rule: "extension", at };
      case SET:
        if (!one) return { rule: "extension", at };
        return this.#isArray(bytes[this.#at]) ? FOLLOWED : { rule: "extension", at };
      case REG_EXP:
        if (!one || bytes[this.#at++] !== 0x92) return { rule: "extension", at };
        return this.#text() && this.#text() ? this.#leaf(at) : { rule: "text", at };
      case URL_TEXT:
        if (!one) return { rule: "extension", at };
        return this.#text() ? this.#leaf(at) : { rule: "text", at };
      case ERROR: {
        // Its record is written with it, always: one that is shared would be a thousand errors for a few bytes.
        if (!one) return { rule: "extension", at };
        if (!this.#isRecord()) return { rule: "extension", at };
        const leaf = this.#leaf(at);
        return leaf === DONE ? FOLLOWED : leaf;
      }
      case RECORD:
        return one ? this.#record(bytes[data]!, at) : { rule: "extension", at };
      case ID:
        if (token !== 0xd6 || !this.#isObject()) return { rule: "pointer", at };
        return this.#identify(data, NO_KEYS) ? FOLLOWED : { rule: "pointer", at };
      case POINTER:
        if (token !== 0xd6) return { rule: "extension", at };
        return this.#ids?.has(this.#number(data)) ? DONE : { rule: "pointer", at };
      default:
        return { rule: "extension", at };
    }
  }

  #leaf(at: number): Excess | typeof DONE {
    this.#objects += 1;
    const limit = this.#limits.objects;
    return this.#objects > limit ? { rule: "objects", at, limit } : DONE;
  }

  /** The definition of a record: an id, its keys, and then its first use. Answers how many values it has. */
  #record(id: number, at: number): Excess | number {
    if (id < 0x40 || id > 0x7f) return { rule: "record", at };
    const keys = this.#keys();
    if (typeof keys === "number") this.#records[id & 0x3f] = keys;
    return keys;
  }

  // The encoder has room for 64 records; one that had to go is defined again, by a pointer to the keys written before.
  #keys(): Excess | number {
    const bytes = this.#bytes;
    const at = this.#at;
    let id = -1;
    if (bytes[at] === 0xd6) {
      this.#at += 6;
      if (this.#at > bytes.length) return { rule: "truncated", at };
      if (bytes[at + 1] === POINTER) {
        const keys = this.#ids?.get(this.#number(at + 2)) ?? NO_KEYS;
        return keys === NO_KEYS ? { rule: "pointer", at } : keys;
      }
      if (bytes[at + 1] !== ID) return { rule: "record", at };
      id = at + 2;
    }
    const token = bytes[this.#at++]!;
    let count: number;
    if (token >= 0x90 && token < 0xa0) count = token & 0x0f;
    else if (token === 0xdc || token === 0xdd) count = this.#length(token - 0xdb);
    else return { rule: "record", at };
    if (count > bytes.length - this.#at) return { rule: "truncated", at };
    if (id >= 0 && !this.#identify(id, count)) return { rule: "pointer", at };
    for (let i = 0; i < count; i++) {
      if (!this.#text() || this.#isProto()) return { rule: "key", at: this.#textAt };
    }
    return count;
  }

  /** Steps over text; false where there is something else, or too little. */
  #text(): boolean {
    const token = this.#bytes[this.#at++]!;
    let length: number;
    if (token >= 0xa0 && token < 0xc0) length = token & 0x1f;
    else if (token >= 0xd9 && token <= 0xdb) length = this.#length(token - 0xd9);
    else return false;
    this.#textAt = this.#at;
    return this.#skip(length);
  }

  /** Whether the text that was stepped over last is `__proto__`. */
  #isProto(): boolean {
    if (this.#at - this.#textAt !== PROTO.length) return false;
    return PROTO.every((byte, i) => this.#bytes[this.#textAt + i] === byte);
  }

  /** Gives what follows the id at this offset; false where something else has it. */
  #identify(at: number, keys: number): boolean {
    const id = this.#number(at);
    this.#ids ??= new Map();
    if (this.#ids.has(id)) return false;
    this.#ids.set(id, keys);
    return true;
  }

  #number(at: number): number {
    const bytes = this.#bytes;
    return (
      ((bytes[at]! << 8) | bytes[at + 1]!) * 0x10000 + ((bytes[at + 2]! << 8) | bytes[at + 3]!)
    );
  }

  #isArray(token: number | undefined): boolean {
    return token !== undefined && ((token >= 0x90 && token < 0xa0) || (token & 0xfe) === 0xdc);
  }

  #isRecord(): boolean {
    const token = this.#bytes[this.#at]!;
    if (token >= 0x40 && token < 0x80) return true;
    return token === 0xd4 && this.#bytes[this.#at + 1] === RECORD;
  }

  /** What follows can have an id: an object, and neither another id nor a pointer. */
  #isObject(): boolean {
    const token = this.#bytes[this.#at]!;
    if (token < 0xc7) return token >= 0x40 && token < 0xa0;
    if (token <= 0xc9) return true;
    if (token < 0xd4 || token > 0xd8) return token >= 0xdc && token < 0xe0;
    const type = this.#bytes[this.#at + 1];
    return type !== ID && type !== POINTER;
  }
}

const EMPTY = new Uint8Array();
const DONE = -1;
const FOLLOWED = -2;

// The types of the library's extensions, and of ours (codec.ts).
const UNDEFINED = 0;
const BIG_INTEGER = 0x42;
const ERROR = 0x45;
const URL_TEXT = 0x55;
const ID = 0x69;
const POINTER = 0x70;
const RECORD = 0x72;
const SET = 0x73;
const BINARY = 0x74;
const REG_EXP = 0x78;
const DATE = 0xff;

/** Bytes after the token, of what has a fixed size; -1 for the others. From 0xc0: nil, false, true, floats, integers. */
const SIZES: Int8Array = Int8Array.from([
  0, -1, 0, 0, -1, -1, -1, -1, -1, -1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1,
]);
