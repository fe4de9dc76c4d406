import { expect, test } from "vitest";
import { checkLinearizable, type Model, type Operation } from "./linearizability.ts";

type Input = { readonly add: number } | "get";
const counter: Model<number, Input, number> = {
  initial: 0,
  step(state, input, output) {
    const next = input === "get" ? state : state + input.add;
    return output === undefined || output === next ? next : undefined;
  },
  key: String,
};
const op = (
  input: Input,
  calledMs: number,
  atMs: number | undefined,
  output = 0,
): Operation<Input, number> => ({
  input,
  calledMs,
  returned: atMs === undefined ? undefined : { atMs, output },
});
const check = (...operations: Operation<Input, number>[]): string =>
  checkLinearizable(counter, operations);

test("operations one after the other", () => {
  expect(check(op({ add: 1 }, 0, 1, 1), op("get", 2, 3, 1))).toBe("linearizable");
  expect(check(op({ add: 1 }, 0, 1, 1), op("get", 2, 3, 0))).toBe("not-linearizable");
});

test("concurrent operations may take effect in either order, but in one", () => {
  const adds = [op({ add: 1 }, 0, 10, 3), op({ add: 2 }, 0, 10, 2)];
  expect(check(...adds)).toBe("linearizable");
  expect(check(op({ add: 1 }, 0, 10, 1), op({ add: 2 }, 0, 10, 2))).toBe("not-linearizable");
  // One reader has seen the second add; a later one may not be back before it.
  expect(check(...adds, op("get", 1, 2, 3), op("get", 3, 4, 2))).toBe("not-linearizable");
});

test("an unknown operation may have happened, also late, or never; but not twice", () => {
  const unknown = op({ add: 5 }, 0, undefined);
  expect(check(unknown, op("get", 1, 2, 0))).toBe("linearizable");
  expect(check(unknown, op("get", 1, 2, 0), op("get", 3, 4, 5))).toBe("linearizable");
  expect(check(unknown, op("get", 1, 2, 5), op("get", 3, 4, 0))).toBe("not-linearizable");
  expect(check(unknown, op("get", 1, 2, 10))).toBe("not-linearizable");
});

test("a search that takes too long says so", () => {
  const many = Array.from({ length: 24 }, (_, i) => op({ add: 2 ** i }, 0, undefined));
  const wanted = op("get", 1, 2, -1);
  expect(checkLinearizable(counter, [...many, wanted], 1_000)).toBe("too-hard");
});
