// How large a state may be: 512 KiB, or what the silo was told, as far as its store can hold it.
import { Actor, ConfigError, defineActor, InvalidArgumentError } from "tenure";
import { memoryStorage } from "@tenure/directory/internal";
import { type StorageProvider } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

class Bag extends Actor<{ things: Record<string, string> }> {
  static readonly actor = defineActor<Bag>({
    type: "bag",
    state: () => ({ things: {} }),
    methods: { names: "read" },
  });
  async put(name: string, characters: number) {
    this.state.things[name] = "x".repeat(characters);
    return Object.keys(this.state.things).length;
  }
  names() {
    return Object.keys(this.state.things);
  }
}

const KIB = 1_024;
/** Some bytes of a state are not its text. */
const AROUND = 100;

/** Memory that says that it can hold so much. */
function storageOf(maxStateBytes: number): StorageProvider {
  const inner = memoryStorage();
  return {
    name: "a small store",
    open: async (environment) => {
      const storage = await inner.open(environment);
      return new Proxy(storage, {
        get: (target, name) => {
          if (name === "maxStateBytes") return maxStateBytes;
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
}

test.for<[string, number | undefined, StorageProvider | undefined, number]>([
  ["512 KiB, when nothing is said", undefined, undefined, 512 * KIB],
  ["what the silo was told, when that is less", 2 * KIB, undefined, 2 * KIB],
  ["what the silo was told, when that is more", 700 * KIB, undefined, 700 * KIB],
  ["what the store can hold, when nothing is said", undefined, storageOf(64 * KIB), 64 * KIB],
])(
  "a state may have %s; a turn that makes it larger is refused and rolled back",
  async ([, given, storage, limit]) => {
    await using t = await testSilos({
      actors: [Bag],
      ...(storage && { storage }),
      options: { maxStateBytes: given },
    });
    const bag = t.silos[0]!.client.get(Bag, "b");
    expect(await bag.put("fits", limit - AROUND)).toBe(1);
    const error = await rejection(bag.put("too much", AROUND));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ outcome: "not-executed" });
    expect(String(error)).toMatch(new RegExp(`state has \\d+ bytes; the limit is ${limit}:`));
    expect(await bag.names()).toEqual(["fits"]);
  },
);

test("a silo that is told to keep larger states than its store can hold does not start, and leaves nothing open", async () => {
  const inner = storageOf(64 * KIB);
  let open = 0;
  const storage: StorageProvider = {
    name: inner.name,
    open: async (environment) => {
      const opened = await inner.open(environment);
      open += 1;
      return new Proxy(opened, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (name !== "close") return value;
          return async () => {
            open -= 1;
            await target.close();
          };
        },
      });
    },
  };
  const options = { maxStateBytes: 64 * KIB + 1 };
  const error = await rejection(testSilos({ actors: [Bag], storage, options }));
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toContain(
    `maxStateBytes: must be at most ${64 * KIB}, which is what a small store can hold, not ${64 * KIB + 1}`,
  );
  expect(open).toBe(0);
});

test("of turns that share a save the one that is too large fails alone", async () => {
  const storage = new ScriptedStorage();
  await using t = await testSilos({
    actors: [Bag],
    storage,
    options: { maxStateBytes: 10 * KIB },
  });
  const bag = t.silos[0]!.client.get(Bag, "b");
  const held = storage.holdNext();
  const first = bag.put("first", 1 * KIB);
  await held.arrived;
  const [second, tooLarge, third] = [
    bag.put("second", 1 * KIB),
    rejection(bag.put("too large", 10 * KIB)),
    bag.put("third", 1 * KIB),
  ];
  expect(await tooLarge).toBeInstanceOf(InvalidArgumentError);
  held.letGo();
  expect(await Promise.all([first, second, third])).toEqual([1, 2, 3]);
  expect(storage.saves).toHaveLength(2);
  expect(await bag.names()).toEqual(["first", "second", "third"]);
});

test("an actor whose state is larger than its silo allows by now is read as ever, and can be made smaller", async () => {
  const storage = new ScriptedStorage();
  await using t = await testSilos({ actors: [Bag], silos: 0, storage });
  const generous = await t.add("generous");
  await generous.client.get(Bag, "b").put("large", 100 * KIB);
  await generous.stop();
  const strict = await t.add("strict", { maxStateBytes: 10 * KIB });
  const bag = strict.client.get(Bag, "b");
  expect(await bag.names()).toEqual(["large"]);
  expect(await rejection(bag.put("more", 1))).toBeInstanceOf(InvalidArgumentError);
  expect(await bag.put("large", 1 * KIB)).toBe(1);
});
