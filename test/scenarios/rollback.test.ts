// Stores that lose their newest writes. A directory (R14): the silo notices at its next renewal, and nothing goes back. A
// storage (I8): whoever remembers what is gone is discarded where that shows.
import { Actor, defineActor } from "tenure";
import {
  type DirectoryProvider,
  type StorageProvider,
  TableDirectory,
  TableStorage,
} from "@tenure/core/internal";
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

class Till extends Actor<{ sum: number }> {
  static readonly actor = defineActor<Till>({ type: "till", state: () => ({ sum: 0 }) });
  async pay(amount: number) {
    return (this.state.sum += amount);
  }
}

function losingStorage(tables: SimTables): StorageProvider {
  return {
    name: "losing",
    open: () =>
      Promise.resolve(
        new TableStorage({
          durability: "all but what the test takes back",
          maxStateBytes: 1 << 20,
          transact: async (step) => ({ sequence: tables.writes, answer: tables.atomic(step) }),
          close: () => Promise.resolve(),
        }),
      ),
  };
}

test("a storage that lost a save with its key is found out by the repeat of the call, which is applied again, once (I8, I10)", async () => {
  const tables = new SimTables();
  await using t = await testSilos({ actors: [Till], storage: losingStorage(tables) });
  const till = t.silos[0]!.client.get(Till, "a");
  const pay = (key: string) => till.$with({ idempotencyKey: key }).pay(5);
  expect(await pay("first")).toBe(5);
  expect(await pay("second")).toBe(10);
  tables.lose(1);
  const repeated = [pay("second"), pay("second")];
  await t.clock.advance("1s");
  expect(await Promise.all(repeated)).toEqual([10, 10]);
  expect(await pay("first")).toBe(5);
  expect(t.events).toContainEqual(
    expect.objectContaining({ type: "activation.fenced", operation: "parts" }),
  );
});
