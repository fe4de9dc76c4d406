import fc from "fast-check";
import { expect, test } from "vitest";
import { copyOf, SHORT_BYTES } from "./slab.ts";

const source = Uint8Array.from({ length: 4_096 }, (_, i) => i % 251);

test("a piece is a copy of what was asked for, and no later one writes into it (SL1)", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2_000), { minLength: 1, maxLength: 200 }), (lengths) => {
      const bytes = source.slice();
      const pieces = lengths.map((length, i) => {
        bytes[0] = i % 256;
        return copyOf(bytes, length);
      });
      bytes.fill(0);
      for (const [i, length] of lengths.entries()) {
        const expected = source.slice(0, length);
        if (length > 0) expected[0] = i % 256;
        expect(pieces[i]).toEqual(expected);
      }
    }),
  );
});

test("short pieces and long ones have memory of their own; those between share a block (SL2)", () => {
  const bytesKept = (length: number): number => copyOf(source, length).buffer.byteLength;
  expect(bytesKept(SHORT_BYTES)).toBe(SHORT_BYTES);
  expect(bytesKept(1_025)).toBe(1_025);
  const [one, other] = [copyOf(source, 100), copyOf(source, 100)];
  expect(one.buffer === other.buffer || other.byteOffset === 0).toBe(true);
  expect(one.buffer.byteLength).toBeLessThanOrEqual(8_192);
});
