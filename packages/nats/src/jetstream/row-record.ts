// A row at rest, meta and parts in one record: 4 bytes with the length of a JSON header, the header, then the parts' bytes in the
// header's order.
//   RR1. What is not exactly such a record is damaged, as a value (C1, C2).
//   RR2. Of a row of a newer format only its format, when it is due and the bytes of its parts are looked at, and those as far as
//        they are where they are now.
import { checkRowMeta, DamagedRecord, ROW_FORMAT, type RowMeta } from "@tenure/core/internal";
import { isJson } from "./api.ts";

export interface Row {
  readonly meta: RowMeta;
  /** As stored, also of a row of a newer format. */
  readonly due: number | undefined;
  readonly parts: Map<string, Uint8Array>;
}

const LENGTH_BYTES = 4;

/** How many bytes `encodeRow` makes. */
export function rowBytes({ meta, parts }: Pick<Row, "meta" | "parts">): number {
  let bytes = LENGTH_BYTES + Buffer.byteLength(headerOf(meta, parts));
  for (const part of parts.values()) bytes += part.length;
  return bytes;
}

function headerOf(meta: RowMeta, parts: Row["parts"]): string {
  const sizes = [...parts].map(([name, bytes]) => [name, bytes.length]);
  return JSON.stringify({ ...meta, parts: sizes });
}

export function encodeRow({ meta, parts }: Pick<Row, "meta" | "parts">): Uint8Array {
  const header = Buffer.from(headerOf(meta, parts), "utf8");
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(header.length);
  return Buffer.concat([length, header, ...parts.values()]);
}

export function decodeRow(record: Uint8Array): Row | DamagedRecord {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const headerEnd = bytes.length < LENGTH_BYTES ? Infinity : LENGTH_BYTES + bytes.readUInt32BE(0);
  if (headerEnd > bytes.length) return new DamagedRecord("row: its header is cut off");
  const header = parsed(bytes.toString("utf8", LENGTH_BYTES, headerEnd));
  if (!isJson(header)) return new DamagedRecord("row: its header is not a JSON object");
  const meta = checkRowMeta(header, ROW_FORMAT);
  if (meta instanceof DamagedRecord) return meta;
  const due = Number.isFinite(header["due"]) ? Number(header["due"]) : undefined;
  const parts = partsIn(bytes.subarray(headerEnd), header["parts"]);
  if (!(parts instanceof DamagedRecord)) return { meta, due, parts };
  return meta.format > ROW_FORMAT ? { meta, due, parts: new Map() } : parts; // RR2
}

function partsIn(bytes: Buffer, sizes: unknown): Map<string, Uint8Array> | DamagedRecord {
  const parts = new Map<string, Uint8Array>();
  let at = 0;
  for (const part of Array.isArray(sizes) ? sizes : [undefined]) {
    if (!isSize(part)) return new DamagedRecord("row: its parts have no names and sizes");
    const [name, size] = part;
    parts.set(name, bytes.subarray(at, at + size));
    at += size;
  }
  if (at !== bytes.length) return new DamagedRecord("row: its parts are not as long as it says");
  return parts;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isSize(part: unknown): part is readonly [string, number] {
  if (!Array.isArray(part) || part.length !== 2) return false;
  const [name, size] = part as readonly unknown[];
  return typeof name === "string" && Number.isSafeInteger(size) && Number(size) >= 0;
}
