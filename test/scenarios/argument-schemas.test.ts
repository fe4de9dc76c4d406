// Schemas of arguments: what they refuse never reaches the method, and what they make of the rest does.
import { Actor, CallTimeoutError, connect, defineActor, InvalidArgumentError } from "tenure";
import { loopback, seededRandom } from "@tenure/core/internal";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { deferred, rejection } from "../support/deferred.ts";
import { handSchema } from "../support/hand-schema.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

interface Order {
  readonly item: string;
  readonly count: number;
}

const ORDER = z.tuple([z.object({ item: z.string().trim(), count: z.number().int().min(1) })]);

class Shop extends Actor<{ orders: Order[] }> {
  static readonly actor = defineActor<Shop>({
    type: "shop",
    state: () => ({ orders: [] }),
    methods: {
      order: { args: ORDER },
      find: {
        mode: "read",
        args: v.tuple([v.pipe(v.string(), v.minLength(2, "is too short"))]),
      },
      note: {
        mode: "interleave",
        args: handSchema((value) =>
          (value as readonly unknown[]).length <= 1
            ? { value: ["by hand"] as [string] }
            : { issues: [{ message: "one note at a time", path: [{ key: 1 }] }] },
        ),
      },
    },
  });

  async order(order: Order): Promise<number> {
    return this.state.orders.push(order);
  }
  find(item: string): Order | undefined {
    return this.state.orders.find((order) => order.item === item);
  }
  note(text?: string): string | undefined {
    return text;
  }
}

test("what a schema refuses fails the call for every caller: typed, not executed, with the issues' paths and messages", async () => {
  const transport = loopback();
  await using t = await testSilos({ actors: [Shop], transport });
  await using client = await connect({ transport }, { clock: t.clock, random: seededRandom(3) });
  for (const caller of [t.silos[0]!.client, client]) {
    const shop = caller.get(Shop, "s");
    const error = await rejection(shop.order({ item: 7 as unknown as string, count: 0 }));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({
      code: "INVALID_ARGUMENT",
      outcome: "not-executed",
      details: {
        actor: "shop/s",
        method: "order",
        issues: [
          { path: [0, "item"], message: expect.stringContaining("expected string") as unknown },
          { path: [0, "count"], message: expect.stringContaining(">=1") as unknown },
        ],
      },
    });
    expect(String(error)).toContain("the arguments are not valid: args[0].item: ");
    expect(String(error)).toContain("; args[0].count: ");
    expect(await rejection(shop.find("x"))).toMatchObject({
      outcome: "not-executed",
      details: { issues: [{ path: [0], message: "is too short" }] },
    });
    const two = shop.note as (...args: string[]) => Promise<string>;
    expect(await rejection(two("a", "b"))).toMatchObject({
      details: { issues: [{ path: [1], message: "one note at a time" }] },
    });
    expect(await shop.find("pen")).toBeUndefined();
  }
});

test("the method gets what the schema makes of the arguments", async () => {
  await using t = await testSilos({ actors: [Shop] });
  const shop = t.silos[0]!.client.get(Shop, "s");
  expect(await shop.order({ item: "  pen ", count: 2, extra: true } as Order)).toBe(1);
  expect(await shop.find("pen")).toEqual({ item: "pen", count: 2 });
  expect(await shop.note("anything")).toBe("by hand");
});

test("a refused call leaves its idempotency key unused", async () => {
  await using t = await testSilos({ actors: [Shop] });
  const shop = t.silos[0]!.client.get(Shop, "s").$with({ idempotencyKey: "order 1" });
  for (const count of [0, -1])
    expect(await rejection(shop.order({ item: "pen", count }))).toBeInstanceOf(
      InvalidArgumentError,
    );
  expect(await shop.order({ item: "pen", count: 1 })).toBe(1);
  expect(await shop.order({ item: "pen", count: 1 })).toBe(1);
});

