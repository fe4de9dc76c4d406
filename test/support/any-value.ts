// Values of every type that may travel, nested, shared and cyclic. Without errors, whose copies compare by hand.
import fc from "fast-check";

const key = fc
  .oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("toJSON", "length", "then", "hasOwnProperty", "0", ""),
  )
  // The one is refused; the other means something to the comparison of tests.
  .filter((name) => name !== "__proto__" && name !== "constructor");
const binary = fc.oneof(
  fc.uint8Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer),
  fc.uint8Array().map((bytes) => new DataView(new Uint8Array(bytes).buffer)),
);
const leaf = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(undefined, null),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a|b/giu, new URL("http://example.org/a?b#c")),
  binary,
);
const { tree } = fc.letrec<{ tree: unknown; node: unknown }>((tie) => ({
  tree: fc.oneof({ depthSize: "small" }, leaf, tie("node")),
  node: fc.oneof(
    fc.array(tie("tree")),
    fc.dictionary(key, tie("tree")),
    fc.dictionary(key, tie("tree")).map((object) => Object.assign(Object.create(null), object)),
    fc.array(fc.tuple(tie("tree"), tie("tree"))).map((pairs) => new Map(pairs)),
    fc.array(tie("tree")).map((items) => new Set(items)),
    tie("tree").map((item) => Object.freeze([item])),
    tie("tree").map((item) => ({ twice: [item, item], once: item })),
    tie("tree").map((item) => {
      const cyclic: Record<string, unknown> = { item };
      cyclic["self"] = [cyclic];
      return cyclic;
    }),
  ),
}));

export const anyValue: fc.Arbitrary<unknown> = tree;
