// Hashes are pure, so they are no port; this file alone may import node:crypto besides the random one.
import { createHash } from "node:crypto";

/** The first 16 bytes of SHA-256: enough to tell two requests with one idempotency key apart. */
export function digest16(...pieces: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const piece of pieces) {
    // Each piece is preceded by its length, so that no two lists of pieces look alike.
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return new Uint8Array(hash.digest().subarray(0, 16));
}