test.for<[string, () => never, string]>([
  [
    "throws",
    () => {
      throw new Error("no idea");
    },
    "args: the schema threw: Error: no idea",
  ],
  [
    "rejects",
    () => Promise.reject(new Error("later")) as never,
    "args: the schema threw: Error: later",
  ],
  [
    "makes no list of them",
    () => ({ value: { a: 1 } }) as never,
    "made an object of them, not a list",
  ],
  ["refuses without a reason", () => ({ issues: [] }) as never, "refused it without a reason"],
  ["answers nothing", () => undefined as never, "args: the schema threw: TypeError"],
])("a schema that %s fails the call, not executed", async ([_what, check, problem]) => {
  let ran = 0;
  class Odd extends Actor {
    static readonly actor = defineActor<Odd>({
      type: "odd",
      methods: { go: { args: handSchema<[]>(check) } },
    });
    async go() {
      ran += 1;
    }
  }
  await using t = await testSilos({ actors: [Odd] });
  const error = await rejection(t.silos[0]!.client.get(Odd, "o").go());
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(error).toMatchObject({ outcome: "not-executed" });
  expect(String(error)).toContain(problem);
  expect(ran).toBe(0);
});

/** An actor whose schema takes as long as the test lets it. */
function slowly() {
  const gates: ReturnType<typeof deferred<void>>[] = [];
  const log: string[] = [];
  class Slow extends Actor<{ marks: number }> {
    static readonly actor = defineActor<Slow>({
      type: "slow",
      placement: "local",
      state: () => ({ marks: 0 }),
      methods: {
        go: {
          args: handSchema(async (value) => {
            const [name] = value as [string];
            log.push(`checks ${name}`);
            const gate = deferred();
            gates.push(gate);
            await gate.promise;
            return { value: [name] as [string] };
          }),
        },
      },
    });
    async mark() {
      this.state.marks += 1;
    }
    async go(name: string) {
      log.push(`runs ${name}`);
      return this.ctx.call.method;
    }
  }
  return { Slow, gates, log };
}

test("a schema may take its time: that is part of the turn, and the next call waits", async () => {
  const { Slow, gates, log } = slowly();
  await using t = await testSilos({ actors: [Slow] });
  const slow = t.silos[0]!.client.get(Slow, "s");
  const calls = ["a", "b"].map((name) => slow.go(name));
  await t.clock.settle();
  expect(log).toEqual(["checks a"]);
  gates[0]!.resolve();
  await calls[0];
  await t.clock.settle();
  expect(log).toEqual(["checks a", "runs a", "checks b"]);
  gates[1]!.resolve();
  expect(await calls[1]).toBe("go");
});

test("a call whose time is up while its schema checks does not begin any more (R20)", async () => {
  const { Slow, gates, log } = slowly();
  await using t = await testSilos({ actors: [Slow] });
  const slow = t.silos[0]!.client.get(Slow, "s");
  const late = rejection(slow.$with({ timeoutMs: "1s" }).go("late"));
  await t.clock.advance("2s");
  expect(await late).toBeInstanceOf(CallTimeoutError);
  gates[0]!.resolve();
  await t.clock.settle();
  const next = slow.go("next");
  await t.clock.settle();
  gates[1]!.resolve();
  await next;
  expect(log).toEqual(["checks late", "checks next", "runs next"]);
});

test.for<[string, number]>([
  ["only", 0],
  ["second", 1],
])(
  "a call whose actor is fenced while its schema checks, by the answer to the %s send of a save, does not begin, and is served by the next activation (R24, R25)",
  async ([_which, loseSaves]) => {
    const { Slow, gates, log } = slowly();
    const storage = new ScriptedStorage();
    await using t = await testSilos({ actors: [Slow], storage });
    const slow = t.silos[0]!.client.get(Slow, "s");
    await slow.mark();
    const held = storage.holdNext();
    const marked = rejection(slow.mark());
    await held.arrived;
    const call = slow.go("once");
    await t.clock.settle();
    expect(log).toEqual(["checks once"]);
    await storage.fence({ type: "slow", id: "s" }, 2 ** 50);
    storage.loseSaves = loseSaves;
    held.letGo();
    await t.clock.advance("1s");
    gates[0]!.resolve();
    await t.clock.advance("1s");
    expect(log).toEqual(["checks once", "checks once"]);
    gates[1]!.resolve();
    expect(await call).toBe("go");
    expect(log).toEqual(["checks once", "checks once", "runs once"]);
    await marked;
  },
);

