// What a caller is told when a call does not end well: did it run or not (I11)?
import { Actor, CallTimeoutError, CancelledError, defineActor } from "tenure";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { Stage } from "../support/stage.ts";

async function workshop(silos = 1) {
  const stage = new Stage();
  class Worker extends Actor<{ done: string[] }> {
    static readonly actor = defineActor<Worker>({
      type: "worker",
      state: () => ({ done: [] }),
      methods: { done: "read", hurried: { timeoutMs: "50ms" }, deadline: "read" },
    });
    async work(name: string) {
      await stage.pass(name);
      this.state.done.push(name);
    }
    async hurried(name: string) {
      await stage.pass(name);
    }
    async delegate(name: string) {
      await this.ctx.get(Worker, "delegate").$with({ timeoutMs: "1h" }).work(name);
    }
    done() {
      return this.state.done;
    }
    deadline() {
      return this.ctx.call.deadline;
    }
  }
  const t = await testSilos({ actors: [Worker], silos });
  return { stage, t, Worker, worker: t.silos[0]!.client.get(Worker, "w") };
}

test("a call that is running when its time is up ends unknown, and may still take effect", async () => {
  const { stage, t, worker } = await workshop();
  await using _ = t;
  const late = rejection(worker.$with({ timeoutMs: 100 }).work("a"));
  await stage.entered("a");
  await t.clock.advance(99);
  stage.log.push("99 ms");
  await t.clock.advance(10);
  const error = await late;
  expect(error).toBeInstanceOf(CallTimeoutError);
  expect(error).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  expect(String(error)).toContain("worker/w.work: no reply within 100 ms");
  stage.door("a").resolve();
  expect(await worker.done()).toEqual(["a"]);
});

test("a call whose time is up while it waits in the mailbox is never run (R20)", async () => {
  const { stage, t, worker } = await workshop();
  await using _ = t;
  const first = worker.work("first");
  await stage.entered("first");
  const expired = rejection(worker.$with({ timeoutMs: 100 }).work("expired"));
  const patient = worker.$with({ timeoutMs: "1m" }).work("patient");
  await t.clock.advance(200);
  expect(await expired).toMatchObject({ code: "CALL_TIMEOUT" });
  stage.door("first").resolve();
  stage.door("patient").resolve();
  await Promise.all([first, patient]);
  expect(await worker.done()).toEqual(["first", "patient"]);
});

test("a call that found no silo in time was not executed", async () => {
  const { t, Worker } = await workshop();
  await using _ = t;
  const client = t.silos[0]!.client;
  await t.silos[0]!.drain();
  const failed = rejection(client.get(Worker, "new").$with({ timeoutMs: "1s" }).work("a"));
  await t.clock.advance("2s");
  expect(await failed).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
});

test("the method's timeout is the caller's when it names none, and a callee has no more time than its caller", async () => {
  const { stage, t, worker } = await workshop();
  await using _ = t;
  const hurried = rejection(worker.hurried("a"));
  const delegated = rejection(worker.$with({ timeoutMs: "1s" }).delegate("b"));
  await t.clock.advance(60);
  expect(String(await hurried)).toContain("no reply within 50 ms");
  stage.door("a").resolve();
  await stage.entered("b");
  await t.clock.advance("1s");
  expect(await delegated).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  // The delegate's call is given up too, though it asked for an hour.
  await t.clock.settle();
  expect(await rejection(worker.$with({ timeoutMs: 100 }).done())).toBeUndefined();
  stage.door("b").resolve();
});

test("ctx.call.deadline is when the caller stops waiting", async () => {
  const { t, worker } = await workshop(2);
  await using _ = t;
  const deadline = await worker.$with({ timeoutMs: "7s" }).deadline();
  expect(deadline).toBe(t.clock.wallMs() + 7_000);
});

test("a signal that has aborted sends nothing", async () => {
  const { stage, t, worker } = await workshop();
  await using _ = t;
  const cancelled = await rejection(worker.$with({ signal: AbortSignal.abort("why") }).work("a"));
  expect(cancelled).toBeInstanceOf(CancelledError);
  expect(cancelled).toMatchObject({
    code: "CANCELLED",
    outcome: "not-executed",
    cause: "why",
  });
  await t.clock.settle();
  expect(stage.log).toEqual([]);
});

test("a signal that aborts while the call runs fails it at once, unknown", async () => {
  const { stage, t, worker } = await workshop();
  await using _ = t;
  const controller = new AbortController();
  const cancelled = rejection(worker.$with({ signal: controller.signal }).work("a"));
  await stage.entered("a");
  controller.abort();
  expect(await cancelled).toMatchObject({ code: "CANCELLED", outcome: "unknown" });
  stage.door("a").resolve();
  expect(await worker.done()).toEqual(["a"]);
});

test("a signal that aborts before the actor is found fails the call, not executed", async () => {
  const { stage, t, worker } = await workshop();
  await using _ = t;
  const controller = new AbortController();
  const cancelled = rejection(worker.$with({ signal: controller.signal }).work("a"));
  controller.abort();
  expect(await cancelled).toMatchObject({ code: "CANCELLED", outcome: "not-executed" });
  await t.clock.settle();
  expect(stage.log).toEqual([]);
});

test.for([
  ["timeoutMs", 0],
  ["timeoutMs", -1],
  ["timeoutMs", "soon"],
  ["timeoutMs", Number.NaN],
  ["timeoutMs", Infinity],
  ["signal", {}],
  ["headers", { tenant: 7 }],
  ["headers", "tenant"],
  ["headers", { a: "x".repeat(8_192) }],
  ["retries", 3],
])("$with refuses %s: %o, and nothing is sent or held", async ([option, value]) => {
  const { stage, t, worker } = await workshop();
  await using _ = t;
  const options = { [option as string]: value } as { timeoutMs?: number };
  const refused = await rejection(worker.$with(options).work("a"));
  expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-executed" });
  expect(String(refused)).toContain(option as string);
  await t.clock.settle();
  expect(stage.log).toEqual([]);
});

test("a time longer than any clock is waited for like any other", async () => {
  const { stage, t, Worker } = await workshop(2);
  await using _ = t;
  for (const silo of t.silos) {
    stage.door(silo.name).resolve();
    const options = { timeoutMs: Number.MAX_VALUE };
    await silo.client.get(Worker, "w").$with(options).work(silo.name);
  }
  expect(stage.log).toHaveLength(4);
});

test("after stop() a silo's client fails every call at once, not executed", async () => {
  const { t, worker } = await workshop();
  await using _ = t;
  await worker.done();
  const stopped = t.silos[0]!.stop();
  await t.clock.advance("1s");
  await stopped;
  expect(await rejection(worker.done())).toMatchObject({
    code: "SILO_UNAVAILABLE",
    outcome: "not-executed",
  });
  expect(internalsOf(t.silos[0]!).activations).toBe(0);
});
