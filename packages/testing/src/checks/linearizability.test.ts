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

// The violations that a cluster with a broken rule makes, as histories of a register.
type RegisterCall = { readonly put: string } | "read";
const register: Model<string, RegisterCall, string> = {
  initial: "",
  step(state, input, output) {
    const next = input === "read" ? state : input.put;
    return output === undefined || output === next ? next : undefined;
  },
  key: (state) => state,
};
type Call = readonly [from: number, to: number | undefined, input: RegisterCall, output: string];
const put = (value: string, from: number, to?: number): Call => [from, to, { put: value }, value];
const read = (value: string, from: number, to: number): Call => [from, to, "read", value];
const verdict = (calls: readonly Call[]): string =>
  checkLinearizable(
    register,
    calls.map(([calledMs, atMs, input, output]) => ({
      input,
      calledMs,
      returned: atMs === undefined ? undefined : { atMs, output },
    })),
  );

test.each<[string, readonly Call[]]>([
  ["stale read", [put("a", 0, 1), put("b", 2, 3), read("a", 4, 5)]],
  ["lost write", [put("a", 0, 1), read("", 2, 3)]],
  ["read of the future", [read("a", 0, 1), put("a", 2, 3)]],
  ["read of what was never written", [put("a", 0, 1), read("x", 2, 3)]],
  ["write that comes back", [put("a", 0, 1), put("b", 2, 3), read("b", 4, 5), read("a", 6, 7)]],
  ["second serving owner", [put("a", 0, 1), put("b", 0, 9), read("b", 2, 3), read("a", 4, 5)]],
  [
    "unknown write, twice",
    [put("a", 0), put("b", 2, 3), read("a", 4, 5), put("b", 6, 7), read("a", 8, 9)],
  ],
])("a planted %s is found", (_what, calls) => {
  expect(verdict(calls)).toBe("not-linearizable");
});

test("the same histories with the calls at once, or without the plant, pass", () => {
  expect(verdict([put("a", 0, 1), put("b", 2, 5), read("a", 3, 4)])).toBe("linearizable");
  expect(verdict([put("a", 0), put("b", 2, 3), read("a", 4, 5), read("a", 8, 9)])).toBe(
    "linearizable",
  );
});

test("hundreds of calls, several at once, are decided within the steps allowed", () => {
  const calls = Array.from({ length: 400 }, (_, i) => put(String(i), i, i + 4.5));
  const reads = Array.from({ length: 400 }, (_, i) => read(String(i), i + 4.2, i + 4.4));
  expect(verdict([...calls, ...reads])).toBe("linearizable");
});
