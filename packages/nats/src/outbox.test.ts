import { bytesBody, encodeFrame, type Message, valueBody } from "@tenure/core/internal";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  headersProblem,
  MAX_CHAIN,
  MAX_HEADERS,
  MAX_HEADERS_BYTES,
  MAX_KEY_BYTES,
} from "@tenure/core/internal";
import { ENVELOPE_RESERVE, FRAME_MARGIN } from "./endpoint.ts";
import { FULL_FRAME, Outbox, sizeBound } from "./outbox.ts";
import { SentTags } from "./sent-tags.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);
const ROOMY = 1_000_000;

function outbox(): Outbox {
  let tag = 0;
  return new Outbox(() => ++tag);
}

function probe(round: number): Message {
  return { kind: "probe", round };
}

function call(bytes: number): Message {
  const args = bytesBody(new Uint8Array(bytes));
  const rest = { budgetMs: 1, key: undefined, chain: [], repeatable: false, strict: false };
  return { kind: "call", request: 1, type: "T", id: "i", method: "m", args, ...rest };
}

const text = fc.string({ unit: "binary", maxLength: 80 });
const uint = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const address = fc.constantFrom(A, B);
const body = fc.uint8Array({ maxLength: 300 }).map(bytesBody);
const refused = fc.record({
  status: fc.constant("refused" as const),
  reason: fc.constantFrom("moved" as const, "invalid" as const),
  message: text,
  owner: fc.option(address, { nil: undefined }),
  generation: uint,
  issues: fc.option(
    fc.array(fc.record({ path: fc.array(fc.oneof(text, uint)), message: text }), {
      maxLength: 5,
    }),
    { nil: undefined },
  ),
});
const chain = fc.array(fc.record({ type: text, id: text, method: text, turn: uint }), {
  maxLength: 20,
});
const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constant("call" as const),
    request: uint,
    type: text,
    id: text,
    method: text,
    args: body,
    budgetMs: uint,
    key: fc.option(text, { nil: undefined }),
    chain,
    repeatable: fc.boolean(),
    strict: fc.boolean(),
    headers: fc.option(fc.dictionary(text, text, { maxKeys: 20 }), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("reply" as const),
    request: uint,
    result: fc.oneof(
      fc.record({ status: fc.constantFrom("ok" as const, "threw" as const), body }),
      refused,
      fc.record({ status: fc.constant("failed" as const), code: text, message: text }),
    ),
  }),
  fc.record({
    kind: fc.constant("locate" as const),
    request: uint,
    type: text,
    id: text,
    avoid: fc.option(address, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("located" as const),
    request: uint,
    result: fc.oneof(
      fc.record({ status: fc.constant("at" as const), silo: address, generation: uint }),
      refused,
    ),
  }),
  fc.record({ kind: fc.constant("cancel" as const), request: uint, type: text, id: text }),
  fc.record({ kind: fc.constant("probe" as const), round: uint }),
  fc.record({
    kind: fc.constant("admin" as const),
    request: uint,
    operation: fc.constantFrom("deactivate" as const, "activate" as const),
    type: text,
    id: text,
    to: fc.option(address, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("administered" as const),
    request: uint,
    result: fc.oneof(
      fc.record({ status: fc.constant("done" as const), generation: uint }),
      refused,
    ),
  }),
  fc.record({ kind: fc.constant("death" as const), incarnation: address }),
);

describe("outbox", () => {
  test("no frame of several messages is encoded larger than the limit (F2)", () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 40 }), fc.integer({ min: 200 }), (all, limit) => {
        const box = outbox();
        for (const message of all) box.add(A, message, limit % 5_000);
        const frames = box.take();
        expect(frames.flatMap((frame) => frame.messages)).toEqual(all);
        for (const frame of frames) {
          const size = encodeFrame(frame.messages).length;
          expect(size).toBeLessThanOrEqual(frame.size);
          expect(size <= limit % 5_000 || frame.messages.length === 1).toBe(true);
        }
      }),
    );
  });

  test("the bound is not so wide that large values waste frames", () => {
    const message = call(10_000);
    expect(sizeBound(message) - encodeFrame([message]).length).toBeLessThan(100);
  });

  test("the largest allowed call without its arguments fits into what values leave free for it", () => {
    const longest = { type: "t".repeat(64), id: "i".repeat(512), method: "m".repeat(256) };
    const entries = Array.from(
      { length: MAX_HEADERS },
      (_, i) => [`${i}`.padEnd(64), "v"] as const,
    );
    const rest = MAX_HEADERS_BYTES - MAX_HEADERS * 65;
    const headers = Object.fromEntries([...entries, [entries[0]![0], "v".repeat(rest + 1)]]);
    expect(headersProblem(headers)).toBeUndefined();
    const message: Message = {
      ...longest,
      kind: "call",
      request: 2 ** 48 - 1,
      args: bytesBody(new Uint8Array()),
      budgetMs: 2 ** 40,
      key: "k".repeat(MAX_KEY_BYTES),
      chain: Array.from({ length: MAX_CHAIN }, () => ({ ...longest, turn: 2 ** 48 - 1 })),
      repeatable: true,
      strict: true,
      headers,
    };
    expect(encodeFrame([message]).length).toBeLessThan(ENVELOPE_RESERVE - FRAME_MARGIN);
  });

  test("one turn's messages to one address share a frame and its tag (F1)", () => {
    const box = outbox();
    const tags = [box.add(A, probe(1), ROOMY), box.add(B, probe(2), ROOMY)];
    tags.push(box.add(A, probe(3), ROOMY));
    expect(tags).toEqual([1, 2, 1]);
    expect(box.take().map(({ to, tag, messages: of }) => [to, tag, of.length])).toEqual([
      [A, 1, 2],
      [B, 2, 1],
    ]);
    expect(box.isEmpty).toBe(true);
  });

  test("a full frame is followed by another, whose tag is the later messages' (F1)", () => {
    const box = outbox();
    const tags = Array.from({ length: FULL_FRAME }, () => box.add(A, probe(1), ROOMY));
    expect(box.isFull).toBe(true);
    tags.push(box.add(A, probe(1), ROOMY));
    expect(new Set(tags)).toEqual(new Set([1, 2]));
    expect(tags.at(-2)).toBe(1);
    expect(tags.at(-1)).toBe(2);
    box.take();
    expect(box.isFull).toBe(false);
  });

  test("a frame is full with fewer messages when they are large (F4)", () => {
    const box = outbox();
    const large = (): Message => ({
      kind: "reply",
      request: 1,
      result: { status: "ok", body: bytesBody(new Uint8Array(10_000)) },
    });
    for (let i = 0; i < 3; i++) box.add(A, large(), ROOMY);
    expect(box.isFull).toBe(false);
    const tags = Array.from({ length: 4 }, () => box.add(A, large(), ROOMY));
    expect(box.isFull).toBe(true);
    expect(tags).toEqual([1, 1, 1, 2]);
  });

  test("a message to everyone neither overtakes nor is overtaken (F3)", () => {
    const box = outbox();
    for (const [to, round] of [
      [A, 1],
      ["all", 2],
      ["all", 3],
      [A, 4],
    ] as const)
      box.add(to, probe(round), ROOMY);
    expect(box.take().map((frame) => [frame.to, frame.messages.length])).toEqual([
      [A, 1],
      ["all", 2],
      [A, 1],
    ]);
  });

  test("a report is asked for only where somebody waits for an answer", () => {
    const reply = { status: "ok", body: bytesBody(new Uint8Array(1)) } as const;
    const asks = (to: string, ...all: readonly Message[]): boolean | undefined => {
      const box = outbox();
      for (const message of all) box.add(to, message, ROOMY);
      return box.take()[0]?.wantsReport;
    };
    expect(asks(A, { kind: "reply", request: 1, result: reply })).toBe(false);
    expect(asks(A, { kind: "reply", request: 1, result: reply }, call(1))).toBe(true);
    expect(asks("any", { kind: "locate", request: 1, type: "T", id: "i", avoid: undefined })).toBe(
      true,
    );
    expect(asks(A, { kind: "cancel", request: 1, type: "T", id: "i" })).toBe(false);
    expect(asks("all", { kind: "death", incarnation: A })).toBe(false);
  });

  test("a value is turned into bytes when it is added, so later changes do not travel (T2)", () => {
    const value = { n: 1 };
    const box = outbox();
    box.add(
      A,
      { kind: "reply", request: 1, result: { status: "ok", body: valueBody(value) } },
      ROOMY,
    );
    const before = encodeFrame(box.take()[0]!.messages);
    value.n = 2;
    box.add(
      A,
      { kind: "reply", request: 1, result: { status: "ok", body: valueBody({ n: 1 }) } },
      ROOMY,
    );
    expect(before).toEqual(encodeFrame(box.take()[0]!.messages));
  });
});

test("the newest 2,048 frames are known, and never more than 4,096 (D1)", () => {
  const sent = new SentTags();
  for (let tag = 1; tag <= 10_000; tag++) sent.add(tag, A);
  expect(sent.take(10_000 - 2_047)).toBe(A);
  expect(sent.take(10_000 - 2_047)).toBeUndefined();
  let known = 0;
  for (let tag = 1; tag <= 10_000; tag++) if (sent.take(tag)) known++;
  expect(known).toBeLessThan(4_096);
});
