import { expect, test } from "vitest";
import { Actor, type ActorContext } from "./actor.ts";
import { actorKind, defineActor } from "./define-actor.ts";
import type { ActorRef } from "./reference.ts";

class Other extends Actor {
  static readonly actor = defineActor<Other>({ type: "other", methods: { ping: "read" } });
  async ping() {
    return 1;
  }
}
class Counter extends Actor<{ count: number }> {
  static readonly actor = defineActor<Counter>({
    type: "counter",
    state: () => ({ count: 0 }),
    methods: { get: "read", watch: { mode: "interleave" }, add: { timeoutMs: 2_000 } },
  });
  field = 1;
  async add(n: number): Promise<number> {
    return (this.state.count += n);
  }
  get() {
    return this.state.count;
  }
  watch() {
    return this.ctx.generation;
  }
  async other() {
    return await this.ctx.get(Other, "x").ping();
  }
  async self() {
    return await this.ctx.get(Counter, "x").get();
  }
  async generic<T>(x: T): Promise<T> {
    return x;
  }
  _hidden() {}
  get accessor() {
    return 1;
  }
}

test("only plain methods below Actor can be called (A1)", () => {
  expect([...actorKind(Counter).methods.keys()]).toEqual([
    "add",
    "get",
    "watch",
    "other",
    "self",
    "generic",
  ]);
  const r = null as unknown as ActorRef<Counter>;
  const f = (): Promise<number> => r.get();
  const g = (): Promise<"a"> => r.generic("a" as const);
  // @ts-expect-error
  const h = () => r._hidden();
  // @ts-expect-error
  const i = () => r.field();
  const c = null as unknown as ActorContext;
  const k = (): Promise<number> => c.get<Counter>("counter", "x").get();
  void [f, g, h, i, k];
});
