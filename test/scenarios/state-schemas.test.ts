// Schemas of state: the first state, and the check of what is stored.
import {
  Actor,
  type ActorClass,
  type ActorRef,
  CallError,
  ConfigError,
  defineActor,
  type StandardSchema,
} from "tenure";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { deferred, rejection } from "../support/deferred.ts";
import { handSchema } from "../support/hand-schema.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

interface HolderCalls<S> {
  show(): S;
  put(state: S): Promise<void>;
  look(): Promise<S>;
  fail(state: S): Promise<void>;
}
type Holder<S> = ActorClass<Actor<S> & HolderCalls<S>>;

/** An actor of type `holder` whose state is what the schema says. */
function holding<S>(
  state: StandardSchema<unknown, S> | (() => S),
  born: () => void = () => undefined,
): Holder<S> {
  return class Held extends Actor<S> implements HolderCalls<S> {
    static readonly actor = defineActor<Held>({
      type: "holder",
      placement: "local",
      state,
      methods: { show: "read" },
    });
    constructor() {
      super();
      born();
    }
    show(): S {
      return this.state;
    }
    async put(next: S): Promise<void> {
      this.state = next;
    }
    /** A write that changes nothing. */
    async look(): Promise<S> {
      return this.state;
    }
    async fail(next: S): Promise<void> {
      this.state = next;
      throw new Error("after all not");
    }
  };
}

/** The same store, one silo after another, each with its own idea of the state. */
async function generations() {
  const storage = new ScriptedStorage();
  const t = await testSilos({
    actors: [],
    silos: 0,
    storage,
    directory: memoryDirectory(),
    options: { bootstrap: true },
  });
  let silos = 0;
  let running: Awaited<ReturnType<typeof t.add>> | undefined;
  const next = async <S>(
    state: StandardSchema<unknown, S> | (() => S),
  ): Promise<ActorRef<Actor<S> & HolderCalls<S>>> => {
    await running?.stop();
    const Held = holding(state);
    running = await t.add(`silo-${++silos}`, { actors: [Held] });
    return running.client.get(Held, "h");
  };
  return { t, storage, next, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() };
}

const V1 = z.object({ name: z.string().default("nobody") });
const V2 = z.object({ name: z.string().default("nobody"), visits: z.number().default(0) });

test.for<[string, StandardSchema<unknown, unknown>, unknown]>([
  ["a default of its own", z.object({ n: z.number() }).default({ n: 7 }), { n: 7 }],
  ["members with defaults", z.object({ n: z.number().default(3) }), { n: 3 }],
  [
    "a default of its own before those of its members",
    z.object({ n: z.number().default(3) }).default({ n: 7 }),
    { n: 7 },
  ],
  ["a list", z.array(z.string()).default(["a"]), ["a"]],
  ["a map", z.map(z.string(), z.number()).default(new Map([["a", 1]])), new Map([["a", 1]])],
  ["members of another library", v.object({ n: v.optional(v.number(), 4) }), { n: 4 }],
  [
    "by hand, later",
    handSchema(async (value) => (value ? { value: "empty" } : { issues: [{ message: "no" }] })),
    "empty",
  ],
])(
  "the first state is the schema's output for undefined, else for {}: %s",
  async ([_name, schema, first]) => {
    const Held = holding(schema);
    await using t = await testSilos({ actors: [Held] });
    const [silo] = t.silos;
    expect(await silo!.client.get(Held, "a").show()).toEqual(first);
    // Whoever changes it changes no other actor's.
    await silo!.client.get(Held, "a").put("changed");
    expect(await silo!.client.get(Held, "b").show()).toEqual(first);
  },
);

test("a schema that makes no first state is refused at createSilo, with what it says of undefined and of {} (A3)", async () => {
  const Held = holding(z.object({ name: z.string() }));
  const refused = await rejection(testSilos({ actors: [Held] }));
  expect(refused).toBeInstanceOf(ConfigError);
  expect(String(refused)).toContain("actor 'holder': state: the schema makes no first state");
  expect(String(refused)).toContain("of undefined it says state: ");
  expect(String(refused)).toContain("of {} it says state.name: ");
});

