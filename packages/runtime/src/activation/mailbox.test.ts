import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "./mailbox.ts";

const CAPACITY = 100;
type Op = "offer" | "shift" | "remove" | "drain";

/** What each operation answers, and what is seen after it. */
function observe(
  ops: readonly Op[],
  mailbox: Pick<Mailbox<number>, Op | "peek" | "size">,
): unknown[] {
  let next = 0;
  return ops.map((op) => {
    const answer =
      op === "offer"
        ? mailbox.offer(next++)
        : op === "remove"
          ? mailbox.remove((item) => item % 3 === 1)
          : mailbox[op]();
    return [op, answer, mailbox.peek(), mailbox.size];
  });
}

test("behaves as a bounded queue, whatever the sequence of operations (M1, M2)", () => {
  const operation = fc.constantFrom<Op>(
    "offer",
    "offer",
    "offer",
    "offer",
    "shift",
    "remove",
    "drain",
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 600 }), (ops) => {
      let items: number[] = [];
      const model = {
        offer: (item: number) => items.length < CAPACITY && items.push(item) > 0,
        shift: () => items.shift(),
        remove: (meant: (item: number) => boolean) => {
          const found = items.find(meant);
          items = items.filter((item) => item !== found);
          return found;
        },
        drain: () => items.splice(0),
        peek: () => items[0],
        get size() {
          return items.length;
        },
      };
      const observed = observe(ops, new Mailbox<number>(CAPACITY));
      items = [];
      expect(observed).toEqual(observe(ops, model));
    }),
  );
});

test("what leaves from the middle leaves room, and the others in their order (M1, M2)", () => {
  const mailbox = new Mailbox<number>(3);
  for (const item of [1, 2, 3, 4]) mailbox.offer(item);
  mailbox.shift();
  expect(mailbox.remove((item) => item === 1)).toBeUndefined(); // It has left.
  expect(mailbox.remove((item) => item === 3)).toBe(3);
  expect(mailbox.remove((item) => item === 3)).toBeUndefined();
  expect([mailbox.offer(5), mailbox.offer(6), mailbox.drain()]).toEqual([true, true, [2, 5, 6]]);
});

test("a full mailbox refuses one more, and takes it after a shift (M2)", () => {
  const mailbox = new Mailbox<number>(2);
  expect([mailbox.offer(1), mailbox.offer(2), mailbox.offer(3)]).toEqual([true, true, false]);
  expect([mailbox.shift(), mailbox.offer(4), mailbox.drain()]).toEqual([1, true, [2, 4]]);
});
