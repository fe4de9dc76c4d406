// Records at rest: what comes back, and what is called damaged.
import { describe, expect, test } from "vitest";
import type { DirectoryEntry, MemberRecord, RowMeta } from "./ownership-rules.ts";
import {
  checkRowMeta,
  DamagedRecord,
  decodeEntry,
  decodeMember,
  encodeEntry,
  encodeMember,
} from "./records.ts";

const A = "a".repeat(32);
const MEMBER: MemberRecord = {
  incarnation: A,
  name: "silo \u0000\n😀",
  rev: 1,
  counter: 2,
  state: "draining",
  protocol: 1,
  types: { Cart: 1, constructor: 2 },
  roles: ["edge", ""],
  load: 0.5,
};
const ENTRY: DirectoryEntry = {
  incarnation: A,
  token: "t",
  generation: 7,
  free: false,
  claims: [{ generation: 7, incarnation: A, token: "t", reason: "takeover", counter: 5 }],
};
const ROW: RowMeta = { format: 1, generation: 7, token: "t", etag: "", version: 0, due: undefined };

test("members and entries come back as they were", () => {
  expect(decodeMember(encodeMember(MEMBER))).toEqual(MEMBER);
  expect(decodeEntry(encodeEntry(ENTRY))).toEqual(ENTRY);
});

test("a field of a later version is left out (C3)", () => {
  expect(decodeMember(JSON.stringify({ ...MEMBER, zone: "eu" }))).toEqual(MEMBER);
  expect(decodeEntry(JSON.stringify({ ...ENTRY, pinned: true }))).toEqual(ENTRY);
});

describe("damaged (C1)", () => {
  test.each([undefined, null, 3, "", "{", "null", "[]", '"text"', "{}"])("text %j", (text) => {
    expect(decodeMember(text)).toBeInstanceOf(DamagedRecord);
    expect(decodeEntry(text)).toBeInstanceOf(DamagedRecord);
  });

  test.each([
    { incarnation: "short" },
    { name: undefined },
    { rev: -1 },
    { rev: 1.5 },
    { counter: "2" },
    { state: "gone" },
    { types: ["Cart"] },
    { types: { Cart: "1" } },
    { roles: "edge" },
    { roles: [1] },
    { load: null },
  ])("member %j", (change) => {
    const record = decodeMember(JSON.stringify({ ...MEMBER, ...change }));
    expect(record).toBeInstanceOf(DamagedRecord);
    expect(record).toMatchObject({ problem: expect.stringContaining(Object.keys(change)[0]!) });
  });

  test.each([
    { incarnation: 1 },
    { token: "" },
    { generation: -1 },
    { free: 0 },
    { claims: {} },
    { claims: [{ generation: 7 }] },
  ])("entry %j", (change) => {
    expect(decodeEntry(JSON.stringify({ ...ENTRY, ...change }))).toBeInstanceOf(DamagedRecord);
  });

  test.each([
    { format: null },
    { generation: -1 },
    { generation: 2 ** 60 },
    { token: "" },
    { etag: null },
    { version: "1" },
    { due: "soon" },
    { due: Number.NaN },
  ])("row %j", (change) => {
    expect(checkRowMeta({ ...ROW, ...change }, 1)).toBeInstanceOf(DamagedRecord);
  });
});

test("a row's absent due time is undefined, however the store says it", () => {
  expect(checkRowMeta({ ...ROW, due: null }, 1)).toEqual(ROW);
  expect(checkRowMeta({ ...ROW, due: 12 }, 1)).toEqual({ ...ROW, due: 12 });
});

test("of a newer row only its format and generation are taken (S5)", () => {
  const newer = { ...ROW, format: 2, token: 5, etag: {}, due: "never" };
  expect(checkRowMeta(newer, 1)).toEqual({ ...ROW, format: 2, token: "" });
  expect(checkRowMeta({ format: 2 }, 1)).toMatchObject({ format: 2, generation: 0 });
});
