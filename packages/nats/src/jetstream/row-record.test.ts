import { DamagedRecord, ROW_FORMAT, type RowMeta } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { decodeRow, encodeRow, type Row } from "./row-record.ts";

const META: RowMeta = {
  format: ROW_FORMAT,
  generation: 7,
  token: "t",
  etag: "e",
  version: 3,
  due: undefined,
};
const PARTS = new Map([
  ["state", Buffer.from("abc")],
  ["k/ключ", Buffer.alloc(0)],
  ["s/x", Buffer.from([0, 255])],
]);

test("a row comes back as it went in", () => {
  for (const due of [undefined, 0, 1_700_000_000_000]) {
    const meta = { ...META, due };
    expect(decodeRow(encodeRow({ meta, parts: PARTS }))).toEqual({ meta, due, parts: PARTS });
  }
});

test("a record that is cut off, or has a byte too many, is damaged wherever it is cut (RR1)", () => {
  const bytes = Buffer.from(encodeRow({ meta: META, parts: PARTS }));
  for (let length = 0; length < bytes.length; length++)
    expect(decodeRow(bytes.subarray(0, length))).toBeInstanceOf(DamagedRecord);
  expect(decodeRow(Buffer.concat([bytes, Buffer.from([0])]))).toBeInstanceOf(DamagedRecord);
});

test("a header that is not one of ours is damaged, and says what is wrong (RR1)", () => {
  const record = (header: unknown): Uint8Array => {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text]);
  };
  const problem = (header: unknown): string => (decodeRow(record(header)) as DamagedRecord).problem;
  expect(problem([])).toBe("row: its header is not a JSON object");
  expect(problem({ ...META, token: "", parts: [] })).toBe('row: token is ""');
  expect(problem({ ...META, parts: undefined })).toMatch("no names and sizes");
  expect(problem({ ...META, parts: [["state", -1]] })).toMatch("no names and sizes");
  expect(problem({ ...META, parts: [["state", 5]] })).toMatch("not as long as it says");
});

test("of a newer row the format is seen, and when it is due, whatever its parts have become (RR2)", () => {
  const newer = encodeRow({ meta: { ...META, format: ROW_FORMAT + 1, due: 5 }, parts: PARTS });
  const row = decodeRow(newer) as Row;
  expect(row).toMatchObject({ meta: { format: ROW_FORMAT + 1 }, due: 5, parts: PARTS });
  const cut = decodeRow(Buffer.concat([newer, Buffer.from([1])])) as Row;
  expect(cut).toMatchObject({ meta: { format: ROW_FORMAT + 1 }, due: 5, parts: new Map() });
});
