import { StoreUnavailableError } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { decodeMembers, encodeMembers } from "./members-record.ts";

test("the record of the members comes back as it went in; none is an empty one", () => {
  const record = {
    sentinel: { storeId: "s", open: true },
    counter: 9,
    texts: new Map([["a".repeat(32), '{"damaged']]),
  };
  expect(decodeMembers(encodeMembers(record))).toEqual(record);
  const empty = { sentinel: undefined, counter: 0, texts: new Map() };
  expect(decodeMembers(undefined)).toEqual(empty);
  expect(decodeMembers(encodeMembers(empty))).toEqual(empty);
});

test.each([
  ["{", "damaged and left as it is: not JSON"],
  ["[]", "not an object"],
  ["{}", "format is undefined"],
  ['{"format":2}', "has format 2, and this version knows 1"],
  ['{"format":1,"counter":-1,"members":{}}', "counter is -1"],
  ['{"format":1,"counter":0,"members":{"a":1}}', "not texts by incarnation"],
  ['{"format":1,"counter":0,"members":{},"sentinel":{}}', "sentinel is {}"],
])("%s decides nothing, and it is said why (MR1)", (text, why) => {
  const decode = (): unknown => decodeMembers(Buffer.from(text));
  expect(decode).toThrow(StoreUnavailableError);
  expect(decode).toThrow(why);
});
