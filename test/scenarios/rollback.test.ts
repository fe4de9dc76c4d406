// A directory that loses its newest writes (R14): the silo notices at its next renewal, and nothing goes back.
import { Actor, defineActor } from "tenure";
import { type DirectoryProvider, TableDirectory } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { SimTables } from "../../packages/testing/src/simulation/tables.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";

class Plain extends Actor {
  static readonly actor = defineActor<Plain>({ type: "plain", methods: { generation: "read" } });
  generation() {
    return this.ctx.generation;
  }
}

function losingDirectory(tables: SimTables): DirectoryProvider {
  return {
    name: "losing",
    open: () =>
      Promise.resolve(
        new TableDirectory({
          durability: "all but what the test takes back",
          startsOpen: true,
          transact: async (step) => ({ sequence: tables.writes, answer: tables.atomic(step) }),
          close: () => Promise.resolve(),
        }),
      ),
  };
}

test("a lost claim is noticed at the next renewal: activations are discarded and come back with a higher generation (R14, I7)", async () => {
  const tables = new SimTables();
  await using t = await testSilos({ actors: [Plain], directory: losingDirectory(tables) });
  const actor = t.silos[0]!.client.get(Plain, "a");
  const generation = await actor.generation();
  // The claim: the counter, the silo's record and the entry.
  tables.lose(1);
  expect(tables.entry({ type: "plain", id: "a" })).toBeUndefined();

  await t.clock.advance("2s");
  expect(t.events.map((event) => event.type)).toContain("directory.rolled-back");
  expect(await actor.generation()).toBeGreaterThan(generation);
});

test("a directory that keeps what it acknowledged is never taken for one that lost writes", async () => {
  const tables = new SimTables();
  await using t = await testSilos({ actors: [Plain], directory: losingDirectory(tables) });
  for (let i = 0; i < 20; i++) {
    await t.silos[0]!.client.get(Plain, `actor ${i}`).generation();
    await t.clock.advance("700ms");
  }
  expect(t.events.map((event) => event.type)).not.toContain("directory.rolled-back");
});
