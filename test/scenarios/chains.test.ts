// Calls that lead to calls: their chain, their callers, and cycles in it.
import { Actor, type CallError, DeadlockError, defineActor } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";

class Node_ extends Actor<{ visits: number }> {
  static readonly actor = defineActor<Node_>({
    type: "node",
    state: () => ({ visits: 0 }),
    methods: { readRing: "read", peek: "interleave" },
  });
  override async onActivate() {
    if (this.ctx.id === "narcissus") await this.ctx.get(Node_, "narcissus").ring([]);
  }
  /** Calls the first of `ids`, which calls the next. */
  async ring(ids: string[]): Promise<number> {
    this.state.visits += 1;
    const [next, ...rest] = ids;
    if (next !== undefined) return await this.ctx.get(Node_, next).ring(rest);
    return this.ctx.call.chain.length;
  }
  async readRing(ids: string[]): Promise<number> {
    const [next, ...rest] = ids;
    if (next !== undefined) return await this.ctx.get(Node_, next).readRing(rest);
    return this.ctx.call.chain.length;
  }
  async writeThenRead(id: string): Promise<number> {
    return await this.ctx.get(Node_, id).readRing([this.ctx.id]);
  }
  async through(id: string): Promise<number> {
    return await this.ctx.get(Node_, id).askToPeek(this.ctx.id);
  }
  async askToPeek(id: string): Promise<number> {
    return await this.ctx.get(Node_, id).peek();
  }
  peek() {
    return this.state.visits;
  }
  async catchRing(ids: string[]): Promise<string> {
    const error = await rejection(this.ring(ids));
    return (error as CallError).code;
  }
  async caller() {
    return this.ctx.call.caller;
  }
  async whoCalls(id: string) {
    return await this.ctx.get(Node_, id).caller();
  }
}

async function nodes(silos = 2) {
  const t = await testSilos({ actors: [Node_], silos });
  return { t, get: (id: string) => t.silos[0]!.client.get(Node_, id) };
}

test("a call that comes back to a turn that waits for it fails at once, and names the chain", async () => {
  const { t, get } = await nodes();
  await using _ = t;
  const error = await rejection(get("a").ring(["b", "c", "a"]));
  expect(error).toBeInstanceOf(DeadlockError);
  expect((error as CallError).message).toContain(
    "node/a.ring → node/b.ring → node/c.ring → node/a.ring",
  );
  expect(t.clock.monotonicMs()).toBe(0);
  // Each turn of the chain failed, so nothing of it stays; the outermost had run, which is all that its caller knows.
  expect(error).toMatchObject({ code: "DEADLOCK", outcome: "unknown" });
  expect(await get("a").peek()).toBe(0);
});

test("an actor that calls itself and waits deadlocks at once; it may catch that and go on", async () => {
  const { t, get } = await nodes();
  await using _ = t;
  expect(await get("a").catchRing(["a"])).toBe("DEADLOCK");
  expect(await get("a").catchRing(["b", "a"])).toBe("DEADLOCK");
  expect(t.clock.monotonicMs()).toBe(0);
});

test("a hook that calls its own actor deadlocks at once", async () => {
  class Loner extends Actor {
    static readonly actor = defineActor<Loner>({ type: "loner" });
    static readonly log: string[] = [];
    override async onDeactivate() {
      const error = await rejection(this.ctx.get(Loner, this.ctx.id).leave());
      Loner.log.push((error as CallError).code);
    }
    async leave() {
      this.ctx.deactivate();
    }
  }
  await using t = await testSilos({ actors: [Node_, Loner] });
  const error = await rejection(t.silos[0]!.client.get(Node_, "narcissus").ring([]));
  expect(error).toMatchObject({ code: "ACTIVATION_FAILED" });
  expect((error as CallError).message).toContain("node/narcissus.onActivate → node/narcissus.ring");
  await t.silos[0]!.client.get(Loner, "l").leave();
  await t.clock.settle();
  expect(Loner.log).toEqual(["DEADLOCK"]);
  expect(t.clock.monotonicMs()).toBe(0);
});

test("a read under a read of its own chain is let in, ahead of a write that waits", async () => {
  const { t, get } = await nodes();
  await using _ = t;
  const ring = get("a").readRing(["b", "a", "b", "a"]);
  const write = get("a").ring([]);
  expect(await ring).toBe(5);
  expect(await write).toBe(1);
});

test("a read that comes back to a write turn deadlocks; an interleave is let in", async () => {
  const { t, get } = await nodes();
  await using _ = t;
  expect(await rejection(get("a").writeThenRead("b"))).toBeInstanceOf(DeadlockError);
  expect(await get("a").through("b")).toBe(0);
});

test("a chain of 64 calls is served, a longer one is refused", async () => {
  const { t, get } = await nodes();
  await using _ = t;
  const ids = (n: number) => Array.from({ length: n }, (_unused, i) => `n${i}`);
  expect(await get("start").ring(ids(63))).toBe(64);
  const error = await rejection(get("start").ring(ids(64)));
  expect(error).toMatchObject({ code: "DEADLOCK" });
  expect((error as CallError).message).toContain("longer than 64");
});

test("a turn knows its caller: an actor, or nobody for a client", async () => {
  const { t, get } = await nodes();
  await using _ = t;
  expect(await get("a").caller()).toBeUndefined();
  expect(await get("a").whoCalls("b")).toEqual({ type: "node", id: "a" });
});

test("after a turn has ended its calls wait like any others: no false deadlock", async () => {
  const { t, get } = await nodes();
  await using _ = t;
  await Promise.all([get("a").ring(["b"]), get("b").ring(["c"]), get("c").ring([])]);
  expect(await get("a").ring(["b", "c"])).toBe(3);
});
