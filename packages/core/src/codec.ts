// Bytes: MessagePack by msgpackr, with the types of structured clone.
//   C1. Every value is encoded by itself: no structures or references are shared between two values, so what one
//       receiver changes another never sees, and processes of different versions understand each other.
//   C2. Errors have an encoding of our own (`wire-error.ts`): the library's loses codes and properties.
//   C3. What is decoded owns its bytes: nothing points into what has arrived. The bodies of a frame's messages share a copy of it
//       with each other, unless it is large; what is decoded of them does not.
//   C4. A frame starts with a magic byte and the protocol version; anything else is garbage (I14).
//   C5. Equal values have equal bytes, wherever they are encoded: idempotency keys compare digests of them.
//   C6. Nothing is decoded that the scanner has not passed: not what comes over the network, and not what comes from a
//       store either. Rows are trusted more, but a damaged one must cost its actor only, never its silo; and there is one
//       way to decode a value.
//       What is plain, and that is nearly all, is written and read by plain-writer.ts and plain-reader.ts, which scan as they
//       go; the library has the rest.
//   C7. Extensions are registered for a whole build of the library. So it is the build that no application uses as its
//       own: neither changes what the other writes. It generates no code either, which the main build does for each
//       record that is read often, at some 20 µs of an attacker's choice each.
// An import cannot name a file of ambient types, and whoever compiles this file from its source must find them.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./msgpackr-no-eval.d.ts" />
import { addExtension, Packr, Unpackr } from "msgpackr/index-no-eval";
import { type Excess, excessText, VALUE_LIMITS } from "./decode-limits.ts";
import { TenureError } from "./errors.ts";
import { Scanner } from "./msgpack-scanner.ts";
import { PROTOCOL_VERSION } from "./ownership-rules.ts";
import { NOT_PLAIN, readPlain } from "./plain-reader.ts";
import { writePlain, writeTuples } from "./plain-writer.ts";
import {
  type ErrorBudget,
  type ErrorRecord,
  errorFromRecord,
  errorToRecord,
} from "./wire-error.ts";

/** Bytes that are not what they should be. Counted and dropped at the border; never thrown at a user. */
export class GarbageError extends TenureError {
  constructor(
    problem: string,
    options: { readonly cause?: unknown; readonly excess?: Excess } = {},
  ) {
    const { cause, excess } = options;
    super("GARBAGE", problem, excess ? { cause, details: { ...excess } } : { cause });
  }
}

const MAGIC = 0x54; // 'T'
/** No transport carries more: it is the most that a NATS server can be set to. */
const MAX_FRAME_BYTES = 64 * 2 ** 20;
/** As many as leave in one frame; more gain no throughput, and a lost frame would take too much with it. */
export const MAX_MESSAGES_PER_FRAME = 128;
/** Whoever keeps one body of a frame keeps so much with it, at most. */
const MAX_SHARED_BYTES = 32_768;
/** A list of messages, each with a list of links, or of calls that wait for turns that have calls; more values than the longest chain of calls has. */
const FRAME_LIMITS = {
  depth: 8,
  values: MAX_MESSAGES_PER_FRAME * 512,
  objects: MAX_MESSAGES_PER_FRAME * 128,
  tuplesOnly: true,
};
const valueScanner = new Scanner(VALUE_LIMITS);
const frameScanner = new Scanner(FRAME_LIMITS);

// Of the value that is being decoded (X5). The library calls an extension with nothing but its data.
let errorBudget: ErrorBudget = { left: 0 };

addExtension({
  Class: Error,
  type: 0x45,
  write: (error: Error) => errorToRecord(error),
  read: (record: ErrorRecord) => errorFromRecord(record, errorBudget),
});
addExtension({
  Class: URL,
  type: 0x55,
  write: (url: URL) => url.href,
  read: (href: string) => new URL(href),
});
// A Buffer is a Uint8Array, and arrives as one whichever way it goes (C5).
addExtension({
  Class: Buffer,
  write: (buffer: Buffer) => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength),
});

