import fc from "fast-check";
import { expect, test } from "vitest";
import {
  actorIdProblem,
  checkActorId,
  decodeActorKey,
  encodeActorKey,
  formatActor,
  isActorType,
} from "./actor-id.ts";
import { InvalidArgumentError } from "./errors.ts";

const type = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/);
const id = fc
  .string({ unit: "binary", minLength: 1, maxLength: 128 })
  .filter((text) => actorIdProblem(text) === undefined);
const address = fc.record({ type, id });

test("a key can be read back, so that no two actors share one (A2)", () => {
  fc.assert(
    fc.property(address, address, (a, b) => {
      expect(decodeActorKey(encodeActorKey(a))).toEqual(a);
      const same = a.type === b.type && a.id === b.id;
      expect(encodeActorKey(a) === encodeActorKey(b)).toBe(same);
      expect(formatActor(a) === formatActor(b)).toBe(same);
    }),
  );
});

// Drawn pairs are hardly ever alike: these are.
test("ids that look alike have keys of their own (A2)", () => {
  const alike = fc.constantFrom<(text: string) => string>(
    (text) => text.normalize("NFC"),
    (text) => text.normalize("NFD"),
    (text) => text.toUpperCase(),
    (text) => text.toLowerCase(),
    (text) => text.trim(),
    (text) => `${text}\0`,
    (text) => `${text} `,
    (text) => `${text}=`,
    (text) => `${text}/${text}`,
    (text) => text.replaceAll("+", "-").replaceAll("/", "_"),
    (text) => Buffer.from(text).toString("base64url"),
    (text) => encodeActorKey({ type: "t", id: text }),
  );
  const near = fc.tuple(address, fc.array(alike, { minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(near, ([actor, changes]) => {
      const like = changes.reduce((text, change) => change(text), actor.id);
      fc.pre(actorIdProblem(like) === undefined);
      const other = { ...actor, id: like };
      expect(encodeActorKey(other) === encodeActorKey(actor)).toBe(like === actor.id);
      expect(decodeActorKey(encodeActorKey(other))).toEqual(other);
    }),
    { numRuns: 500 },
  );
});

test("a type and an id cannot run into each other in a key (A2)", () => {
  fc.assert(
    fc.property(address, type, (actor, otherType) => {
      const shifted = { type: otherType, id: `${actor.type}/${actor.id}`.slice(0, 100) };
      fc.pre(actorIdProblem(shifted.id) === undefined);
      expect(encodeActorKey(shifted)).not.toBe(encodeActorKey(actor));
    }),
  );
});

test("a key has only characters that are safe anywhere (A2)", () => {
  fc.assert(
    fc.property(address, (actor) => {
      expect(encodeActorKey(actor)).toMatch(/^[A-Za-z][A-Za-z0-9_.-]{0,63}\/[A-Za-z0-9_-]+$/);
    }),
  );
});

test.for<[unknown, string]>([
  ["", "must not be empty"],
  ["x".repeat(513), "at most 512 bytes in UTF-8, this one has 513"],
  ["é".repeat(257), "this one has 514"],
  ["💡".repeat(129), "this one has 516"],
  ["a\ud800", "lone surrogate"],
  ["\udc00\ud800", "lone surrogate"],
  [7, "must be a string, not 7"],
  [null, "must be a string, not null"],
  [undefined, "must be a string, not undefined"],
  [Symbol("s"), "must be a string, not Symbol(s)"],
  [["a"], "must be a string, not an array of 1"],
])("%o is no id: %s (A1)", ([given, problem]) => {
  expect(actorIdProblem(given)).toContain(problem);
  expect(() => checkActorId(given)).toThrow(InvalidArgumentError);
});

test("an id has up to 512 bytes of any well-formed Unicode (A1)", () => {
  for (const fine of ["x".repeat(512), "é".repeat(256), "💡".repeat(128), "\0", "\n", "a/b", " "])
    expect(actorIdProblem(fine)).toBeUndefined();
});

test("a type is a name that survives in any subject or key", () => {
  for (const fine of ["a", "A.b-c_d9", "x".repeat(64)]) expect(isActorType(fine)).toBe(true);
  for (const bad of ["", "9a", "a b", "a/b", "é", "x".repeat(65), "_a", "a\n", 7, null])
    expect(isActorType(bad)).toBe(false);
});
