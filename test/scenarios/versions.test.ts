// State of several versions of a class: migrated, refused and left as it is, or passed on to silos that know it.
import {
  Actor,
  type ActorClass,
  CallError,
  defineActor,
  SiloUnavailableError,
  type StandardSchema,
} from "tenure";
import { STATE_PART } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { z } from "zod";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos, type TestSilos } from "../../packages/testing/src/test-silos.ts";
import { deferred, rejection } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

interface PurseCalls {
  put(cents: number): Promise<string>;
  look(): string;
  boom(): Promise<void>;
  hold(): Promise<void>;
}
type Purse = ActorClass<Actor<unknown> & PurseCalls>;

/** What a turn of `hold` waits for. */
let gate = deferred();

const ACTOR = { type: "purse", id: "p" };

/** The first version counts cents. */
class FirstPurse extends Actor<{ cents: number }> implements PurseCalls {
  static readonly actor = defineActor<FirstPurse>({
    type: "purse",
    placement: "local",
    state: () => ({ cents: 0 }),
    methods: { look: "read" },
  });
  async put(cents: number) {
    this.state.cents += cents;
    return this.look();
  }
  look() {
    return `${this.state.cents} cents at ${this.ctx.silo}`;
  }
  async boom() {
    throw new Error("boom");
  }
  async hold() {
    await gate.promise;
  }
}

interface Euros {
  euros: number;
  from: number[];
}

/** Later ones count euros, and remember where their state comes from. */
function laterPurse(
  version: number,
  migrate: (old: unknown, fromVersion: number) => Euros = toEuros,
  schema?: StandardSchema<unknown, Euros>,
): Purse {
  return class LaterPurse extends Actor<Euros> implements PurseCalls {
    static readonly actor = defineActor<LaterPurse>({
      type: "purse",
      placement: "local",
      version,
      state: schema ?? (() => ({ euros: 0, from: [] })),
      migrate,
      methods: { look: "read" },
    });
    async put(cents: number) {
      this.state.euros += cents / 100;
      return this.look();
    }
    look() {
      return `${this.state.euros} euros, by way of ${this.state.from.join(",")} at ${this.ctx.silo}`;
    }
    async boom() {
      throw new Error("boom");
    }
    async hold() {
      await gate.promise;
    }
  };
}

function toEuros(old: unknown, fromVersion: number): Euros {
  if (fromVersion === 1) return { euros: (old as { cents: number }).cents / 100, from: [1] };
  const { euros, from } = old as Euros;
  return { euros, from: [...from, fromVersion] };
}

/** Silos over one storage, one after the other, each with a class of its own. */
async function generations(...classes: readonly Purse[]) {
  const storage = new ScriptedStorage();
  const t = await testSilos({ actors: [], silos: 0, storage });
  const purses: { stop(): Promise<void>; purse: ReturnType<typeof refer> }[] = [];
  const refer = (silo: Awaited<ReturnType<typeof t.add>>, purse: Purse) =>
    silo.client.get(purse, ACTOR.id);
  const start = async (purse: Purse) => {
    const silo = await t.add(`silo-${purses.length + 1}`, { actors: [purse] });
    const started = { silo, purse: refer(silo, purse), stop: () => silo.stop() };
    purses.push(started);
    return started;
  };
  const started = [];
  for (const purse of classes) started.push(await start(purse));
  return { t, storage, start, started, bytes: () => storage.part(ACTOR, STATE_PART) };
}

test("state of an older version goes through migrate, and is stored with the first write", async () => {
  const g = await generations(FirstPurse as Purse);
  await using _ = g.t;
  await g.started[0]!.purse.put(250);
  await g.started[0]!.stop();
  const old = await g.bytes();
  const second = await g.start(laterPurse(2));
  expect(await second.purse.look()).toBe("2.5 euros, by way of 1 at silo-2");
  await expect(second.purse.boom()).rejects.toThrow("boom");
  await second.stop();
  expect(await g.bytes()).toEqual(old);
  expect(g.storage.saves).toHaveLength(1);

  const third = await g.start(laterPurse(3));
  expect(await third.purse.put(0)).toBe("2.5 euros, by way of 1 at silo-3");
  expect((await g.bytes())?.[2]).toBe(3);
  await third.stop();
  const fourth = await g.start(laterPurse(4));
  expect(await fourth.purse.put(50)).toBe("3 euros, by way of 1,3 at silo-4");
  expect(g.storage.saves).toHaveLength(3);
});

test("an actor that has no state stored begins with the newest shape, and nothing is migrated", async () => {
  const g = await generations(
    laterPurse(2, () => {
      throw new Error("there is nothing to migrate");
    }),
  );
  await using _ = g.t;
  expect(await g.started[0]!.purse.put(100)).toBe("1 euros, by way of  at silo-1");
  expect((await g.bytes())?.[2]).toBe(2);
});

