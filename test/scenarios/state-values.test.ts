// What a state may be made of, the whole way: from an activation to a store, and from there to another activation.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Actor, type ActorClass, type CallError, defineActor, NotSerializableError } from "tenure";
import type { DirectoryProvider, StorageProvider } from "@tenure/core/internal";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";
import { embedded } from "@tenure/sqlite";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { anyValue } from "../support/any-value.ts";
import { arrived, sameSharing } from "../support/arrived.ts";
import { rejection } from "../support/deferred.ts";

interface Kept {
  value: unknown;
}
interface Keeper extends Actor<Kept> {
  keep(): Promise<void>;
  spoil(): Promise<void>;
  show(): Promise<void>;
}

/** Hands values to an actor and back by reference: no call's copy is in between. */
class Hand {
  value: unknown;
  readonly keeper: ActorClass<Keeper & Actor<unknown>>;

  constructor() {
    const give = (): unknown => this.value;
    const take = (value: unknown): void => {
      this.value = value;
    };
    this.keeper = class extends Actor<Kept> {
      static readonly actor = defineActor<Keeper>({
        type: "keeper",
        state: () => ({ value: undefined }),
      });
      async keep(): Promise<void> {
        this.state.value = give();
      }
      async spoil(): Promise<void> {
        this.state = { value: { list: [0, new Map([["key", give()]])] } };
      }
      async show(): Promise<void> {
        take(this.state.value);
      }
    };
  }
}

const dir = mkdtempSync(join(tmpdir(), "tenure-values-"));
afterAll(() => rmSync(dir, { recursive: true }));

interface Ports {
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
}
const STORES: Readonly<Record<string, () => Ports>> = {
  memory: () => ({ directory: memoryDirectory(), storage: memoryStorage() }),
  "embedded SQLite": () => {
    const { directory, storage } = embedded({ dir });
    return { directory, storage };
  },
};

const RUNS = 150;

test.for(Object.keys(STORES))(
  `over %s every value that a state may hold comes back to the next activation: equal, and what was one object is one`,
  async (name) => {
    const hand = new Hand();
    await using t = await testSilos({ actors: [hand.keeper], ...STORES[name]!() });
    const silo = t.silos[0]!;
    const nested = fc.tuple(anyValue, anyValue).map(([one, other]) => ({
      one,
      map: new Map<unknown, unknown>([
        ["again", one],
        [1n, other],
      ]),
      set: new Set([one, other, NaN, undefined]),
      at: new Date(5),
      bytes: new Uint8Array([1, 2]),
    }));
    let runs = 0;
    const property = fc.asyncProperty(fc.oneof(anyValue, nested), async (value) => {
      const actor = silo.client.get(hand.keeper, `run ${runs++}`);
      hand.value = value;
      await actor.keep();
      expect(await silo.admin.deactivate("keeper", `run ${runs - 1}`)).toBe(true);
      hand.value = "nothing";
      await actor.show();
      const wanted = arrived(value);
      expect(hand.value).toStrictEqual(wanted);
      expect(sameSharing(wanted, hand.value)).toBe(true);
      expect(hand.value === value && typeof value === "object" && value !== null).toBe(false);
    });
    await fc.assert(property, { numRuns: RUNS });
  },
);

class Money {
  readonly cents = 1;
}
function nestedTo(depth: number): unknown {
  let value: unknown = "here";
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

test.for<[string, () => unknown, string]>([
  ["a function", () => ({ a: () => 1 }), ".a is a function"],
  ["a symbol", () => ({ a: [Symbol("s")] }), ".a[0] is "],
  ["an object of a class", () => ({ price: new Money() }), ".price is an instance of Money"],
  ["a promise", () => [Promise.resolve()], "[0] is an instance of Promise"],
  ["a WeakMap", () => new Map([["k", new WeakMap()]]), "is an instance of WeakMap"],
  [
    "an accessor",
    () => Object.defineProperty({}, "g", { get: () => 1, enumerable: true }),
    "has an accessor",
  ],
  ["a key __proto__", () => JSON.parse('{"a":{"__proto__":1}}') as unknown, ".a"],
  ["half a character", () => ({ text: "\ud800" }), ".text"],
  ["more levels than a value may have", () => nestedTo(101), "[0][0]"],
])(
  "%s in a state fails the turn, says where it is, and rolls the turn back",
  async ([, make, where]) => {
    const hand = new Hand();
    await using t = await testSilos({ actors: [hand.keeper] });
    const actor = t.silos[0]!.client.get(hand.keeper, "a");
    hand.value = "before";
    await actor.keep();
    hand.value = make();
    const error = await rejection(actor.spoil());
    expect(error).toBeInstanceOf(NotSerializableError);
    expect(error).toMatchObject({ outcome: "not-executed" });
    expect((error as CallError).message).toContain("state.value.list[1]");
    expect((error as CallError).message).toContain(where);
    await actor.show();
    expect(hand.value).toBe("before");
  },
);
