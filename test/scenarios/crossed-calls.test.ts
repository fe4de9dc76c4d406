// Calls that wait for each other without a chain that shows it: A calls B while B calls A, and rings of more.
import { Actor, type CallError, DeadlockError, defineActor, type Interceptors } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { deferred } from "../support/deferred.ts";

class Peer extends Actor<{ taken: number }> {
  static readonly actor = defineActor<Peer>({
    type: "peer",
    state: () => ({ taken: 0 }),
    methods: { look: "read", lookAt: "read", peek: "interleave" },
    placement: "local",
  });
  /** Opened when the turns of a test are all running. */
  static gate = deferred();
  static slow = deferred();
  static readonly begun: string[] = [];

  async give(to: string): Promise<string> {
    return await this.#whenAllHaveBegun(async () => await this.ctx.get(Peer, to).take());
  }
  async lookAt(id: string): Promise<number> {
    return await this.#whenAllHaveBegun(async () => await this.ctx.get(Peer, id).look());
  }
  /** Two calls, of which the first to be answered is enough. */
  async giveEither(one: string, slow: string): Promise<string> {
    return await this.#whenAllHaveBegun(
      async () =>
        await Promise.race([this.ctx.get(Peer, one).take(), this.ctx.get(Peer, slow).takeSlowly()]),
    );
  }
  async giveBoth(one: string, slow: string): Promise<string[]> {
    return await this.#whenAllHaveBegun(
      async () =>
        await Promise.all([this.ctx.get(Peer, one).take(), this.ctx.get(Peer, slow).takeSlowly()]),
    );
  }
  async takeSlowly(): Promise<string> {
    await Peer.slow.promise;
    return await this.take();
  }
  async giveThrough(middle: string, to: string): Promise<string> {
    return await this.#whenAllHaveBegun(async () => await this.ctx.get(Peer, middle).takeFrom(to));
  }
  async takeFrom(id: string): Promise<string> {
    return await this.ctx.get(Peer, id).take();
  }
  async take(): Promise<string> {
    this.state.taken += 1;
    return await Promise.resolve(this.ctx.id);
  }
  async look(): Promise<number> {
    return await Promise.resolve(this.state.taken);
  }
  async peek(): Promise<number> {
    return await Promise.resolve(this.state.taken);
  }
  async #whenAllHaveBegun<T>(then: () => Promise<T>): Promise<T> {
    Peer.begun.push(this.ctx.id);
    await Peer.gate.promise;
    return await then();
  }
}

async function peers(silos = 3, interceptors: Interceptors = {}) {
  Peer.gate = deferred();
  Peer.slow = deferred();
  Peer.begun.length = 0;
  const t = await testSilos({ actors: [Peer], silos, options: { interceptors } });
  /** Each letter's actor lives on a silo of its own, round and round. */
  const get = (id: string) => t.silos[id.charCodeAt(0) % silos]!.client.get(Peer, id);
  /** All of these turns run; then all of them call. */
  const together = async <T>(
    ...calls: (() => Promise<T>)[]
  ): Promise<PromiseSettledResult<T>[]> => {
    const settled = Promise.allSettled(calls.map(async (call) => await call()));
    while (Peer.begun.length < calls.length) await t.clock.advance(1);
    Peer.gate.resolve();
    await t.clock.advance(300);
    return await settled;
  };
  return { t, get, together };
}

const errorsOf = (results: readonly PromiseSettledResult<unknown>[]): readonly CallError[] =>
  results.flatMap((result) => (result.status === "rejected" ? [result.reason as CallError] : []));

test("calls that wait for each other are found behind interceptors, too", async () => {
  const pass = async (_call: unknown, next: () => Promise<unknown>) => await next();
  const { t, get, together } = await peers(3, { outgoing: [pass, pass], incoming: [pass] });
  await using _ = t;
  const errors = errorsOf(
    await together(
      () => get("a").give("b"),
      () => get("b").give("a"),
    ),
  );
  expect(errors).toHaveLength(1);
  expect(errors[0]).toBeInstanceOf(DeadlockError);
});

test("of two calls that wait for each other one fails and names both; the other goes on", async () => {
  const { t, get, together } = await peers();
  await using _ = t;
  const results = await together(
    () => get("a").give("b"),
    () => get("b").give("a"),
  );
  const [error, ...more] = errorsOf(results);
  expect(more).toEqual([]);
  expect(error).toBeInstanceOf(DeadlockError);
  const [one, other] = error!.message.startsWith("peer/a") ? ["b", "a"] : ["a", "b"];
  expect(error!.message).toContain(
    `peer/${one}.give → peer/${other}.take, behind peer/${other}.give → peer/${one}.take, behind peer/${one}.give`,
  );
  expect(t.events.filter(({ type }) => type === "deadlock.broken")).toHaveLength(1);
});

