import { Actor, defineActor } from "@tenure/core";
import { expect, test } from "vitest";
import { testCluster } from "./test-cluster.ts";

class Counter extends Actor<{ count: number }> {
  static readonly actor = defineActor<Counter>({
    type: "counter",
    state: () => ({ count: 0 }),
    methods: { get: "read", where: "read" },
    idle: "10m",
  });
  async add(n: number) {
    return (this.state.count += n);
  }
  get() {
    return this.state.count;
  }
  where() {
    return this.ctx.silo;
  }
}

test("a call that is awaited makes the world run, and advance() moves it by exactly its time", async () => {
  await using t = await testCluster({ actors: [Counter], silos: 2, seed: 7 });
  const counter = t.client.get(Counter, "a");
  expect(await counter.add(1)).toBe(1);
  const beforeMs = t.clock.nowMs;
  await t.clock.advance("11m");
  expect(t.clock.nowMs).toBe(beforeMs + 660_000);
  expect(t.events.filter((event) => event.type === "activation.deactivated")).toHaveLength(1);
  expect(await counter.$with({ idempotencyKey: "k" }).add(1)).toBe(2);
  t.assertSingleOwner();
  expect(t.history("counter/a").map((entry) => entry.what)).toContain("released");
});

test("after a crash, a pause and a partition every actor comes back, and had one owner", async () => {
  await using t = await testCluster({ actors: [Counter], silos: 3, seed: 11 });
  const counter = t.client.get(Counter, "a");
  await counter.add(1);
  const owner = await counter.where();
  t.crash(owner);
  const pending = counter.get();
  await t.clock.advance("8s");
  expect(await pending).toBe(1);
  const second = await counter.where();
  t.pause(second, "40s");
  const late = counter.add(1).catch((error: unknown) => error);
  await t.clock.advance("1m");
  await late;
  expect(await counter.get()).toBeGreaterThanOrEqual(1);
  const silos = ["silo-1", "silo-2", "silo-3"].filter((name) => name !== owner);
  t.partition([silos[0]!], [silos[1]!, "client"]);
  await t.clock.advance("10s");
  t.heal();
  await t.clock.advance("10s");
  expect(await counter.get()).toBeGreaterThanOrEqual(1);
  await t.start(owner);
  t.assertSingleOwner();
});

test("one seed is one course of events", async () => {
  const run = async (seed: number): Promise<string> => {
    await using t = await testCluster({ actors: [Counter], silos: 3, seed });
    for (let i = 0; i < 5; i++) await t.client.get(Counter, `c${i}`).add(i);
    t.crash("silo-1");
    await t.clock.advance("10s");
    return t.trace();
  };
  expect(await run(3)).toBe(await run(3));
  expect(await run(3)).not.toBe(await run(4));
});
