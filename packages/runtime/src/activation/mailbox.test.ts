import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "./mailbox.ts";

test("behaves as a bounded queue, whatever the sequence of operations (M1, M2)", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("offer", "offer", "shift", "drain"), { maxLength: 400 }),
      (ops) => {
        const mailbox = new Mailbox<number>(100);
        let model: number[] = [];
        let next = 0;
        for (const op of ops) {
          if (op === "offer") {
            const accepted = mailbox.offer(next);
            expect(accepted).toBe(model.length < 100);
            if (accepted) model.push(next);
            next += 1;
          } else if (op === "shift") expect(mailbox.shift()).toBe(model.shift());
          else {
            expect(mailbox.drain()).toEqual(model);
            model = [];
          }
          expect(mailbox.size).toBe(model.length);
          expect(mailbox.peek()).toBe(model[0]);
        }
      },
    ),
  );
});