/** Retries wait for a clock that a test moves. */
async function within<T>({ t }: { t: TestSilos }, promise: Promise<T>): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let waitedMs = 0; !settled && waitedMs < 10_000; waitedMs += 10) await t.clock.advance(10);
  return await promise;
}

const POSITIVE = z.object({
  euros: z.number().positive().default(1),
  from: z.array(z.number()).default([]),
});

test.for<[string, Purse, string]>([
  [
    "throws",
    laterPurse(7, () => {
      throw new RangeError("what is this");
    }),
    "migrate failed for the stored state of purse/p, from version 1 to 7: RangeError: what is this",
  ],
  [
    "answers a promise",
    laterPurse(7, (() => Promise.reject(new Error("later"))) as unknown as () => Euros),
    "migrate must answer at once; it answered a promise for the stored state of purse/p, from version 1 to 7",
  ],
  [
    "forgets to answer",
    laterPurse(7, (() => undefined) as unknown as () => Euros),
    "migrate answered undefined for the stored state of purse/p, from version 1 to 7",
  ],
  [
    "answers what cannot be stored",
    laterPurse(7, () => ({ euros: 1, from: [], callback: () => 1 })),
    "what migrate made of the stored state of purse/p, from version 1 to 7, cannot be stored: NotSerializableError: state.callback is a function",
  ],
  [
    "answers what the schema refuses",
    laterPurse(7, () => ({ euros: -1, from: [] }), POSITIVE),
    "what migrate made of the stored state of purse/p, from version 1 to 7, does not fit its schema: state.euros",
  ],
])(
  "a migrate that %s fails the activation with the key and both versions, and what is stored stays as it is",
  async ([_how, broken, problem]) => {
    const g = await generations(FirstPurse as Purse);
    await using _ = g.t;
    await g.started[0]!.purse.put(250);
    await g.started[0]!.stop();
    const old = await g.bytes();
    const second = await g.start(broken);
    for (const call of [() => second.purse.look(), () => second.purse.put(1)]) {
      const error = await rejection(Promise.resolve(call()));
      expect(error).toBeInstanceOf(CallError);
      expect(error).toMatchObject({ code: "ACTIVATION_FAILED", outcome: "not-executed" });
      expect(String(error)).toContain(problem);
    }
    await second.stop();
    expect(await g.bytes()).toEqual(old);
    const third = await g.start(FirstPurse as Purse);
    expect(await third.purse.look()).toBe("250 cents at silo-3");
  },
);

test("what migrate made is checked by the schema, whose output is the state", async () => {
  const g = await generations(FirstPurse as Purse);
  await using _ = g.t;
  await g.started[0]!.purse.put(250);
  await g.started[0]!.stop();
  const doubled = POSITIVE.transform(({ euros, from }) => ({ euros: 2 * euros, from }));
  const second = await g.start(laterPurse(2, toEuros, doubled));
  expect(await second.purse.look()).toBe("5 euros, by way of 1 at silo-2");
});

test("a silo that meets state of a newer version gives the actor up, and its callers are served by a silo that knows it", async () => {
  const g = await generations(FirstPurse as Purse, laterPurse(2));
  await using _ = g.t;
  const [first, second] = g.started as [(typeof g.started)[0], (typeof g.started)[0]];
  expect(await second!.purse.put(100)).toBe("1 euros, by way of  at silo-2");
  const ended = second!.silo.admin.deactivate("purse", "p");
  expect(await ended).toBe(true);
  // Placed here, at first.
  expect(await first!.purse.look()).toBe("1 euros, by way of  at silo-2");
  expect(await first!.purse.put(100)).toBe("2 euros, by way of  at silo-2");
  expect(g.t.events.filter(({ type }) => type === "activation.outdated")).toEqual([
    expect.objectContaining({
      silo: "silo-1",
      actor: ACTOR,
      problem: "purse/p has state of version 2, and this silo's class version 1",
      to: expect.stringMatching(/./) as unknown,
    }),
  ]);
  expect(g.t.events.some(({ type }) => type === "activation.failed")).toBe(false);
});

test("of several silos with newer code only one that has the version, or a newer one, is chosen", async () => {
  const g = await generations(
    FirstPurse as Purse,
    laterPurse(2),
    laterPurse(2),
    laterPurse(3),
    laterPurse(2),
  );
  await using _ = g.t;
  await g.started[3]!.purse.put(100);
  for (const from of [0, 1, 2, 4]) {
    await g.started[3]!.silo.admin.deactivate("purse", "p");
    expect(await g.started[from]!.purse.look()).toContain("at silo-4");
  }
});

