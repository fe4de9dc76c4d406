import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { SUSPECT_MS, Suspicions } from "./suspicions.ts";

function watching() {
  const clock = new VirtualClock();
  const waiting = new Map<string, number>();
  const asked: string[] = [];
  const suspicions = new Suspicions(clock, {
    waitingSince: (beforeMs) =>
      [...waiting].filter(([, sinceMs]) => sinceMs <= beforeMs).map(([silo]) => silo),
    ask: (silo) => asked.push(silo),
  });
  return { clock, waiting, asked, suspicions };
}

test("a silo is asked after when a call has waited there for long, and not before (U1)", async () => {
  const { clock, waiting, asked } = watching();
  waiting.set("a", 0);
  await clock.advance(SUSPECT_MS - 1);
  expect(asked).toEqual([]);
  await clock.advance(251);
  expect(asked).toEqual(["a"]);
});

test("a silo is asked after once per SUSPECT_MS for as long as calls wait there, each silo by itself (U1, I12)", async () => {
  const { clock, waiting, asked } = watching();
  waiting.set("a", 0).set("b", 0);
  await clock.advance(3 * SUSPECT_MS + 250);
  expect(asked.filter((silo) => silo === "a")).toHaveLength(3);
  expect(asked.filter((silo) => silo === "b")).toHaveLength(3);
  waiting.delete("a");
  await clock.advance(2 * SUSPECT_MS);
  expect(asked.filter((silo) => silo === "a")).toHaveLength(3);
});

test("nobody is asked after when the client is closed", async () => {
  const { clock, waiting, asked, suspicions } = watching();
  waiting.set("a", 0);
  suspicions.stop();
  await clock.advance(5 * SUSPECT_MS);
  expect(asked).toEqual([]);
});
