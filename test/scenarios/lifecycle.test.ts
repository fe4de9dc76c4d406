// The life of activations: their beginning, their hooks, their end, and what a call meets at each.
import { Actor, type CallError, defineActor, type TenureEvent } from "tenure";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection, stateOf } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";
import { Stage } from "../support/stage.ts";

function typesOf(events: readonly TenureEvent[]): string[] {
  return events.map((event) => event.type).filter((type) => type.startsWith("activation."));
}

function actors(stage: Stage) {
  const trouble = { constructor: false, activate: false, deactivate: false };
  class Sleeper extends Actor<{ calls: number; activations: number; farewells: string[] }> {
    static readonly actor = defineActor<Sleeper>({
      type: "sleeper",
      state: () => ({ calls: 0, activations: 0, farewells: [] }),
      idle: "1m",
      methods: { about: "read", status: "interleave" },
    });
    constructor() {
      super();
      if (trouble.constructor) throw new TypeError("cannot be made");
    }
    override async onActivate() {
      stage.log.push("activates");
      this.state.activations += 1;
      if (trouble.activate) throw new Error("cannot wake up");
    }
    override async onDeactivate(reason: string) {
      stage.log.push(`deactivates: ${reason}`);
      this.state.farewells.push(reason);
      if (trouble.deactivate) throw new Error("cannot sleep");
    }
    async call() {
      return ++this.state.calls;
    }
    async slow(name: string) {
      await stage.pass(name);
      return ++this.state.calls;
    }
    async leave() {
      this.ctx.deactivate();
      return ++this.state.calls;
    }
    about() {
      const { generation, silo, id, type } = this.ctx;
      return { generation, silo, id, type, ...this.state };
    }
    status() {
      return "up";
    }
  }
  class Eternal extends Actor {
    static readonly actor = defineActor<Eternal>({ type: "eternal", idle: false });
    async call() {}
  }
  return { Sleeper, Eternal, trouble };
}

async function bedroom(silos = 1) {
  const stage = new Stage();
  const { Sleeper, Eternal, trouble } = actors(stage);
  const storage = new ScriptedStorage();
  const t = await testSilos({ actors: [Sleeper, Eternal], silos, storage });
  const sleeper = t.silos[0]!.client.get(Sleeper, "s");
  return { stage, t, storage, Sleeper, Eternal, trouble, sleeper };
}

test("an idle activation is collected; its state stays, its next life has a higher generation (G3)", async () => {
  const { stage, t, sleeper, Eternal } = await bedroom();
  await using _ = t;
  await t.silos[0]!.client.get(Eternal, "e").call();
  await sleeper.call();
  const before = await sleeper.about();
  await t.clock.advance("50s");
  await sleeper.call();
  await t.clock.advance("50s");
  expect(internalsOf(t.silos[0]!).activations).toBe(2);
  await t.clock.advance("12s");
  expect(internalsOf(t.silos[0]!).activations).toBe(1);
  expect(stage.log).toEqual(["activates", "deactivates: idle"]);
  expect(t.events).toContainEqual(
    expect.objectContaining({ type: "activation.deactivated", reason: "idle", silo: "silo-1" }),
  );
  const after = await sleeper.about();
  expect(after).toMatchObject({ calls: 2, activations: 2, farewells: ["idle"] });
  expect(after.generation).toBeGreaterThan(before.generation);
});

test("an actor is not idle while a turn of it runs, nor right after a long one", async () => {
  const { stage, t, sleeper } = await bedroom();
  await using _ = t;
  const slow = rejection(sleeper.slow("long"));
  await stage.entered("long");
  await t.clock.advance("5m");
  expect(internalsOf(t.silos[0]!).activations).toBe(1);
  stage.door("long").resolve();
  expect(await slow).toMatchObject({ code: "CALL_TIMEOUT" });
  await t.clock.advance("55s");
  expect(stage.log).not.toContain("deactivates: idle");
  await t.clock.advance("10s");
  expect(stage.log).toContain("deactivates: idle");
});

