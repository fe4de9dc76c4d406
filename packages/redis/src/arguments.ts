// What a script is given: one value that has all arguments, as MessagePack that `cmsgpack` reads on the server.
//   AR1. An argument is text or bytes; both come out as the same string in Lua. Numbers go as the text that JavaScript prints.
//        An actor goes as `encodeActorKey` writes it.
//   AR2. Bytes that are large are a value of their own, and a number in the list says which: they are copied once less, and
//        no value nears the server's limit (512 MB), however many there are. Texts are names, and never large.
//
// A batch of 256 saves has 2,800 arguments. As 2,800 values of a command they cost the client more than all else that a
// save costs, and the server as much as deciding them (docs/PERFORMANCE.md).

import { type ActorAddress, assert, encodeActorKey, unitAt } from "@tenure/core/internal";

export const LARGE = 4_096;
/** Of a list, when no more bytes are added to it. */
export const MAX_LIST: number = 16 * 1_024 * 1_024;
const FIRST = 16 * 1_024;
/** A list's head: how many there are is known last. */
const HEAD = 5;
/** Of an argument, before its bytes. */
const ITEM_HEAD = 5;
/** Longer texts are written by the runtime, which needs some time to be asked. */
const SHORT_TEXT = 48;
/** Of a number below 2^53. */
const MAX_DIGITS = 16;
const BILLION = 1e9;
const BILLION_DIGITS = 9;
const ZERO = 0x30;
const BLANK = 0x20;
const NOT_PLAIN = -1;
/** What Lua calls a space. */
const SPACE = /[\t-\r ]/;
const SLASH = 0x2f;
/** base64url */
const DIGITS = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

export class ScriptArguments {
  #bytes = Buffer.allocUnsafe(FIRST);
  #at = HEAD;
  #count = 0;
  #large: Buffer[] = [];
  readonly #firstLarge: number;

  /** `firstLarge`: what the script calls the first large value. */
  constructor(firstLarge: number) {
    this.#firstLarge = firstLarge;
  }

  text(text: string): void {
    const { length } = text;
    // No unit of a text has more than three bytes.
    this.#makeRoom(length * 3 + ITEM_HEAD);
    this.#count += 1;
    const bytes = this.#bytes;
    if (length < SHORT_TEXT) {
      const start = this.#at + (length < 32 ? 1 : 2);
      let i = 0;
      for (; i < length; i++) {
        const unit = unitAt(text, i);
        if (unit > 0x7f) break;
        bytes[start + i] = unit;
      }
      if (i === length) {
        this.#head(length);
        this.#at = start + length;
        return;
      }
    }
    this.#head(Buffer.byteLength(text, "utf8"));
    this.#at += bytes.write(text, this.#at, "utf8");
  }

  /** A text that a record has between blanks, and so has none itself. */
  word(word: string): void {
    assert(!SPACE.test(word), "what a record has between blanks has none", { word });
    this.text(word);
  }

  /**
   * How the text of a row begins, up to its version (`scripts/rows.ts`), before a save and after it: words with a blank behind each. Two
   * arguments, which differ in their last word.
   */
  rowHeads(format: number, generation: number, token: string, before: string, after: string): void {
    if (this.#plainRowHeads(format, generation, token, before, after)) return;
    const words = [token, before, after];
    assert(!SPACE.test(words.join("")), "a word of a row has no blank", { words });
    for (const etag of [before, after]) this.text(`${format} ${generation} ${token} ${etag} `);
  }

  /** False when they are not plain, and nothing is written. */
  #plainRowHeads(
    format: number,
    generation: number,
    token: string,
    before: string,
    after: string,
  ): boolean {
    const longest = 2 * MAX_DIGITS + 4 + token.length + Math.max(before.length, after.length);
    if (longest > 0xff || !(generation >= 0 && Number.isSafeInteger(generation))) return false;
    this.#makeRoom(2 * (ITEM_HEAD + longest));
    const bytes = this.#bytes;
    const first = this.#at + 2;
    let at = this.#naturalAt(format, first);
    bytes[at++] = BLANK;
    at = this.#naturalAt(generation, at);
    bytes[at++] = BLANK;
    const same = this.#wordAt(token, at);
    const end = same === NOT_PLAIN ? same : this.#wordAt(before, same);
    if (end === NOT_PLAIN) return false;
    const second = end + 2;
    const last = this.#wordAt(after, second + same - first);
    if (last === NOT_PLAIN) return false;
    bytes.copyWithin(second, first, same);
    bytes[first - 2] = bytes[end] = 0xd9;
    bytes[first - 1] = end - first;
    bytes[end + 1] = last - second;
    this.#at = last;
    this.#count += 2;
    return true;
  }

