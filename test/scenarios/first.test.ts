import { Actor, CallError, defineActor, defineError } from "tenure";
import { expect, test } from "vitest";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";

const Limit = defineError<{ limit: number }>()("LIMIT");

class Counter extends Actor<{ count: number }> {
  static readonly actor = defineActor<Counter>({
    type: "counter",
    state: () => ({ count: 0 }),
    methods: { get: "read", where: "read", generation: "read" },
  });
  async add(n: number) {
    if (this.state.count + n > 100) {
      this.state.count = -1;
      throw Limit({ limit: 100 });
    }
    return (this.state.count += n);
  }
  get() {
    return this.state.count;
  }
  where() {
    return this.ctx.silo;
  }
  generation() {
    return this.ctx.generation;
  }
  badRead() {}
}

test("an actor's calls reach its one silo from every silo, and a thrown turn rolls back", async () => {
  await using t = await testSilos({ actors: [Counter], silos: 3 });
  const refs = t.silos.map((silo) => silo.client.get(Counter, "a"));
  expect(await Promise.all(refs.map((ref) => ref.add(1)))).toHaveLength(3);
  expect(new Set(await Promise.all(refs.map((ref) => ref.where()))).size).toBe(1);
  const error = await refs[1]!.add(1000).catch((e: unknown) => e);
  expect(Limit.is(error) && error.data.limit).toBe(100);
  expect(await refs[2]!.get()).toBe(3);
});

test("after a crash the actor comes back elsewhere, with its state and a higher generation", async () => {
  await using t = await testSilos({ actors: [Counter], silos: 3 });
  const from = t.silos[0]!.client.get(Counter, "x");
  await from.add(7);
  const owner = await from.where();
  const generation = await from.generation();
  const victim = t.silos.find((silo) => silo.name === owner)!;
  const witness = t.silos.find((silo) => silo.name !== owner)!;
  crash(victim);
  const after = witness.client
    .get(Counter, "x")
    .add(1)
    .catch((e: CallError) => e);
  await t.clock.advance("9s");
  expect(await after).toBe(8);
  expect(await witness.client.get(Counter, "x").where()).not.toBe(owner);
  expect(await witness.client.get(Counter, "x").generation()).toBeGreaterThan(generation);
});
