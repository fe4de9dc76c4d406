// What a script answers, read item by item in the order in which it was written: lists, texts, bytes, and nothing.
// Another shape is our bug, not a record's: what a record holds is checked by the scripts and by `decodeMember` and `decodeEntry`.
//   RE1. The answer is one value, as MessagePack that `cmsgpack` wrote; what is large in it is a value of its own, and a
//        number says which (AR2).
import { assert, StoreUnavailableError } from "@tenure/core/internal";

/** Longer texts are read by the runtime, which needs some time to be asked. */
const SHORT_TEXT = 24;
const OK = 0x6f6b;
/** A number of so many digits is what it was at every step. */
const EXACT_DIGITS = 15;

export class Reply {
  readonly #bytes: Buffer;
  /** The same: what is copied out of a Buffer is a Buffer. */
  readonly #plain: Uint8Array;
  readonly #large: readonly Buffer[];
  #at = 0;

  /** `values`: what the server answered. */
  constructor(values: unknown) {
    assert(Array.isArray(values) && Buffer.isBuffer(values[0]), "a script answers values", {
      values,
    });
    [this.#bytes, ...this.#large] = values as unknown as [Buffer, ...Buffer[]];
    this.#plain = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
  }

  /** How many items the list that starts here has. */
  list(): number {
    const head = this.#bytes[this.#at];
    this.#at += 1;
    if (head !== undefined && (head & 0xf0) === 0x90) return head & 0x0f;
    assert(head === 0xdc || head === 0xdd, "a script answers a list", { head });
    return this.#length(head === 0xdc ? 2 : 4);
  }

  /** Reads "ok", where that is next. */
  isOk(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== 0xa2 || bytes.readUInt16BE(this.#at + 1) !== OK) return false;
    this.#at += 3;
    return true;
  }

  /** Reads nothing, where that is next. */
  isNothing(): boolean {
    const head = this.#bytes[this.#at];
    if (head !== 0xc2 && head !== 0xc0) return false;
    this.#at += 1;
    return true;
  }

  text(): string {
    const large = this.#largeValue();
    if (large) return large.toString("utf8");
    const length = this.#valueLength();
    const start = this.#at;
    this.#at += length;
    if (length > SHORT_TEXT) return this.#bytes.toString("utf8", start, this.#at);
    let text = "";
    for (let i = start; i < this.#at; i++) {
      const byte = this.#bytes[i]!;
      if (byte > 0x7f) return this.#bytes.toString("utf8", start, this.#at);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  number(): number {
    const bytes = this.#bytes;
    const head = bytes[this.#at]!;
    const first = this.#at + 1;
    const end = first + (head & 0x1f);
    // Nearly all are a few digits, and need no text.
    if ((head & 0xe0) === 0xa0 && end > first && end <= first + EXACT_DIGITS) {
      let number = 0;
      let i = first;
      for (; i < end; i++) {
        const digit = bytes[i]! - 0x30;
        if (!(digit >= 0 && digit <= 9)) break;
        number = number * 10 + digit;
      }
      if (i === end) {
        this.#at = end;
        return number;
      }
    }
    const text = this.text();
    const number = Number(text);
    assert(Number.isFinite(number), "a script answers a number", { text });
    return number;
  }

  flag(): boolean {
    return this.text() === "1";
  }

  /** S7: the receiver's own copy; what arrives is a view of the connection's buffer. */
  bytes(): Uint8Array {
    const large = this.#largeValue();
    if (large) return new Uint8Array(large);
    const length = this.#valueLength();
    const start = this.#at;
    this.#at += length;
    return this.#plain.slice(start, this.#at);
  }

  /** A list of texts. */
  texts(): string[] {
    return Array.from({ length: this.list() }, () => this.text());
  }

  /** An answer per request, in order (D4). */
  answers<Request, Answer>(
    requests: readonly Request[],
    read: (reply: Reply, request: Request) => Answer,
  ): readonly Answer[] {
    const length = this.list();
    assert(length === requests.length, "D4: a script answers every item of a batch");
    return requests.map((request) => read(this, request));
  }

  /** All of it has been read. */
  end(): void {
    assert(this.#at === this.#bytes.length, "a script answers what is read", { at: this.#at });
  }

  #largeValue(): Buffer | undefined {
    const head = this.#bytes[this.#at];
    if (head === undefined || head >= 0xa0) {
      if (head !== 0xcc && head !== 0xcd && head !== 0xce) return undefined;
      this.#at += 1;
      return this.#large[this.#length(head === 0xcc ? 1 : head === 0xcd ? 2 : 4) - 1];
    }
    this.#at += 1;
    return this.#large[head - 1];
  }

  #valueLength(): number {
    const head = this.#bytes[this.#at];
    this.#at += 1;
    if (head !== undefined && (head & 0xe0) === 0xa0) return head & 0x1f;
    assert(head === 0xd9 || head === 0xda || head === 0xdb, "a script answers text or bytes", {
      head,
    });
    return this.#length(head === 0xd9 ? 1 : head === 0xda ? 2 : 4);
  }

  #length(size: number): number {
    const length = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return length;
  }
}

/** Of a word that this version has no meaning for. */
export function unknownAnswer(word: string): StoreUnavailableError {
  return new StoreUnavailableError(`redis: the answer ${word} is unknown`);
}
