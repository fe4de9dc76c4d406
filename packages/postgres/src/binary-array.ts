// A list of byte strings as one parameter of type bytea[], in the server's own binary form: the client library would write
// it as text, in two hexadecimal digits for each byte.

const BYTEA_OID = 17;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;

export function byteaArray(items: readonly Uint8Array[]): Buffer {
  const size = items.reduce(
    (sum, bytes) => sum + LENGTH_BYTES + bytes.byteLength,
    items.length === 0 ? HEADER_BYTES - 8 : HEADER_BYTES,
  );
  const array = Buffer.allocUnsafe(size);
  array.writeInt32BE(items.length === 0 ? 0 : 1, 0); // dimensions
  array.writeInt32BE(0, 4); // no nulls
  array.writeInt32BE(BYTEA_OID, 8);
  if (items.length === 0) return array;
  array.writeInt32BE(items.length, 12);
  array.writeInt32BE(1, 16); // the first index
  let at = HEADER_BYTES;
  for (const bytes of items) {
    at = array.writeInt32BE(bytes.byteLength, at);
    array.set(bytes, at);
    at += bytes.byteLength;
  }
  return array;
}
