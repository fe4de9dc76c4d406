// Bytes: MessagePack by msgpackr, with the types of structured clone.
//   C1. Every value is encoded by itself: no structures or references are shared between two values, so what one
//       receiver changes another never sees, and processes of different versions understand each other.
//   C2. Errors have an encoding of our own (`wire-error.ts`): the library's loses codes and properties.
//   C3. What is decoded owns its bytes: nothing points into a frame.
//   C4. A frame starts with a magic byte and the protocol version; anything else is garbage (I14).
//   C5. Equal values have equal bytes, wherever they are encoded: idempotency keys compare digests of them.
import { addExtension, Packr, Unpackr } from "msgpackr";
import { TenureError } from "./errors.ts";
import { PROTOCOL_VERSION } from "./ownership-rules.ts";
import { type ErrorRecord, errorFromRecord, errorToRecord } from "./wire-error.ts";

/** Bytes that are not what they should be. Counted and dropped at the border; never thrown at a user. */
export class GarbageError extends TenureError {
  constructor(problem: string, cause?: unknown) {
    super("GARBAGE", problem, { cause });
  }
}

const MAGIC = 0x54; // 'T'

addExtension({
  Class: Error,
  type: 0x45,
  write: (error: Error) => errorToRecord(error),
  read: (record: ErrorRecord) => errorFromRecord(record),
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
  const packed = valuePackr.pack(value);
  // pack() answers a view of a shared pool; a copy of its own is what may be kept.
  return new Uint8Array(packed);
}

/** The value of bytes that encodeValue made; GarbageError on anything else. */
export function decodeValue(bytes: Uint8Array): unknown {
  try {
    return valueUnpackr.unpack(bytes);
  } catch (error) {
    throw new GarbageError("not a value", error);
  }
}

export function packEnvelopes(tuples: readonly (readonly unknown[])[]): Uint8Array {
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
  let tuples: unknown;
  try {
    tuples = envelopePackr.unpack(frame.subarray(2));
  } catch (error) {
    throw new GarbageError("not decodable", error);
  }
  if (!Array.isArray(tuples)) throw new GarbageError("not a list of messages");
  return tuples;
}
