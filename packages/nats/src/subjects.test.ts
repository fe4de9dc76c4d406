import { expect, test } from "vitest";
import { originOf, Subjects } from "./subjects.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);

test("cluster, protocol version, receiver and sender are in every subject (S1, S3)", () => {
  const subjects = new Subjects("c1", A);
  expect(subjects.own).toEqual([`tnr.c1.1.${A}.*`, "tnr.c1.1.all.*"]);
  expect(subjects.serving).toBe("tnr.c1.1.any.*");
  expect(subjects.to(B)).toBe(`tnr.c1.1.${B}.${A}`);
});

test("a frame's tag survives the way through its reply subject (S4)", () => {
  const subjects = new Subjects("c1", A);
  for (const tag of [1, 2 ** 31, 2 ** 48 - 1])
    expect(originOf(subjects.replyFor(tag))).toEqual({ kind: "undelivered", tag });
});

test.each(["any", "all", "u-", "u--1", "u-A", "u-1.5", "", A.toUpperCase(), `${A}0`])(
  "%j is no origin",
  (from) => {
    expect(originOf(`tnr.c1.1.${A}.${from}`).kind).toBe("garbage");
  },
);
