// Bytes in a fixture: as text that a person can read in a diff where they are printable UTF-8, else as base64.
export type Bytes = string | { readonly base64: string };

export function toText(bytes: Buffer): Bytes {
  const text = bytes.toString("utf8");
  const plain = /^[\p{L}\p{N}\p{P}\p{S} ]*$/u.test(text) && Buffer.from(text).equals(bytes);
  return plain ? text : { base64: bytes.toString("base64") };
}

export function toBytes(text: Bytes): Buffer {
  return typeof text === "string" ? Buffer.from(text) : Buffer.from(text.base64, "base64");
}
