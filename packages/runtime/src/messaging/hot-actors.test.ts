import type { EventBody } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { HotActors } from "./hot-actors.ts";

const actor = (id: string | number) => ({ type: "t", id: String(id) });

test("the actors whose callers wait longest are named, the worst first, at most five, once in ten seconds (H1)", () => {
  const events: EventBody[] = [];
  const hot = new HotActors(0, (event) => events.push(event));
  for (let i = 1; i <= 20; i++) hot.see({ actor: actor(i), waiting: 100 * i, serviceMs: 5.001 });
  hot.report(9_999);
  expect(events).toEqual([]);
  hot.report(10_000);
  expect(events).toEqual([
    {
      type: "actors.hot",
      actors: [20, 19, 18, 17, 16].map((i) => ({
        actor: actor(i),
        waiting: 100 * i,
        serviceMs: 5,
      })),
    },
  ]);
  hot.see({ actor: actor(1), waiting: 1_000, serviceMs: 1 });
  hot.report(19_999);
  expect(events).toHaveLength(1);
  hot.report(20_000);
  expect(events).toHaveLength(2);
});

test("an actor is told at its worst, and one whose callers hardly wait is not (H1, H2)", () => {
  const events: EventBody[] = [];
  const hot = new HotActors(0, (event) => events.push(event));
  hot.see({ actor: actor("a"), waiting: 600, serviceMs: 1 });
  hot.see({ actor: actor("a"), waiting: 900, serviceMs: 1 });
  hot.see({ actor: actor("a"), waiting: 700, serviceMs: 1 });
  hot.see({ actor: actor("b"), waiting: 499, serviceMs: 1 });
  hot.report(10_000);
  expect(events).toEqual([
    { type: "actors.hot", actors: [{ actor: actor("a"), waiting: 900, serviceMs: 1 }] },
  ]);
  hot.report(30_000);
  expect(events).toHaveLength(1);
});