test("ctx.deactivate ends the activation after its turn, whose reply and commit still count", async () => {
  const { stage, t, sleeper } = await bedroom();
  await using _ = t;
  const first = await sleeper.about();
  expect(await sleeper.leave()).toBe(1);
  const second = await sleeper.about();
  expect(second).toMatchObject({ calls: 1, farewells: ["requested"] });
  expect(second.generation).toBeGreaterThan(first.generation);
  expect(stage.log).toEqual(["activates", "deactivates: requested", "activates"]);
});

test("calls that arrive while an activation ends are served by the next one (R12, R25)", async () => {
  const { t, storage, sleeper } = await bedroom();
  await using _ = t;
  await sleeper.call();
  const held = storage.holdNext();
  const left = sleeper.leave();
  await held.arrived;
  const calls = [sleeper.call(), sleeper.call()];
  const status = sleeper.status();
  expect(await stateOf(Promise.race(calls))).toBe("pending");
  held.letGo();
  expect(await left).toBe(2);
  expect(await Promise.all(calls)).toEqual([3, 4]);
  expect(await status).toBe("up");
  expect(await sleeper.about()).toMatchObject({ calls: 4, activations: 2 });
});

test("an activation asked to end while it still begins begins, serves and ends", async () => {
  class Hasty extends Actor<{ n: number }> {
    static readonly actor = defineActor<Hasty>({ type: "hasty", state: () => ({ n: 0 }) });
    override async onActivate() {
      this.ctx.deactivate();
    }
    async call() {
      return ++this.state.n;
    }
  }
  await using t = await testSilos({ actors: [Hasty] });
  const hasty = t.silos[0]!.client.get(Hasty, "h");
  expect(await hasty.call()).toBe(1);
  expect(await hasty.call()).toBe(2);
  await t.clock.settle();
  expect(internalsOf(t.silos[0]!).activations).toBe(0);
});

test("a constructor that throws fails the calls that wait, not executed, and the next call tries again", async () => {
  const { t, trouble, sleeper } = await bedroom();
  await using _ = t;
  trouble.constructor = true;
  const failed = await Promise.all([rejection(sleeper.call()), rejection(sleeper.call())]);
  for (const error of failed) {
    expect(error).toMatchObject({ code: "ACTIVATION_FAILED", outcome: "not-executed" });
    expect((error as CallError).message).toContain("TypeError: cannot be made");
  }
  expect(typesOf(t.events)).toContain("activation.failed");
  trouble.constructor = false;
  expect(await sleeper.call()).toBe(1);
});

test("an onActivate that throws fails the activation; nothing of it is stored", async () => {
  const { t, storage, trouble, sleeper } = await bedroom();
  await using _ = t;
  trouble.activate = true;
  expect(await rejection(sleeper.call())).toMatchObject({ code: "ACTIVATION_FAILED" });
  expect(storage.saves).toHaveLength(0);
  expect(internalsOf(t.silos[0]!).activations).toBe(0);
  trouble.activate = false;
  expect(await sleeper.call()).toBe(1);
  expect(await sleeper.about()).toMatchObject({ activations: 1 });
});

test("an onDeactivate that throws is reported, rolled back, and does not keep the actor from ending", async () => {
  const { t, trouble, sleeper } = await bedroom();
  await using _ = t;
  trouble.deactivate = true;
  await sleeper.leave();
  expect(await sleeper.about()).toMatchObject({ calls: 1, farewells: [], activations: 2 });
  expect(t.events).toContainEqual(
    expect.objectContaining({ type: "task.failed", task: "sleeper/s.onDeactivate" }),
  );
});

test.for(["null", "an object without prototype", "a hostile object"])(
  "a hook that throws %s cannot hurt the silo",
  async (what) => {
    const thrown: Record<string, () => unknown> = {
      null: () => null,
      "an object without prototype": () => Object.create(null) as unknown,
      "a hostile object": () => ({
        toString() {
          throw new Error("gotcha");
        },
      }),
    };
    class Hostile extends Actor {
      static readonly actor = defineActor<Hostile>({ type: "hostile" });
      override onActivate() {
        if (this.ctx.id === "activate") throw thrown[what]!();
      }
      override onDeactivate() {
        throw thrown[what]!();
      }
      async call() {
        this.ctx.deactivate();
        return 1;
      }
    }
    await using t = await testSilos({ actors: [Hostile] });
    const get = (id: string) => t.silos[0]!.client.get(Hostile, id);
    expect(await rejection(get("activate").call())).toMatchObject({ code: "ACTIVATION_FAILED" });
    expect(await get("deactivate").call()).toBe(1);
    expect(await get("deactivate").call()).toBe(1);
  },
);

