import fc from "fast-check";
import { expect, test } from "vitest";
import { RequestTable } from "./request-table.ts";

// Few of the lowest bits differ, so that most ids collide; and all of the others may.
const ids = fc.tuple(fc.nat(90), fc.nat(3)).map(([low, high]) => low + high * 2 ** 40);

test("it holds what a Map holds, however ids collide (RT1)", () => {
  const run = (steps: readonly number[]): void => {
    const table = new RequestTable<object>();
    const map = new Map<number, object>();
    for (const request of steps) {
      expect(table.get(request)).toBe(map.get(request));
      if (table.delete(request)) map.delete(request);
      else {
        const item = {};
        table.add(request, item);
        map.set(request, item);
      }
      expect(table.size).toBe(map.size);
    }
    expect(new Map(table.entries())).toEqual(map);
    for (const [request, item] of map) expect(table.get(request)).toBe(item);
  };
  fc.assert(fc.property(fc.array(ids, { maxLength: 1_000, size: "max" }), run));
});
