import { describe, expect, test } from "vitest";
import {
  argumentsBody,
  bodyArguments,
  bodyBytes,
  bodyValue,
  bytesBody,
  valueBody,
} from "./body.ts";

const KEPT: readonly (readonly [string, (body: ReturnType<typeof valueBody>) => unknown])[] = [
  ["as a value", (body) => bodyValue(body, true)],
  ["as arguments", (body) => bodyArguments(body, true)],
];

describe("a body that is sent again (B2)", () => {
  test.each(KEPT)("holds the same after whoever had it %s has changed it", (_, taken) => {
    for (const args of [
      [{ a: [1] }],
      [1, { a: 1 }],
      [{ a: 1 }, { b: 2 }],
      ["x".repeat(2_000), [1]],
    ]) {
      const body = argumentsBody(structuredClone(args), "args");
      for (const item of taken(body) as unknown[])
        if (typeof item === "object") Object.assign(item!, { a: "changed", b: "changed" });
      expect(bodyValue(body)).toEqual(args);
    }
  });

  test("has arguments that are the same object still be so", () => {
    const shared = { a: 1 };
    const [one, other] = bodyArguments(valueBody([shared, shared]), true) as readonly unknown[];
    expect(one).toBe(other);
    expect(one).not.toBe(shared);
  });

  test("is not copied for whoever has it alone", () => {
    const args = [{ a: 1 }];
    expect(bodyArguments(valueBody(args), false)).toBe(args);
  });

  test("is what its bytes are, and no list where they are none", () => {
    expect(bodyArguments(bytesBody(bodyBytes(valueBody([1, "a"]))), true)).toEqual([1, "a"]);
    expect(bodyArguments(valueBody("no list"), true)).toBe("no list");
  });
});
