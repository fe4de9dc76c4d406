// Stateless classes: a pool of activations in each silo, that nobody owns.
import {
  Actor,
  connect,
  DeadlockError,
  defineActor,
  InvalidArgumentError,
  OverloadedError,
} from "tenure";
import { loopback, seededRandom } from "@tenure/core/internal";
import type { Silo } from "@tenure/runtime";
import { expect, test } from "vitest";
import { crash, internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { ScriptedCluster } from "../support/scripted-cluster.ts";
import { Stage } from "../support/stage.ts";

/** Workers whose turns end when the stage says so. */
function workers(options: { max?: number; maxQueue?: number; idle?: "1s" } = {}) {
  const stage = new Stage();
  const { max = 2, ...others } = options;
  class Worker extends Actor {
    static readonly actor = defineActor<Worker>({
      type: "worker",
      stateless: { max },
      methods: { look: "read", peek: "interleave" },
      ...others,
    });
    async work(name: string) {
      await stage.pass(name);
      return this.ctx.id;
    }
    async look(name: string) {
      return await this.work(name);
    }
    async peek(name: string) {
      return await this.work(name);
    }
    async where() {
      return this.ctx.silo;
    }
    async who() {
      return { id: this.ctx.id, generation: this.ctx.generation };
    }
    /** Calls itself, `depth` times. */
    async nest(depth: number): Promise<number> {
      return depth === 0 ? 0 : 1 + (await this.ctx.get(Worker, "any").nest(depth - 1));
    }
  }
  return { Worker, stage };
}

test("at most max activations work at a time, each on one call, and the queue is served in order (S1, S2)", async () => {
  const { Worker, stage } = workers();
  await using t = await testSilos({ actors: [Worker] });
  const worker = t.silos[0]!.client.get(Worker, "any");
  // Whatever the mode: nothing runs beside anything in one activation.
  const calls = [worker.work("a"), worker.look("b"), worker.peek("c"), worker.look("d")];
  await t.clock.settle();
  expect(stage.log).toEqual(["+a", "+b"]);
  expect(internalsOf(t.silos[0]!).activations).toBe(2);
  stage.door("b").resolve();
  await calls[1];
  await t.clock.settle();
  expect(stage.log).toEqual(["+a", "+b", "-b", "+c"]);
  for (const name of ["a", "c", "d"]) stage.door(name).resolve();
  const ids = await Promise.all(calls);
  expect(new Set(ids).size).toBe(2);
  expect(stage.log.filter((line) => line.startsWith("+"))).toEqual(["+a", "+b", "+c", "+d"]);
});

test("the id of a reference chooses nothing, and one that is free takes the next call", async () => {
  const { Worker } = workers({ max: 5 });
  await using t = await testSilos({ actors: [Worker] });
  const ids = new Set<string>();
  for (let i = 0; i < 10; i++) {
    const { id, generation } = await t.silos[0]!.client.get(Worker, `${i}`).who();
    ids.add(id);
    expect(generation).toBe(0);
  }
  expect(ids.size).toBe(1);
});

test("nothing is claimed, looked up or stored for it (S3)", async () => {
  const { Worker } = workers();
  const c = await ScriptedCluster.start({ actors: [Worker] });
  await using _ = c;
  const silo = await c.add("silo-1");
  const worker = silo.client.get(Worker, "any");
  await c.until(Promise.all([worker.where(), worker.who(), worker.nest(1)]));
  await c.until(silo.drain());
  const asked = new Set(c.operations.map(({ operation }) => operation));
  for (const operation of ["claim", "lookup", "release"] as const)
    expect(asked).not.toContain(operation);
  expect(asked).toContain("renew");
  expect(c.storage.saves).toEqual([]);
  expect(c.of("activation.activated").length).toBeGreaterThan(0);
});

test("a silo's calls stay in it when it has the class; others go to any silo that has it", async () => {
  const { Worker } = workers();
  const transport = loopback();
  await using t = await testSilos({ actors: [Worker], silos: 2, transport });
  const gateway = await t.add("gateway", { actors: [] });
  await using client = await connect({ transport }, { clock: t.clock, random: seededRandom(4) });
  await t.clock.advance("3s");
  for (const silo of t.silos.slice(0, 2))
    for (let i = 0; i < 10; i++)
      expect(await silo.client.get(Worker, `${i}`).where()).toBe(silo.name);
  type Where = InstanceType<typeof Worker>;
  for (const caller of [gateway.client, client]) {
    const places = new Set<string>();
    for (let i = 0; i < 30; i++) places.add(await caller.get<Where>("worker", `${i}`).where());
    expect(places).toEqual(new Set(["silo-1", "silo-2"]));
  }
});

test("when its silo drains, what runs ends there, and what waits is served by another", async () => {
  const { Worker, stage } = workers({ max: 1 });
  await using t = await testSilos({ actors: [Worker], silos: 2 });
  await t.clock.advance("3s");
  const [one, two] = t.silos as [Silo, Silo];
  const worker = one.client.get(Worker, "any");
  const running = worker.work("runs");
  const waiting = worker.where();
  await t.clock.settle();
  const drained = one.drain();
  await t.clock.advance("1s");
  expect(await waiting).toBe(two.name);
  stage.door("runs").resolve();
  await running;
  await drained;
  expect(internalsOf(one).activations).toBe(0);
  expect(await worker.where()).toBe(two.name);
});

test("when its silo dies, a client's next call is served by another", async () => {
  const { Worker } = workers();
  const transport = loopback();
  await using t = await testSilos({ actors: [Worker], silos: 2, transport });
  await using client = await connect({ transport }, { clock: t.clock, random: seededRandom(4) });
  await t.clock.advance("3s");
  const worker = client.get(Worker, "any");
  const first = t.silos.find(({ name }) => name === "silo-1")!;
  const found = await worker.where();
  const home = t.silos.find(({ name }) => name === found)!;
  crash(home);
  const again = worker.where();
  await t.clock.advance("9s");
  expect(await again).toBe(home === first ? "silo-2" : "silo-1");
});

test("one more call than the queue has room for is refused, typed (S2)", async () => {
  const { Worker, stage } = workers({ max: 1, maxQueue: 2 });
  await using t = await testSilos({ actors: [Worker] });
  const worker = t.silos[0]!.client.get(Worker, "any");
  const calls = ["a", "b", "c"].map((name) => worker.work(name));
  const refused = rejection(worker.$with({ timeoutMs: "500ms" }).work("d"));
  await t.clock.advance("1s");
  expect(await refused).toBeInstanceOf(OverloadedError);
  expect(await refused).toMatchObject({ outcome: "not-executed" });
  for (const name of ["a", "b", "c"]) stage.door(name).resolve();
  expect(await Promise.all(calls)).toHaveLength(3);
  expect(stage.log).not.toContain("+d");
});

test("a call whose time is up while it waits never begins, and those behind it do", async () => {
  const { Worker, stage } = workers({ max: 1, maxQueue: 50_000 });
  await using t = await testSilos({ actors: [Worker] });
  const worker = t.silos[0]!.client.get(Worker, "any");
  const first = worker.work("a");
  await t.clock.settle();
  // So many that answering each inside of the one before would fill the stack.
  const late = Array.from({ length: 20_000 }, (_unused, i) =>
    rejection(worker.$with({ timeoutMs: 100 }).work(`late ${i}`)),
  );
  const last = worker.work("last");
  await t.clock.advance("1s");
  for (const name of ["a", "last"]) stage.door(name).resolve();
  await first;
  await last;
  expect((await Promise.all(late)).every((error) => error !== undefined)).toBe(true);
  expect(stage.log).toEqual(["+a", "-a", "+last", "-last"]);
});

test("a turn may call its own class while an activation is free; when all wait for it that is a deadlock (S4)", async () => {
  const { Worker } = workers({ max: 3 });
  await using t = await testSilos({ actors: [Worker] });
  const worker = t.silos[0]!.client.get(Worker, "any");
  expect(await worker.nest(2)).toBe(2);
  const error = await rejection(worker.nest(3));
  expect(error).toBeInstanceOf(DeadlockError);
  expect(String(error)).toContain("worker/any.nest → worker/any.nest → worker/any.nest");
  expect(await worker.nest(2)).toBe(2);
});

test("turns of several chains that have all activations and wait for one more are a deadlock, too: the last call is refused, the others go on (S4)", async () => {
  const { Worker } = workers({ max: 3 });
  await using t = await testSilos({ actors: [Worker] });
  const worker = t.silos[0]!.client.get(Worker, "any");
  const calls = await Promise.allSettled([worker.nest(1), worker.nest(1), worker.nest(1)]);
  const failed = calls.flatMap((call) =>
    call.status === "rejected" ? [call.reason as unknown] : [],
  );
  expect(failed).toHaveLength(1);
  expect(failed[0]).toBeInstanceOf(DeadlockError);
});

test("a call whose time is up is waited for by nobody: it makes no deadlock of another (S4)", async () => {
  const { Worker, stage } = workers({ max: 2 });
  class Impatient extends Worker {
    static override readonly actor = defineActor<Impatient>({
      type: "impatient",
      stateless: { max: 2 },
    });
    async tryThenWork(name: string) {
      const self = this.ctx.get(Impatient, "any");
      const tried = await rejection(self.$with({ timeoutMs: 100 }).where());
      return [tried !== undefined, await this.work(name)];
    }
    async workThenAsk(name: string) {
      await this.work(name);
      return await this.ctx.get(Impatient, "any").where();
    }
  }
  await using t = await testSilos({ actors: [Impatient] });
  const pool = t.silos[0]!.client.get(Impatient, "any");
  const asks = pool.workThenAsk("first");
  const tries = pool.tryThenWork("second");
  await t.clock.advance("1s");
  await stage.entered("second");
  // What was tried still stands in the queue; its caller has gone on.
  stage.door("first").resolve();
  await t.clock.settle();
  stage.door("second").resolve();
  expect((await tries)[0]).toBe(true);
  expect(await asks).toBe("silo-1");
});

test("an activation without calls is collected, and the next call makes another", async () => {
  const { Worker, stage } = workers({ idle: "1s" });
  await using t = await testSilos({ actors: [Worker] });
  const [silo] = t.silos;
  const worker = silo!.client.get(Worker, "any");
  const calls = [worker.work("a"), worker.work("b")];
  for (const name of ["a", "b"]) stage.door(name).resolve();
  const ids = await Promise.all(calls);
  expect(internalsOf(silo!).activations).toBe(2);
  await t.clock.advance("4s");
  expect(internalsOf(silo!).activations).toBe(0);
  expect(ids).not.toContain((await worker.who()).id);
});

test("a call that finds the only activation on its way out waits for the next one", async () => {
  const { Worker, stage } = workers({ max: 1 });
  class Leaver extends Worker {
    static override readonly actor = defineActor<Leaver>({ type: "leaver", stateless: { max: 1 } });
    async leave() {
      this.ctx.deactivate();
      return this.ctx.id;
    }
    override async onDeactivate() {
      await stage.pass("out");
    }
  }
  await using t = await testSilos({ actors: [Leaver] });
  const leaver = t.silos[0]!.client.get(Leaver, "any");
  const left = await leaver.leave();
  await stage.entered("out");
  const next = leaver.who();
  await t.clock.settle();
  stage.door("out").resolve();
  expect((await next).id).not.toBe(left);
});

test("an activation that fails fails its own call only", async () => {
  let born = 0;
  class Fragile extends Actor {
    static readonly actor = defineActor<Fragile>({ type: "fragile", stateless: { max: 1 } });
    override async onActivate() {
      born += 1;
      if (born === 1) throw new Error("not the first");
    }
    async go() {
      return born;
    }
  }
  await using t = await testSilos({ actors: [Fragile] });
  const fragile = t.silos[0]!.client.get(Fragile, "any");
  const [first, second] = [rejection(fragile.go()), fragile.go()];
  expect(await first).toMatchObject({ code: "ACTIVATION_FAILED" });
  expect(await second).toBe(2);
});

test("what needs an owner is refused: keys, strict reads, and what an operator does with single actors", async () => {
  const { Worker } = workers();
  await using t = await testSilos({ actors: [Worker] });
  const [silo] = t.silos;
  const worker = silo!.client.get(Worker, "any");
  for (const call of [
    () => worker.$with({ idempotencyKey: "k" }).where(),
    () => worker.$with({ strictReads: true }).where(),
    () => silo!.admin.deactivate(Worker, "any"),
    () => silo!.admin.move(Worker, "any", "silo-1"),
    () => silo!.admin.explain("worker", "any"),
  ])
    expect(await rejection(call())).toBeInstanceOf(InvalidArgumentError);
});