test("a ring of four over three silos is named, and costs one call", async () => {
  const { t, get, together } = await peers();
  await using _ = t;
  const ids = ["a", "b", "c", "d"];
  const results = await together(
    ...ids.map((id, i) => async () => await get(id).give(ids[(i + 1) % 4]!)),
  );
  const [error, ...more] = errorsOf(results);
  expect(more).toEqual([]);
  for (const id of ids) expect(error!.message).toContain(`peer/${id}.give → peer/`);
  expect(
    new Set(t.events.flatMap((e) => (e.type === "activation.activated" ? [e.silo] : []))).size,
  ).toBe(3);
});

test("the call that is refused has not run, and the others' turns end as if nothing had been", async () => {
  const { t, get, together } = await peers();
  await using _ = t;
  await together(
    () => get("a").give("b"),
    () => get("b").give("a"),
  );
  expect((await get("a").look()) + (await get("b").look())).toBe(1);
});

test("calls of one turn that are made one behind another count each on its own way round (nested chains)", async () => {
  const { t, get, together } = await peers();
  await using _ = t;
  const results = await together(
    () => get("a").giveThrough("m", "b"),
    () => get("b").give("a"),
  );
  const [error, ...more] = errorsOf(results);
  expect(more).toEqual([]);
  expect(`${error!.message} → again`).toMatch(
    /peer\/a\.giveThrough → peer\/m\.takeFrom → peer\/b\.take, behind peer\/b\.give|peer\/m\.takeFrom → peer\/b\.take, behind peer\/b\.give → peer\/a\.take/,
  );
});

test("a read that waits for a write and a write that waits for a read are a ring; two reads are none", async () => {
  const { t, get, together } = await peers();
  await using _ = t;
  const reads = await together(
    () => get("a").lookAt("b"),
    () => get("b").lookAt("a"),
  );
  expect(errorsOf(reads)).toEqual([]);
  Peer.gate = deferred();
  Peer.begun.length = 0;
  const mixed = await together<unknown>(
    () => get("a").lookAt("b"),
    () => get("b").give("a"),
  );
  expect(errorsOf(mixed).map(({ code }) => code)).toEqual(["DEADLOCK"]);
});

test("those who only wait behind a ring are not refused, and are served when it is broken", async () => {
  const { t, get, together } = await peers();
  await using _ = t;
  const settled = together(
    () => get("a").give("b"),
    () => get("b").give("a"),
  );
  while (Peer.begun.length < 2) await t.clock.advance(1);
  const bystanders = Array.from({ length: 50 }, (_unused, i) => get(i % 2 ? "a" : "b").take());
  expect(errorsOf(await settled)).toHaveLength(1);
  expect(errorsOf(await Promise.allSettled(bystanders))).toEqual([]);
});

test("a turn that another of its calls may let go is no part of a ring, until that one has ended (Q1)", async () => {
  const { t, get, together } = await peers();
  await using _ = t;
  const either = together(
    () => get("a").giveEither("b", "s"),
    () => get("b").give("a"),
  );
  for (let i = 0; i < 20; i++) await t.clock.advance(100);
  Peer.slow.resolve();
  expect(errorsOf(await either)).toEqual([]);

  Peer.gate = deferred();
  Peer.slow = deferred();
  Peer.begun.length = 0;
  const both = together<unknown>(
    () => get("a").giveBoth("b", "s"),
    () => get("b").give("a"),
  );
  for (let i = 0; i < 20; i++) await t.clock.advance(100);
  expect(t.events.some(({ type }) => type === "deadlock.broken")).toBe(false);
  Peer.slow.resolve();
  for (let i = 0; i < 40; i++) await t.clock.advance(100);
  expect(errorsOf(await both).map(({ code }) => code)).toEqual(["DEADLOCK"]);
});

test("calls that are only slow are left alone, however long they wait for each other's silos", async () => {
  const { t, get } = await peers();
  await using _ = t;
  Peer.gate.resolve();
  const slow = [get("x").giveBoth("y", "s"), get("y").giveBoth("z", "s")];
  for (let i = 0; i < 50; i++) await t.clock.advance(100);
  Peer.slow.resolve();
  expect(errorsOf(await Promise.allSettled(slow))).toEqual([]);
});