const OPTIONS = {
  structuredClone: true,
  moreTypes: true,
  useBigIntExtension: true,
  copyBuffers: true,
  // What has a property of that name is data like any other.
  useToJSON: false,
} as const;
const valuePackr = new Packr(OPTIONS);
const valueUnpackr = new Unpackr(OPTIONS);
// Envelopes are tuples of primitives and bytes: no reference tracking, no records.
const envelopePackr = new Packr({ useRecords: false, copyBuffers: true });

/** The bytes of a value that `checkSerializable` has accepted. */
export function encodeValue(value: unknown): Uint8Array {
  return writePlain(value) ?? encodeByLibrary(value);
}

/** The same, for what `writePlain` has left alone. */
export function encodeByLibrary(value: unknown): Uint8Array {
  const packed = valuePackr.pack(value);
  // pack() answers a view of a shared pool; a copy of its own is what may be kept.
  return new Uint8Array(packed);
}

/** The value of bytes that encodeValue made, which are there from `start` on; GarbageError on anything else. */
export function decodeValue(bytes: Uint8Array, start: number = 0): unknown {
  const plain = readPlain(bytes, VALUE_LIMITS, false, start);
  return plain === NOT_PLAIN ? decodeByLibrary(bytes.subarray(start)) : plain;
}

/** The same, without the reader of plain data. */
export function decodeByLibrary(bytes: Uint8Array): unknown {
  const excess = valueScanner.scan(bytes);
  if (excess) throw new GarbageError(`not a value: it ${excessText(excess)}`, { excess }); // C6
  errorBudget = { left: valueScanner.values };
  try {
    return valueUnpackr.unpack(bytes);
  } catch (cause) {
    throw new GarbageError("not a value", { cause });
  }
}

export function packEnvelopes(tuples: readonly (readonly unknown[])[]): Uint8Array {
  return writeTuples(MAGIC, PROTOCOL_VERSION, tuples) ?? packByLibrary(tuples);
}

/** The same, for what `writeTuples` has left alone. */
export function packByLibrary(tuples: readonly (readonly unknown[])[]): Uint8Array {
  const body = envelopePackr.pack(tuples);
  const frame = new Uint8Array(body.length + 2);
  frame[0] = MAGIC;
  frame[1] = PROTOCOL_VERSION;
  frame.set(body, 2);
  return frame;
}

export function unpackEnvelopes(frame: Uint8Array): readonly unknown[] {
  if (frame.length < 3 || frame[0] !== MAGIC) throw new GarbageError("not a frame of Tenure");
  if (frame[1] !== PROTOCOL_VERSION)
    throw new GarbageError(`protocol version ${frame[1]}; this process speaks ${PROTOCOL_VERSION}`);
  if (frame.length > MAX_FRAME_BYTES)
    throw new GarbageError(`a frame of ${frame.length} bytes; at most ${MAX_FRAME_BYTES} are read`);
  // One copy for all of its bodies: a block of memory for each costs more than reading it (slab.ts).
  const shares = frame.length <= MAX_SHARED_BYTES;
  const body = shares ? new Uint8Array(frame.subarray(2)) : frame.subarray(2);
  const plain = readPlain(body, FRAME_LIMITS, shares);
  const tuples = plain === NOT_PLAIN ? unpackByLibrary(body) : plain;
  if (!Array.isArray(tuples)) throw new GarbageError("not a list of messages");
  if (tuples.length > MAX_MESSAGES_PER_FRAME)
    throw new GarbageError(
      `${tuples.length} messages; a frame has at most ${MAX_MESSAGES_PER_FRAME}`,
    );
  return tuples;
}

function unpackByLibrary(body: Uint8Array): unknown {
  const excess = frameScanner.scan(body);
  if (excess) throw new GarbageError(`not decodable: it ${excessText(excess)}`, { excess }); // C6
  try {
    return envelopePackr.unpack(body);
  } catch (cause) {
    throw new GarbageError("not decodable", { cause });
  }
}
