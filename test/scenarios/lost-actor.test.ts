// What user code can still do after its activation has lost its actor (R25, H33): look at facts, and nothing else.
import { Actor, defineActor, FencedError } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { deferred, rejection } from "../support/deferred.ts";
import { ScriptedCluster } from "../support/scripted-cluster.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

interface Notes {
  n: number;
  tags: Map<string, string[]>;
}

/** What each attempt came to: "did", or the code of the error that it threw. */
type Attempts = Record<string, unknown>;

function stubborn() {
  const started = deferred<void>();
  const attempts: Attempts[] = [];
  const facts: unknown[] = [];

  class Other extends Actor<{ heard: number }> {
    static readonly actor = defineActor<Other>({ type: "other", state: () => ({ heard: 0 }) });
    async hear() {
      return ++this.state.heard;
    }
  }

  class Stubborn extends Actor<Notes> {
    static readonly actor = defineActor<Stubborn>({
      type: "stubborn",
      state: () => ({ n: 0, tags: new Map([["a", ["x"]]]) }),
      methods: { look: "read", lookAndWait: "read" },
      placement: "local",
    });
    async change() {
      return ++this.state.n;
    }
    /** Waits until it is lost, then tries whatever it can. Repeated elsewhere, it tries nothing. */
    async goOn() {
      if (attempts.length > 0) return "repeated";
      await this._lost();
      await this._tryAll();
      return "went on";
    }
    async lookAndWait() {
      if (attempts.length > 0) return "repeated";
      await this._lost();
      await this._tryAll();
      return "went on";
    }
    look() {
      return this.state.n;
    }
    async _lost() {
      started.resolve();
      await new Promise<void>((resolve) => {
        this.ctx.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    async _tryAll() {
      const tries: Record<string, () => unknown> = {
        "ctx.get().hear()": () => this.ctx.get(Other, "o").hear(),
        "ctx.deactivate()": () => this.ctx.deactivate(),
        "state =": () => (this.state = { n: 7, tags: new Map() }),
        "state.n =": () => (this.state.n = 7),
        "delete state.n": () => delete (this.state as Partial<Notes>).n,
        "state.tags.set()": () => this.state.tags.set("b", []),
        "state.tags.get().push()": () => this.state.tags.get("a")!.push("y"),
        "ctx.remind": () => (this.ctx as unknown as Record<string, unknown>)["remind"],
        "ctx.commit()": () => this.ctx.commit(),
        "ctx.clear()": () => this.ctx.clear(),
      };
      const came: Attempts = {};
      for (const [what, attempt] of Object.entries(tries)) {
        const error = await rejection((async () => await attempt())());
        came[what] = error instanceof FencedError ? `FENCED ${error.outcome}` : (error ?? "did");
      }
      attempts.push(came);
      const { ctx } = this;
      ctx.log.info("still here");
      facts.push(
        [ctx.type, ctx.id, ctx.silo, ctx.generation, ctx.signal.aborted, ctx.call.method],
        [this.state.n, [...this.state.tags.get("a")!]],
      );
    }
  }
  return { Stubborn, Other, started: started.promise, attempts, facts };
}

const ALL_FENCED = {
  "ctx.get().hear()": "FENCED not-executed",
  "ctx.deactivate()": "FENCED not-executed",
  "state =": "FENCED not-executed",
  "state.n =": "FENCED not-executed",
  "delete state.n": "FENCED not-executed",
  "state.tags.set()": "FENCED not-executed",
  "state.tags.get().push()": "FENCED not-executed",
  "ctx.remind": "FENCED not-executed",
  "ctx.commit()": "FENCED not-executed",
  "ctx.clear()": "FENCED not-executed",
};

test("after a refused save every operation and every change of state throws FencedError; facts and state can be read (R25)", async () => {
  const { Stubborn, Other, started, attempts, facts } = stubborn();
  const storage = new ScriptedStorage();
  await using t = await testSilos({ actors: [Stubborn, Other], storage });
  const actor = t.silos[0]!.client.get(Stubborn, "a");
  await actor.change();
  const held = storage.holdNext();
  const changed = actor.change();
  const onward = actor.goOn();
  await held.arrived;
  await started;
  await storage.fence({ type: "stubborn", id: "a" }, 1_000);
  held.letGo();
  await t.clock.advance("1s");

  expect(attempts).toEqual([ALL_FENCED]);
  expect(facts[0]).toEqual(["stubborn", "a", "silo-1", expect.any(Number), true, "goOn"]);
  // The old working copy, with the change that was refused: nothing that is made of it can leave.
  expect(facts[1]).toEqual([2, ["x"]]);
  expect(t.events).toContainEqual(
    expect.objectContaining({ type: "actor.log", message: "still here" }),
  );
  expect(await changed).toBe(2);
  expect(await onward).toBe("repeated");
  expect(await actor.look()).toBe(2);
  expect(await t.silos[0]!.client.get(Other, "o").hear()).toBe(1);
});

test("the same holds in the turn of a read method (R25)", async () => {
  const { Stubborn, Other, started, attempts } = stubborn();
  const storage = new ScriptedStorage();
  await using t = await testSilos({ actors: [Stubborn, Other], storage });
  const actor = t.silos[0]!.client.get(Stubborn, "a");
  await actor.change();
  const held = storage.holdNext();
  const calls = [actor.change(), actor.lookAndWait()];
  await held.arrived;
  await started;
  await storage.fence({ type: "stubborn", id: "a" }, 1_000);
  held.letGo();
  await t.clock.advance("1s");
  expect(attempts).toEqual([ALL_FENCED]);
  expect(await Promise.all(calls)).toEqual([2, "repeated"]);
});

test("a silo that loses its lease loses all of its actors so: what still runs there can do nothing (R25)", async () => {
  const { Stubborn, Other, started, attempts } = stubborn();
  await using c = await ScriptedCluster.start({ actors: [Stubborn, Other] });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  const actor = one.client.get(Stubborn, "a");
  await c.until(actor.change());
  const onward = rejection(actor.goOn());
  await c.until(started);
  c.cut("silo-1");
  await c.clock.advance("10s");
  c.heal("silo-1");
  await c.clock.advance("5s");
  expect(c.of("silo.lost", "silo-1")).toHaveLength(1);
  expect(attempts).toEqual([ALL_FENCED]);
  expect(await onward).toMatchObject({ outcome: "unknown" });
  expect(await c.until(two.client.get(Stubborn, "a").look())).toBe(1);
});

test("an activation that is not lost is refused nothing: the guard looks at the loss and not at the signal", async () => {
  class Leaver extends Actor<{ n: number }> {
    static readonly actor = defineActor<Leaver>({ type: "leaver", state: () => ({ n: 0 }) });
    async leave() {
      this.ctx.deactivate();
      this.ctx.deactivate();
      return ++this.state.n;
    }
    override onDeactivate() {
      this.state.n += 10;
    }
  }
  await using t = await testSilos({ actors: [Leaver] });
  const leaver = t.silos[0]!.client.get(Leaver, "l");
  expect(await leaver.leave()).toBe(1);
  expect(await leaver.leave()).toBe(12);
});
