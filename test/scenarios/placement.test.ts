// Placement: on which silo an actor's first call activates it.
import { Actor, defineActor, type Placement } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";

function placedBy(placement: Placement) {
  return class Placed extends Actor {
    static readonly actor = defineActor<Placed>({ type: "placed", placement });
    async where() {
      return this.ctx.silo;
    }
  };
}

/** Where the actors are that each of three silos called first. */
async function spread(placement: Placement, perSilo = 60) {
  const Placed = placedBy(placement);
  await using t = await testSilos({ actors: [Placed], silos: 3, seed: 11 });
  // By then each silo knows the others, and their loads.
  await t.clock.advance("3s");
  const found: { caller: string; where: string }[] = [];
  for (let i = 0; i < perSilo; i++) {
    for (const silo of t.silos)
      found.push({
        caller: silo.name,
        where: await silo.client.get(Placed, `${silo.name} ${i}`).where(),
      });
    if (i % 5 === 0) await t.clock.advance("2s");
  }
  const counts = t.silos.map((silo) => found.filter(({ where }) => where === silo.name).length);
  return { found, counts };
}

test("an actor's calls reach its one silo from every silo", async () => {
  const Placed = placedBy("balanced");
  await using t = await testSilos({ actors: [Placed], silos: 3 });
  const calls = t.silos.map((silo) => silo.client.get(Placed, "a").where());
  const [first, ...others] = await Promise.all(calls);
  expect(others).toEqual([first, first]);
});

test("'local' activates at the caller's silo", async () => {
  const { found } = await spread("local", 5);
  for (const { caller, where } of found) expect(where).toBe(caller);
});

test.for(["random", "balanced"] as const)(
  "'%s' spreads actors over the silos",
  async (placement) => {
    const { counts } = await spread(placement);
    for (const count of counts) expect(count).toBeGreaterThan(30);
  },
);

test("an actor's first calls from all silos at once still activate it once", async () => {
  const Placed = placedBy("random");
  await using t = await testSilos({ actors: [Placed], silos: 3 });
  await t.clock.advance("3s");
  const calls = t.silos.flatMap((silo) =>
    Array.from({ length: 5 }, () => silo.client.get(Placed, "one").where()),
  );
  await t.clock.advance("2s");
  expect(new Set(await Promise.all(calls)).size).toBe(1);
});

test("an actor is placed only where its class is", async () => {
  const Placed = placedBy("random");
  await using t = await testSilos({ actors: [], silos: 2 });
  const worker = await t.add("worker", { actors: [Placed] });
  await t.clock.advance("3s");
  for (let i = 0; i < 10; i++)
    for (const silo of t.silos)
      expect(await silo.client.get<InstanceType<typeof Placed>>("placed", `${i}`).where()).toBe(
        worker.name,
      );
});