test("an actor whose silo dies while a schema checks runs nothing any more, and its next call is served elsewhere (R25)", async () => {
  const { Slow, gates, log } = slowly();
  await using t = await testSilos({ actors: [Slow], silos: 2 });
  await t.clock.advance("2s");
  const [first, second] = t.silos;
  const call = rejection(first!.client.get(Slow, "s").go("lost"));
  await t.clock.settle();
  crash(first!);
  gates[0]!.resolve();
  expect(await call).toBeDefined();
  await t.clock.settle();
  expect(log).toEqual(["checks lost"]);
  const again = second!.client.get(Slow, "s").go("again");
  await t.clock.advance("9s");
  gates[1]!.resolve();
  await again;
  expect(log).toEqual(["checks lost", "checks again", "runs again"]);
});

test("incoming interceptors see what the schema makes of the arguments, also when they run the method again; what it refuses they never see (U4)", async () => {
  const seen: unknown[] = [];
  let runs = 0;
  class Twice extends Actor {
    static readonly actor = defineActor<Twice>({
      type: "twice",
      methods: { go: { args: z.tuple([z.array(z.coerce.number<number>())]) } },
    });
    async go(list: number[]) {
      runs += 1;
      list.push(runs);
      if (runs === 1) throw new Error("once more");
      return list;
    }
  }
  await using t = await testSilos({
    actors: [Twice],
    options: {
      interceptors: {
        incoming: [
          async (call, next) => {
            seen.push(structuredClone(call.args));
            try {
              return await next();
            } catch {
              return await next();
            }
          },
        ],
      },
    },
  });
  const twice = t.silos[0]!.client.get(Twice, "t");
  expect(await rejection(twice.go(["x"] as unknown as number[]))).toBeInstanceOf(
    InvalidArgumentError,
  );
  expect(await twice.go(["7"] as unknown as number[])).toEqual([7, 2]);
  expect(seen).toEqual([[[7]]]);
});

test("a refused turn is repeated with the arguments as they were given, not as a schema left their list (R24)", async () => {
  class Till extends Actor<{ sum: number }> {
    static readonly actor = defineActor<Till>({
      type: "till",
      state: () => ({ sum: 0 }),
      methods: {
        generation: "read",
        pay: {
          args: handSchema((value) => {
            const list = value as [number];
            list[0] *= 10;
            return { value: list };
          }),
        },
      },
    });
    pay(cents: number): number {
      return (this.state.sum += cents);
    }
    generation(): number {
      return this.ctx.generation;
    }
  }
  const storage = new ScriptedStorage();
  await using t = await testSilos({ actors: [Till], storage });
  const till = t.silos[0]!.client.get(Till, "t");
  expect(await till.pay(1)).toBe(10);
  await storage.fence({ type: "till", id: "t" }, (await till.generation()) + 5);
  const paid = till.pay(2);
  await t.clock.advance("1s");
  expect(await paid).toBe(30);
});

test("a schema is typed by its method", () => {
  class Typed extends Actor {
    static readonly actor = defineActor<Typed>({
      type: "typed",
      methods: {
        // @ts-expect-error The method takes a number.
        one: { args: z.tuple([z.string()]) },
        // @ts-expect-error A schema is of the whole list.
        two: { args: z.number() },
        three: { args: z.tuple([z.string(), z.number()]) },
      },
    });
    async one(_n: number) {}
    async two(_n: number) {}
    async three(text: string, n: number) {
      return text.repeat(n);
    }
  }
  expect(Typed.actor.type).toBe("typed");
});
