// Actors that are asked for more than they can do: who is named, who is refused, and who does not notice.
import { Actor, type CallError, defineActor, OverloadedError } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import type { VirtualClock } from "../../packages/testing/src/virtual-clock.ts";
import { rejection } from "../support/deferred.ts";

const SERVICE_MS = 50;
let clock: VirtualClock;

class Clerk extends Actor {
  static readonly actor = defineActor<Clerk>({ type: "clerk", maxQueue: 200 });
  async serve(): Promise<string> {
    await new Promise<void>((resolve) => {
      clock.after(SERVICE_MS, resolve);
    });
    return this.ctx.id;
  }
  async quick(): Promise<string> {
    return this.ctx.id;
  }
}

async function office() {
  const t = await testSilos({ actors: [Clerk] });
  clock = t.clock;
  return { t, clerk: (id: string) => t.silos[0]!.client.get(Clerk, id) };
}

test("an actor whose callers wait long is named, with its queue and the time of its turns", async () => {
  const { t, clerk } = await office();
  await using _ = t;
  const settled: Promise<unknown>[] = [];
  for (let second = 0; second < 12; second++) {
    settled.push(
      ...Array.from({ length: 30 }, () => clerk("slow").$with({ timeoutMs: "60s" }).serve()),
      clerk("idle").quick(),
    );
    await t.clock.advance("1s");
  }
  const hot = t.events.filter((event) => event.type === "actors.hot");
  expect(hot).toHaveLength(1);
  expect(hot[0]!.actors.map(({ actor }) => actor.id)).toEqual(["slow"]);
  expect(hot[0]!.actors[0]!.waiting).toBeGreaterThan(50);
  expect(hot[0]!.actors[0]!.serviceMs).toBeCloseTo(SERVICE_MS, 0);
  await t.clock.advance("10s");
  await Promise.all(settled);
});

test("a full mailbox refuses at once, and says after which time to come back", async () => {
  const { t, clerk } = await office();
  await using _ = t;
  const first = clerk("slow").serve();
  await t.clock.advance(SERVICE_MS);
  await first;
  const calls = Array.from({ length: 201 }, () =>
    clerk("slow").$with({ timeoutMs: "60s" }).serve(),
  );
  await t.clock.settle();
  // It comes back by itself while it has time; with less than is asked for it fails at once.
  const refused = await rejection(clerk("slow").$with({ timeoutMs: 40 }).serve());
  expect(refused).toBeInstanceOf(OverloadedError);
  expect((refused as CallError).outcome).toBe("not-executed");
  expect((refused as CallError).details["retryAfterMs"]).toBeGreaterThan(50);
  await t.clock.advance("20s");
  await Promise.all(calls);
});

test("one slow actor does not delay another", async () => {
  const { t, clerk } = await office();
  await using _ = t;
  const slow = Array.from({ length: 100 }, () => clerk("slow").$with({ timeoutMs: "60s" }).serve());
  await t.clock.settle();
  const began = t.clock.monotonicMs();
  expect(await clerk("other").quick()).toBe("other");
  expect(t.clock.monotonicMs() - began).toBe(0);
  await t.clock.advance("10s");
  await Promise.all(slow);
});