test("one that says so only later fails the activation", async () => {
  const Held = holding(handSchema(async () => ({ issues: [{ message: "no", path: ["x"] }] })));
  await using t = await testSilos({ actors: [Held] });
  const error = await rejection(t.silos[0]!.client.get(Held, "a").show());
  expect(error).toMatchObject({ code: "ACTIVATION_FAILED", outcome: "not-executed" });
  expect(String(error)).toContain("holder/a: the schema makes no first state");
  expect(String(error)).toContain("of {} it says state.x: no");
});

test("what is stored passes through the schema: what it adds is there at once, survives a rollback, and is stored with the next write", async () => {
  await using g = await generations();
  await (await g.next(V1)).put({ name: "ann" });
  const second = await g.next(V2);
  const whole = { name: "ann", visits: 0 };
  expect(await second.show()).toEqual(whole);
  expect(g.storage.saves).toHaveLength(1);
  expect(await rejection(second.fail({ name: "bob", visits: 9 }))).toMatchObject({
    message: "after all not",
  });
  expect(await second.show()).toEqual(whole);
  expect(await second.look()).toEqual(whole);
  expect(g.storage.saves).toHaveLength(2);
  // Without a schema nothing is added: this is what the store has.
  const bare = await g.next(() => ({}) as object);
  expect(await bare.show()).toEqual(whole);
  expect(await bare.look()).toEqual(whole);
  expect(g.storage.saves).toHaveLength(2);
});

test("what the schema refuses fails the activation, named by key and path, and stays in the store as it is (J2)", async () => {
  await using g = await generations();
  const odd = { name: "ann", tags: [{ weight: "much" }] };
  await (await g.next(() => odd)).put(odd);
  const strict = await g.next(
    z.object({
      name: z.string().default("x"),
      tags: z.array(z.object({ weight: z.number() })).default([]),
    }),
  );
  for (const call of [() => strict.show(), () => strict.put({ name: "bob", tags: [] })]) {
    const error = await rejection(call());
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ code: "ACTIVATION_FAILED", outcome: "not-executed" });
    expect(String(error)).toContain(
      "the stored state of holder/h does not fit its schema: state.tags[0].weight: ",
    );
  }
  expect(g.t.events).toContainEqual(
    expect.objectContaining({
      type: "activation.failed",
      actor: { type: "holder", id: "h" },
      error: expect.stringContaining("state.tags[0].weight") as unknown,
    }),
  );
  expect(g.storage.saves).toHaveLength(1);
  expect(await (await g.next(() => ({}) as object)).show()).toEqual(odd);
});

test("an actor that is lost while its schema checks runs nothing any more, and is not in the way of the next (R12)", async () => {
  const gates: ReturnType<typeof deferred<void>>[] = [];
  let born = 0;
  const Held = holding(
    handSchema(async () => {
      const gate = deferred();
      gates.push(gate);
      await gate.promise;
      return { value: "first" };
    }),
    () => (born += 1),
  );
  await using t = await testSilos({ actors: [Held], silos: 0, storage: memoryStorage() });
  const first = await t.add("first");
  const second = await t.add("second");
  await t.clock.advance("2s");
  // The silos' own look at the schema.
  const asked = gates.length;
  const lost = rejection(first.client.get(Held, "h").show());
  await t.clock.settle();
  expect(gates).toHaveLength(asked + 1);
  crash(first);
  for (const gate of gates) gate.resolve();
  expect(await lost).toBeDefined();
  await t.clock.settle();
  expect(born).toBe(0);
  const shown = second.client.get(Held, "h").show();
  await t.clock.advance("9s");
  for (const gate of gates) gate.resolve();
  expect(await shown).toBe("first");
  expect(born).toBe(1);
});

test("a state schema is typed by its class", () => {
  class Typed extends Actor<{ n: number }> {
    static readonly actor = defineActor<Typed>({
      type: "typed",
      // @ts-expect-error The class says that n is a number.
      state: z.object({ n: z.string().default("1") }),
    });
    async n(): Promise<number> {
      return this.state.n;
    }
  }
  expect(Typed.actor.type).toBe("typed");
});
