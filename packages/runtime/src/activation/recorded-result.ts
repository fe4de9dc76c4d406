// The part of a row that records what became of a keyed call: a header, which is loaded with the actor, then a byte of status
// and the result, which are read when the call comes again.
import {
  bodyBytes,
  bytesBody,
  type CallResult,
  KEY_HEADER_BYTES,
  type RefusalReason,
} from "@tenure/core/internal";
import { refused } from "./incoming-call.ts";

export type KeyVerdict =
  | { readonly kind: "new"; readonly digest: Uint8Array }
  | { readonly kind: "recorded"; readonly bytes: Uint8Array | undefined }
  | { readonly kind: "refused"; readonly result: CallResult };

export function keyRefused(
  reason: Extract<RefusalReason, "key-refused" | "overloaded">,
  message: string,
): KeyVerdict {
  return { kind: "refused", result: refused(reason, message) };
}

const OK = 0;
const THREW = 1;

/** Of an opaque key: 16 bytes of request hash, 8 of time. */
export interface KeyHeader {
  readonly digest: Uint8Array;
  readonly atMs: number;
}

export function keyRecord({ digest, atMs }: KeyHeader, result: CallResult): Uint8Array {
  const bytes = resultAfterHeader(result);
  bytes.set(digest, 0);
  bytes.writeDoubleBE(atMs, 16);
  return new Uint8Array(bytes);
}

export function readKeyHeader(part: Uint8Array): KeyHeader {
  const view = viewOf(part);
  return { digest: new Uint8Array(view.subarray(0, 16)), atMs: view.readDoubleBE(16) };
}

/** Of a sender: 8 bytes of request hash, 8 of the sequence, 8 of time. The hash finds mistakes, not attacks. */
export interface SequenceHeader extends KeyHeader {
  readonly sequence: number;
}

export const SEQUENCE_DIGEST_BYTES = 8;

export function sequenceRecord(
  { digest, sequence, atMs }: SequenceHeader,
  result: CallResult,
): Uint8Array {
  const bytes = resultAfterHeader(result);
  bytes.set(digest.subarray(0, SEQUENCE_DIGEST_BYTES), 0);
  bytes.writeDoubleBE(sequence, 8);
  bytes.writeDoubleBE(atMs, 16);
  return new Uint8Array(bytes);
}

export function readSequenceHeader(part: Uint8Array): SequenceHeader {
  const view = viewOf(part);
  return {
    digest: new Uint8Array(view.subarray(0, SEQUENCE_DIGEST_BYTES)),
    sequence: view.readDoubleBE(8),
    atMs: view.readDoubleBE(16),
  };
}

/** The recorded result of a whole part; undefined when the part is not one. */
export function recordedResult(part: Uint8Array): CallResult | undefined {
  if (part.length <= KEY_HEADER_BYTES) return undefined;
  const body = bytesBody(part.slice(KEY_HEADER_BYTES + 1));
  return { status: part[KEY_HEADER_BYTES] === THREW ? "threw" : "ok", body };
}

function resultAfterHeader(result: CallResult): Buffer {
  const body =
    result.status === "ok" || result.status === "threw" ? bodyBytes(result.body) : new Uint8Array();
  const bytes = Buffer.allocUnsafe(KEY_HEADER_BYTES + 1 + body.length);
  bytes[KEY_HEADER_BYTES] = result.status === "threw" ? THREW : OK;
  bytes.set(body, KEY_HEADER_BYTES + 1);
  return bytes;
}

function viewOf(part: Uint8Array): Buffer {
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength);
}