test("where no silo knows the version a call waits, fails not-executed with the key and the versions, and is served once there is one", async () => {
  const g = await generations(laterPurse(5));
  await using _ = g.t;
  await g.started[0]!.purse.put(100);
  await g.started[0]!.stop();
  const stored = await g.bytes();
  const old = await g.start(laterPurse(2));
  const failed = rejection(Promise.resolve(old.purse.look()));
  await g.t.clock.advance("11s");
  const error = await failed;
  expect(error).toBeInstanceOf(SiloUnavailableError);
  expect(error).toMatchObject({ outcome: "not-executed" });
  expect(String(error)).toContain(
    "purse/p has state of version 5, and this silo's class version 2; no silo is known that has newer code",
  );
  expect(await g.bytes()).toEqual(stored);
  const waiting = Promise.resolve(old.purse.look());
  await g.t.clock.advance("1s");
  await g.start(laterPurse(5));
  await g.t.clock.advance("2s");
  expect(await waiting).toBe("1 euros, by way of  at silo-3");
});

test("a draining silo hands its actors to silos that know their version, where there are any", async () => {
  const g = await generations(
    laterPurse(2),
    FirstPurse as Purse,
    FirstPurse as Purse,
    laterPurse(2),
  );
  await using _ = g.t;
  gate = deferred();
  // Each sees the others.
  await g.t.clock.advance("2s");
  await g.started[0]!.purse.put(100);
  const held = g.started[0]!.purse.hold();
  const waiting = Promise.resolve(g.started[1]!.purse.look());
  await g.t.clock.advance(10);
  const stopped = g.started[0]!.stop();
  await g.t.clock.advance(10);
  gate.resolve();
  await within(g, Promise.all([held, stopped]));
  expect(await within(g, waiting)).toBe("1 euros, by way of  at silo-4");
  expect(g.t.events.some(({ type }) => type === "activation.outdated")).toBe(false);
});

test("a silo that was told of a deployment too late is sent on again, however often it was sent wrong before (R26)", async () => {
  const g = await generations(laterPurse(2), FirstPurse as Purse, laterPurse(2));
  await using _ = g.t;
  await g.started[0]!.purse.put(100);
  // The second silo has seen the first one only, and goes on sending calls there until it looks again.
  await g.started[0]!.stop();
  expect(await within(g, Promise.resolve(g.started[1]!.purse.look()))).toContain("at silo-3");
});

test("a rolling deployment serves every call: each silo in turn is replaced by one with newer code", async () => {
  const g = await generations(FirstPurse as Purse, FirstPurse as Purse, FirstPurse as Purse);
  await using _ = g.t;
  const ids = Array.from({ length: 20 }, (_unused, i) => `p${i}`);
  const putAll = async (silo: (typeof g.started)[0]["silo"]) =>
    await within(
      g,
      Promise.all(ids.map((id) => silo.client.get<Actor & PurseCalls>("purse", id).put(100))),
    );
  await putAll(g.started[0]!.silo);
  let last = g.started[2]!;
  for (let replaced = 0; replaced < 3; replaced++) {
    const next = await g.start(laterPurse(2));
    await putAll(next.silo);
    const stopped = g.started[replaced]!.stop();
    await putAll(next.silo);
    await within(g, stopped);
    last = next;
  }
  const now = await putAll(last.silo);
  expect(now.map((answer) => answer.replace(/ at .*/, ""))).toEqual(
    ids.map(() => "8 euros, by way of 1"),
  );
});

test("a silo whose actors are newer than all others can still be lost: they wait for its like", async () => {
  const g = await generations(FirstPurse as Purse, laterPurse(2));
  await using _ = g.t;
  await g.started[1]!.purse.put(100);
  crash(g.started[1]!.silo);
  const waiting = Promise.resolve(g.started[0]!.purse.look());
  await g.t.clock.advance("6s");
  await g.start(laterPurse(2));
  await g.t.clock.advance("2s");
  expect(await waiting).toBe("1 euros, by way of  at silo-3");
});

test("an operator who moves an actor to a silo with older code is told why not, and the actor is served where it can be", async () => {
  const g = await generations(laterPurse(2), FirstPurse as Purse);
  await using _ = g.t;
  await g.started[0]!.purse.put(100);
  const error = await rejection(within(g, g.started[0]!.silo.admin.move("purse", "p", "silo-2")));
  expect(error).toBeInstanceOf(SiloUnavailableError);
  expect(String(error)).toContain(
    "purse/p has state of version 2, and this silo's class version 1",
  );
  expect(await within(g, Promise.resolve(g.started[1]!.purse.look()))).toContain("at silo-1");
});
