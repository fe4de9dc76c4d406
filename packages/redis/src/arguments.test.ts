import { encodeActorKey } from "@tenure/core/internal";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ScriptArguments } from "./arguments.ts";
import { Reply } from "./reply.ts";

// An answer is read as arguments are written (AR1, RE1). What the server makes of both is seen by the conformance suite.
const FIRST = 1;
const item = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.string({ maxLength: 60 }),
  fc.integer({ min: 0, max: 40_000 }).map((length) => "é".repeat(length)),
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 0, max: 20_000 }).map((length) => new Uint8Array(length).fill(length)),
);

function read(values: readonly Buffer[], items: readonly (string | Uint8Array)[]): unknown {
  const reply = new Reply(values);
  const found = reply.answers(items, (answer, like) =>
    typeof like === "string" ? answer.text() : answer.bytes(),
  );
  reply.end();
  return found;
}

test("whatever is written is read, in order, and the next list has nothing of the one before (AR1, AR2)", () => {
  const args = new ScriptArguments(FIRST);
  fc.assert(
    fc.property(fc.array(item, { maxLength: 400 }), (items) => {
      for (const one of items)
        if (typeof one === "string") args.text(one);
        else args.bytes(one);
      expect(read(args.take(), items)).toEqual(items);
    }),
  );
});

test("an actor is what its key is (AR1, A2)", () => {
  const args = new ScriptArguments(FIRST);
  const id = fc.oneof(fc.string({ maxLength: 70 }), fc.string({ unit: "grapheme", maxLength: 40 }));
  fc.assert(
    fc.property(fc.constantFrom("a", "shopping.cart", "T".repeat(45)), id, (type, anyId) => {
      args.text("before");
      args.actor({ type, id: anyId });
      args.text("after");
      const items = ["before", encodeActorKey({ type, id: anyId }), "after"];
      expect(read(args.take(), items)).toEqual(items);
    }),
  );
});

test("two beginnings of a row are what their words are, with a blank behind each (AR1)", () => {
  const args = new ScriptArguments(FIRST);
  const hex = fc.uint8Array({ maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex"));
  const word = fc.oneof(
    hex,
    fc
      .string({ unit: "grapheme", maxLength: 150 })
      .map((text) => text.replaceAll(/[\t-\r ]/g, "_")),
  );
  const generation = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(generation, word, word, word, (number, token, before, after) => {
      args.text("one");
      args.rowHeads(1, number, token, before, after);
      args.text("two");
      const heads = [before, after].map((etag) => `1 ${number} ${token} ${etag} `);
      const items = ["one", ...heads, "two"];
      expect(read(args.take(), items)).toEqual(items);
    }),
  );
});

test("what stands between blanks in a record may have none itself, and nothing is written then", () => {
  const args = new ScriptArguments(FIRST);
  for (const word of ["a b", "a\n", "\t"]) expect(() => args.word(word)).toThrow("has none");
  const long = "c".repeat(300);
  for (const [token, before, after] of [
    ["a b", "", "c"],
    ["a", "é b", "c"],
    ["a", "b", `${long} `],
  ])
    expect(() => args.rowHeads(1, 2, token!, before!, after!)).toThrow("has no blank");
  args.word("é");
  expect(read(args.take(), [""])).toEqual(["é"]);
});

test("a number is what JavaScript prints (AR1)", () => {
  const args = new ScriptArguments(FIRST);
  const powers = Array.from({ length: 16 }, (_, i) => 10 ** i);
  const bounds = [...powers, ...powers.map((one) => one - 1), 2 ** 31, Number.MAX_SAFE_INTEGER];
  const numbers = [...bounds, -0, -1, 0.5, 1e21, NaN, 1_234_567_890];
  for (const one of numbers) args.number(one);
  expect(read(args.take(), numbers.map(String))).toEqual(numbers.map(String));
});

test("a number is read as it was written, and as JavaScript reads it", () => {
  const args = new ScriptArguments(FIRST);
  const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  const any = fc.oneof(whole, fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  fc.assert(
    fc.property(fc.array(any), (numbers) => {
      for (const one of numbers) args.number(one);
      const reply = new Reply(args.take());
      expect(reply.answers(numbers, (answer) => answer.number())).toEqual(
        numbers.map((one) => Number(String(one))),
      );
      reply.end();
    }),
  );
  const texts = ["007", "1e3", "1.5", "-1", "12345678901234567", "0x10", "9".repeat(40)];
  for (const one of texts) args.text(one);
  const reply = new Reply(args.take());
  expect(reply.answers(texts, (answer) => answer.number())).toEqual(texts.map(Number));
});

test.each(["many", "12a", "-"])("%j is no number, and our bug", (text) => {
  const args = new ScriptArguments(FIRST);
  args.text(text);
  const reply = new Reply(args.take());
  expect(() => reply.answers([text], (answer) => answer.number())).toThrow(
    "a script answers a number",
  );
});

test("what is large is a value of its own, and so is all that no longer fits in the list (AR2)", () => {
  const args = new ScriptArguments(FIRST);
  args.bytes(new Uint8Array(4_097));
  args.text("small");
  expect(args.take().map(({ length }) => length)).toEqual([5 + 5 + 6, 4_097]);

  const half = new Uint8Array(4_096);
  for (let i = 0; i < 4_200; i++) args.bytes(half);
  const [list, ...large] = args.take();
  expect(list!.length).toBeLessThan(17 * 1_024 * 1_024);
  expect(large.length).toBeGreaterThan(0);
  expect(
    read(
      [list!, ...large],
      Array.from({ length: 4_200 }, () => half),
    ),
  ).toHaveLength(4_200);
});

test("a list that was given up half-way is not in the next", () => {
  const args = new ScriptArguments(FIRST);
  args.text("given up");
  args.bytes(new Uint8Array(5_000));
  args.clear();
  args.text("sent");
  expect(read(args.take(), [""])).toEqual(["sent"]);
});

test.each([
  ["no list of values", "OK", "a script answers values"],
  ["text where a list is due", [Buffer.from([0xa2, 0x6f, 0x6b])], "a script answers a list"],
  ["more than is read", [Buffer.from([0x90, 0x90])], "a script answers what is read"],
  ["fewer answers than requests", [Buffer.from([0x91, 0xa0])], "D4"],
])("an answer that is %s is our bug, and says so", (_, values, words) => {
  expect(() =>
    read(values as Buffer[], values.length === 1 && words === "D4" ? ["", ""] : []),
  ).toThrow(words);
});
