// Bytes that live as long as a call. The runtime keeps up to 64 of them among its objects; each longer piece is a block of the
// system's memory, which costs some microseconds to get and to give back: as much as all else that a call's arguments cost
// (docs/PERFORMANCE.md). So pieces that are a little longer stand together in one block.
//   SL1. A piece is nobody else's: what has been given out is never written again.
//   SL2. A piece holds its whole block in memory. Who keeps bytes for longer than a call copies them.

/** What the runtime keeps among its objects. */
export const SHORT_BYTES = 64;
const BLOCK_BYTES = 8_192;
/** Of longer ones the copying counts, and a block would have few. */
const LONGEST_BYTES = 1_024;

let block = new ArrayBuffer(BLOCK_BYTES);
let used = 0;

/** A copy of the first bytes, for a while (SL2). */
export function copyOf(bytes: Uint8Array, length: number): Uint8Array {
  if (length <= SHORT_BYTES || length > LONGEST_BYTES) return bytes.slice(0, length);
  if (used + length > BLOCK_BYTES) {
    block = new ArrayBuffer(BLOCK_BYTES);
    used = 0;
  }
  const piece = new Uint8Array(block, used, length);
  used += length;
  piece.set(bytes.subarray(0, length));
  return piece;
}
