// References: cheap, unbreakable names of actors that look like nothing else.
import { inspect } from "node:util";
import { Actor, defineActor, NotAvailableError } from "tenure";
import { expect, test } from "vitest";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";

class Greeter extends Actor {
  static readonly actor = defineActor<Greeter>({ type: "greeter", methods: { greet: "read" } });
  greet(name = "you") {
    return `hello ${name}, I am ${this.ctx.id}`;
  }
  where() {
    return this.ctx.silo;
  }
  toUpperCase() {
    return "a method like any other";
  }
}

async function greeter(silos = 1) {
  const t = await testSilos({ actors: [Greeter], silos });
  return { t, greeter: t.silos[0]!.client.get(Greeter, "g/1") };
}

test("a reference is no promise: it can be awaited and returned, and calls nothing", async () => {
  const { t, greeter: ref } = await greeter();
  await using _ = t;
  expect((ref as { then?: unknown }).then).toBeUndefined();
  const find = async () => await Promise.resolve(ref);
  expect(await (await find()).greet()).toBe("hello you, I am g/1");
  const methods = ref as unknown as Record<string, () => Promise<unknown>>;
  expect(await methods["toUpperCase"]!()).toBe("a method like any other");
});

test("printing a reference names its actor and shows nothing else", async () => {
  const { t, greeter: ref } = await greeter();
  await using _ = t;
  const text: unknown = ref;
  expect(String(text)).toBe("ActorRef(greeter/g/1)");
  expect(`${text as string}`).toBe("ActorRef(greeter/g/1)");
  expect(JSON.stringify({ ref })).toBe('{"ref":"greeter/g/1"}');
  expect(inspect(ref)).toBe("ActorRef(greeter/g/1)");
  expect(inspect({ deep: [ref] })).toContain("ActorRef(greeter/g/1)");
  expect(Object.keys(ref)).toEqual([]);
  expect({ ...ref }).toEqual({});
  expect(Object.prototype.toString.call(ref)).toBe("[object ActorRef]");
  await t.clock.settle();
  expect(t.events.filter((event) => event.type.startsWith("activation"))).toEqual([]);
});

test("a method of a reference is the same however often, and after whatever others, it is asked for", async () => {
  const { t, greeter: ref } = await greeter();
  await using _ = t;
  const { greet, where } = ref;
  for (let i = 0; i < 3; i++) {
    expect(ref.greet).toBe(greet);
    expect(ref.where).toBe(where);
  }
  expect(await greet("me")).toBe("hello me, I am g/1");
});

test("a reference cannot be changed", async () => {
  const { t, greeter: ref } = await greeter();
  await using _ = t;
  const open = ref as unknown as Record<string, unknown>;
  expect(() => {
    open["greet"] = () => "mine";
  }).toThrow(TypeError);
  expect(() => delete open["greet"]).toThrow(TypeError);
  expect(() => Object.setPrototypeOf(ref, {})).toThrow(TypeError);
  expect(await ref.greet("x")).toBe("hello x, I am g/1");
});

test("$send and $events are refused until a later version has them", async () => {
  const { t, greeter: ref } = await greeter();
  await using _ = t;
  const open = ref as unknown as Record<string, unknown>;
  for (const name of ["$send", "$events"]) expect(() => open[name]).toThrow(NotAvailableError);
});

test("a method can be taken from its reference, and $with keeps the options before it", async () => {
  const { t, greeter: ref } = await greeter();
  await using _ = t;
  const { greet } = ref;
  expect(await Promise.all(["a", "b"].map((name) => greet(name)))).toEqual([
    "hello a, I am g/1",
    "hello b, I am g/1",
  ]);
  expect(ref.greet).toBe(ref.greet);
  const aborted = AbortSignal.abort();
  await expect(ref.$with({ signal: aborted }).$with({ timeoutMs: "1s" }).greet()).rejects.toThrow(
    "cancelled",
  );
});

test("a reference by name needs no class, and outlives the silo that its actor was on", async () => {
  const { t } = await greeter(2);
  await using _ = t;
  const ref = t.silos[0]!.client.get<Greeter>("greeter", "g");
  const other = t.silos[1]!.client.get<Greeter>("greeter", "g");
  const owner = await ref.where();
  const [victim, survivor] = owner === "silo-1" ? [t.silos[0]!, other] : [t.silos[1]!, ref];
  crash(victim);
  const where = survivor.$with({ timeoutMs: "20s" }).where();
  await t.clock.advance("9s");
  expect(await where).not.toBe(owner);
});
