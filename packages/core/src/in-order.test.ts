import fc from "fast-check";
import { expect, test } from "vitest";
import { InOrder, type Place } from "./in-order.ts";

test("whatever becomes ready first, a lane goes on in the order in which it was entered (Q1)", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("enter" as const), lane: fc.constantFrom("a", "b") }),
    fc.record({ do: fc.constantFrom("ready" as const, "leave" as const), at: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const order = new InOrder();
      const entered: { lane: string; place: Place; state: "in" | "ready" | "left" }[] = [];
      const gone: number[] = [];
      for (const each of steps) {
        if (each.do === "enter") {
          entered.push({ lane: each.lane, place: order.enter(each.lane), state: "in" });
          continue;
        }
        const at = each.at % Math.max(1, entered.length);
        const one = entered[at];
        if (!one || one.state === "left") continue;
        if (each.do === "leave") {
          one.place.leave();
          if (!gone.includes(at)) one.state = "left";
        } else if (one.state === "in") {
          one.state = "ready";
          one.place.ready(() => gone.push(at));
        }
        for (const lane of ["a", "b"]) {
          // Gone on is exactly what is ready with nothing before it that has neither gone on nor left.
          const ofLane = entered
            .map((one, i) => ({ ...one, i }))
            .filter((one) => one.lane === lane);
          const stuck = ofLane.findIndex((one) => one.state === "in");
          const free = (stuck === -1 ? ofLane : ofLane.slice(0, stuck)).filter(
            (one) => one.state === "ready",
          );
          expect(gone.filter((i) => entered[i]!.lane === lane)).toEqual(free.map((one) => one.i));
          expect(order.has(lane)).toBe(stuck !== -1); // Q3
        }
      }
    }),
  );
});

test("what finds nothing before it goes on at once (Q2)", () => {
  const order = new InOrder();
  const gone: string[] = [];
  order.enter("a").ready(() => gone.push("first"));
  expect(gone).toEqual(["first"]);
  expect(order.size).toBe(0);
});

test("what goes on may enter its lane again: that comes after those who wait (Q1)", () => {
  const order = new InOrder();
  const gone: string[] = [];
  const first = order.enter("a");
  const second = order.enter("a");
  second.ready(() => gone.push("second"));
  first.ready(() => {
    gone.push("first");
    order.enter("a").ready(() => gone.push("third"));
  });
  expect(gone).toEqual(["first", "second", "third"]);
  expect(order.size).toBe(0);
});
