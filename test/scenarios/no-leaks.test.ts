// After many calls of every kind nothing is held for any of them, and every outcome was true (V3, T5, I10, I11).
import { Actor, CallError, defineActor, defineError } from "tenure";
import { seededRandom } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

const Refused = defineError()("REFUSED");
const SEED = 20_260;

class Busy extends Actor<{ applied: string[]; n: number }> {
  static readonly actor = defineActor<Busy>({
    type: "busy",
    state: () => ({ applied: [], n: 0 }),
    methods: { applied: "read", peek: "interleave" },
    maxQueue: 40,
    idle: "2s",
  });
  async apply(name: string) {
    await Promise.resolve();
    this.state.applied.push(name);
    this.state.n += 1;
    return this.state.n;
  }
  async applyThrough(name: string, id: string) {
    this.state.n += 1;
    return await this.ctx.get(Busy, id).apply(name);
  }
  async refuse(name: string) {
    this.state.applied.push(name);
    throw Refused();
  }
  async nonsense(name: string) {
    this.state.applied.push(name);
    return () => 1;
  }
  async leave() {
    this.ctx.deactivate();
  }
  applied() {
    return this.state.applied;
  }
  peek() {
    return this.state.n;
  }
}

const KINDS = [
  "apply",
  "apply",
  "apply",
  "through",
  "refuse",
  "nonsense",
  "leave",
  "read",
  "peek",
  "bad",
] as const;

test(`10,000 mixed calls leave nothing behind (seed ${SEED})`, async () => {
  const storage = new ScriptedStorage();
  await using t = await testSilos({ actors: [Busy], silos: 3, storage, seed: SEED });
  const random = seededRandom(SEED);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
  const ids = Array.from({ length: 12 }, (_unused, i) => `b${i}`);
  const told = {
    ok: new Set<string>(),
    notExecuted: new Set<string>(),
    unknown: new Set<string>(),
  };
  let settled = 0;

  const makeCall = async (name: string): Promise<void> => {
    const ref = pick(t.silos).client.get(Busy, pick(ids));
    const signal = random.next() < 0.05 ? AbortSignal.abort() : undefined;
    const controller = new AbortController();
    if (random.next() < 0.05) t.clock.after(random.next() * 20, () => controller.abort());
    const kind = pick(KINDS);
    const call = ref.$with({
      signal: signal ?? controller.signal,
      timeoutMs: pick([5, 50, 5_000]),
      // A keyed turn that calls others may be run again, and then makes new calls.
      idempotencyKey: kind !== "through" && random.next() < 0.2 ? name : undefined,
    });
    try {
      if (kind === "apply") await call.apply(name);
      else if (kind === "through") await call.applyThrough(name, pick(ids));
      else if (kind === "refuse") await call.refuse(name);
      else if (kind === "nonsense") await call.nonsense(name);
      else if (kind === "leave") await call.leave();
      else if (kind === "read") await call.applied();
      else if (kind === "peek") await call.peek();
      else await (call as unknown as Record<string, () => Promise<void>>)["constructor"]!();
      if (kind === "apply" || kind === "through") told.ok.add(name);
    } catch (error) {
      if (Refused.is(error)) told.notExecuted.add(name);
      else if (error instanceof CallError)
        (error.outcome === "unknown" ? told.unknown : told.notExecuted).add(name);
      else throw error;
    } finally {
      settled += 1;
    }
  };

  const calls: Promise<void>[] = [];
  for (let i = 0; i < 10_000; i++) {
    calls.push(makeCall(`call ${i}`));
    if (i % 100 === 0) await t.clock.advance(pick([1, 10, 100]));
    if (i % 700 === 0) storage.loseAnswers = 1;
    if (i % 900 === 0) storage.loseSaves = 1;
    if (i % 1_500 === 0) await storage.fence({ type: "busy", id: pick(ids) }, 1_000_000 + i);
  }
  await t.clock.advance("20s");
  expect(settled).toBe(10_000);
  await Promise.all(calls);
  expect(t.silos.map((silo) => internalsOf(silo).held)).toEqual([0, 0, 0]);
  expect(t.silos.map((silo) => internalsOf(silo).activations)).toEqual([0, 0, 0]);

  const applied: string[] = [];
  for (const id of ids) {
    const found = t.silos[0]!.client.get(Busy, id).applied();
    await t.clock.advance("1s");
    applied.push(...(await found));
  }
  const times = new Map<string, number>();
  for (const name of applied) times.set(name, (times.get(name) ?? 0) + 1);
  const repeated = [...times].filter(([, count]) => count > 1);
  expect(repeated).toEqual([]);
  expect([...told.ok].filter((name) => !times.has(name))).toEqual([]);
  expect([...told.notExecuted].filter((name) => times.has(name))).toEqual([]);
  // The mixture is one only if every outcome occurred.
  expect(Math.min(told.ok.size, told.notExecuted.size, told.unknown.size)).toBeGreaterThan(20);
}, 60_000);

test("two clusters in one process share nothing", async () => {
  await using one = await testSilos({ actors: [Busy] });
  await using two = await testSilos({ actors: [Busy] });
  await one.silos[0]!.client.get(Busy, "b").apply("one");
  expect(await two.silos[0]!.client.get(Busy, "b").applied()).toEqual([]);
  expect(internalsOf(one.silos[0]!).activations).toBe(1);
});