  /** And a blank. Answers where that ends. */
  #wordAt(word: string, start: number): number {
    const bytes = this.#bytes;
    let at = start;
    for (let i = 0; i < word.length; i++) {
      const unit = unitAt(word, i);
      if (unit > 0x7f || unit <= BLANK) return NOT_PLAIN;
      bytes[at++] = unit;
    }
    bytes[at++] = BLANK;
    return at;
  }

  /** Of a batch: how many, and which. */
  actors(batch: readonly { readonly actor: ActorAddress }[]): void {
    this.number(batch.length);
    for (const { actor } of batch) this.actor(actor);
  }

  /** The actor's key. Nearly all ids are short and plain, and then no text is made of it: that takes 0.5 µs, this 0.1. */
  actor(actor: ActorAddress): void {
    const { type, id } = actor;
    const length = type.length + 1 + Math.ceil((id.length * 4) / 3);
    if (length >= SHORT_TEXT || !this.#plainActor(type, id, length))
      this.text(encodeActorKey(actor));
  }

  /** False when it is not plain, and nothing is written. */
  #plainActor(type: string, id: string, length: number): boolean {
    this.#makeRoom(length + ITEM_HEAD);
    const bytes = this.#bytes;
    let at = this.#at + (length < 32 ? 1 : 2);
    for (let i = 0; i < type.length; i++) bytes[at++] = unitAt(type, i);
    bytes[at++] = SLASH;
    let units = 0;
    let bits = 0;
    for (let i = 0; i < id.length; i++) {
      const unit = unitAt(id, i);
      if (unit > 0x7f) return false;
      bits = ((bits & 0xff) << 8) | unit;
      units += 8;
      for (; units >= 6; units -= 6) bytes[at++] = DIGITS[(bits >> (units - 6)) & 0x3f]!;
    }
    if (units > 0) bytes[at++] = DIGITS[(bits << (6 - units)) & 0x3f]!;
    this.#head(length);
    this.#at = at;
    this.#count += 1;
    return true;
  }

  number(number: number): void {
    if (number >= 0 && Number.isSafeInteger(number)) this.#natural(number);
    else this.text(String(number));
  }

  /** Not copied where it is large: it must stay as it is until it is sent. */
  bytes(value: Uint8Array): void {
    const { length } = value;
    if (length > LARGE || this.#at + length > MAX_LIST) {
      this.#place(this.#firstLarge + this.#large.length);
      this.#large.push(Buffer.from(value.buffer, value.byteOffset, length));
      return;
    }
    this.#makeRoom(length + ITEM_HEAD);
    this.#count += 1;
    this.#head(length);
    this.#bytes.set(value, this.#at);
    this.#at += length;
  }

  /** The list, its own bytes, and the large values; then there are none. */
  take(): Buffer[] {
    this.#bytes[0] = 0xdd;
    this.#bytes.writeUInt32BE(this.#count, 1);
    const taken = [Buffer.from(this.#bytes.subarray(0, this.#at)), ...this.#large];
    this.clear();
    return taken;
  }

  clear(): void {
    this.#at = HEAD;
    this.#count = 0;
    if (this.#large.length > 0) this.#large = [];
    if (this.#bytes.length > 64 * FIRST) this.#bytes = Buffer.allocUnsafe(FIRST);
  }

  #makeRoom(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#at + length));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }

  /** Its digits, without a text of them: counts and generations are in every operation. */
  #natural(number: number): void {
    this.#makeRoom(ITEM_HEAD + MAX_DIGITS);
    this.#count += 1;
    const head = this.#at++;
    const end = this.#naturalAt(number, this.#at);
    this.#bytes[head] = 0xa0 | (end - this.#at);
    this.#at = end;
  }

  /** Answers where its digits end. */
  #naturalAt(number: number, at: number): number {
    // Two whole numbers of 32 bits: with others the runtime takes four times as long.
    const high = number < BILLION ? 0 : Math.floor(number / BILLION);
    const low = number - high * BILLION;
    const end = at + (high === 0 ? digitsOf(low) : digitsOf(high) + BILLION_DIGITS);
    if (high === 0) this.#digits(low, end, end - at);
    else {
      this.#digits(low, end, BILLION_DIGITS);
      this.#digits(high, end - BILLION_DIGITS, end - at - BILLION_DIGITS);
    }
    return end;
  }

  /** The last of them stands before `end`. */
  #digits(number: number, end: number, digits: number): void {
    let rest = number;
    for (let at = end - 1; at >= end - digits; at--) {
      const tenth = (rest / 10) | 0;
      this.#bytes[at] = ZERO + rest - 10 * tenth;
      rest = tenth;
    }
  }

  #head(length: number): void {
    const bytes = this.#bytes;
    if (length < 32) bytes[this.#at++] = 0xa0 | length;
    else if (length < 0x100) {
      bytes[this.#at++] = 0xd9;
      bytes[this.#at++] = length;
    } else if (length < 0x10000) {
      bytes[this.#at++] = 0xda;
      bytes[this.#at++] = length >> 8;
      bytes[this.#at++] = length & 0xff;
    } else {
      bytes[this.#at] = 0xdb;
      this.#at = bytes.writeUInt32BE(length, this.#at + 1);
    }
  }

  #place(place: number): void {
    this.#makeRoom(ITEM_HEAD);
    this.#count += 1;
    this.#bytes[this.#at] = 0xce;
    this.#at = this.#bytes.writeUInt32BE(place, this.#at + 1);
  }
}

function digitsOf(number: number): number {
  let digits = 1;
  for (let left = number; left >= 10; left = (left / 10) | 0) digits += 1;
  return digits;
}