test("hooks have a turn: a deadline-free call without a caller, and calls of their own", async () => {
  const seen: unknown[] = [];
  class Hooked extends Actor<{ n: number }> {
    static readonly actor = defineActor<Hooked>({
      type: "hooked",
      state: () => ({ n: 0 }),
      methods: { get: "read" },
    });
    override async onActivate() {
      const { method, caller, deadline, chain } = this.ctx.call;
      seen.push({ method, caller, deadline, chain });
      if (this.ctx.id === "a") this.state.n = await this.ctx.get(Hooked, "b").get();
    }
    get() {
      seen.push(this.ctx.call.caller);
      return this.state.n + 1;
    }
  }
  await using t = await testSilos({ actors: [Hooked], silos: 2 });
  expect(await t.silos[0]!.client.get(Hooked, "a").get()).toBe(2);
  expect(seen[0]).toEqual({
    method: "onActivate",
    caller: undefined,
    deadline: undefined,
    chain: [],
  });
  expect(seen).toContainEqual({ type: "hooked", id: "a" });
});

test("ctx.signal aborts when the activation ends, and not before", async () => {
  const signals: AbortSignal[] = [];
  class Signalled extends Actor {
    static readonly actor = defineActor<Signalled>({ type: "signalled", idle: "1m" });
    async call() {
      signals.push(this.ctx.signal);
    }
  }
  await using t = await testSilos({ actors: [Signalled] });
  await t.silos[0]!.client.get(Signalled, "a").call();
  await t.clock.advance("30s");
  expect(signals[0]!.aborted).toBe(false);
  await t.clock.advance("40s");
  expect(signals[0]!.aborted).toBe(true);
});

test("ctx.log writes events with the actor's name, and ctx refuses what later versions will have", async () => {
  class Logger extends Actor {
    static readonly actor = defineActor<Logger>({ type: "logger" });
    async log() {
      this.ctx.log.warn("careful", { n: 1 });
    }
    async later(name: string) {
      return (this.ctx as unknown as Record<string, unknown>)[name];
    }
  }
  await using t = await testSilos({ actors: [Logger] });
  const logger = t.silos[0]!.client.get(Logger, "l");
  await logger.log();
  expect(t.events).toContainEqual({
    type: "actor.log",
    level: "warn",
    actor: { type: "logger", id: "l" },
    message: "careful",
    fields: { n: 1 },
    atMs: t.clock.wallMs(),
    silo: "silo-1",
  });
  for (const name of ["remind", "reminders", "forget", "timer", "emit"])
    expect(await rejection(logger.later(name))).toMatchObject({ code: "NOT_AVAILABLE" });
});

test("a drain hands every actor over with its state; calls go on through it", async () => {
  const { stage, t, Sleeper } = await bedroom(2);
  await using _ = t;
  const [first, second] = t.silos;
  const ids = Array.from({ length: 20 }, (_unused, i) => `s${i}`);
  await Promise.all(ids.map((id) => first!.client.get(Sleeper, id).call()));
  const drained = first!.drain();
  const calls = Promise.all(ids.map((id) => second!.client.get(Sleeper, id).call()));
  const done = Promise.all([drained, calls]);
  await t.clock.advance("2s");
  await done;
  expect(internalsOf(first!).activations).toBe(0);
  expect(stage.log).toContain("deactivates: drain");
  const asked = Promise.all(ids.map((id) => first!.client.get(Sleeper, id).about()));
  await t.clock.advance("1s");
  const abouts = await asked;
  for (const about of abouts) expect(about).toMatchObject({ calls: 2, silo: "silo-2" });
});
