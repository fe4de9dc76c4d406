// A caller that gives a call up: what becomes of the call where it is, and what its turn is told.
import { Actor, CallTimeoutError, CancelledError, defineActor } from "tenure";
import {
  type CallMessage,
  type CancelMessage,
  type Endpoint,
  loopback,
  type Message,
  seededRandom,
  valueBody,
} from "@tenure/core/internal";
import { afterEach, expect, test, vi } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";
import { Stage } from "../support/stage.ts";

afterEach(() => vi.unstubAllGlobals());

const MAX_QUEUE = 3;

/** An actor whose turns stop at doors; `told` has what each was told by its call's signal, by the turn's name. */
async function workshop(silos = 2) {
  const stage = new Stage();
  const told = new Map<string, unknown>();
  const signals = new Map<string, AbortSignal>();
  class Worker extends Actor<{ done: string[] }> {
    static readonly actor = defineActor<Worker>({
      type: "worker",
      state: () => ({ done: [] }),
      methods: {
        done: "read",
        silo: "read",
        readFor: "read",
        peek: "interleave",
        idle: "interleave",
      },
      maxQueue: MAX_QUEUE,
    });
    /** Does not look at its signal. */
    async work(name: string) {
      await stage.pass(name);
      this.state.done.push(name);
      return name;
    }
    /** Ends as soon as it is told. */
    async heed(name: string) {
      this.state.done.push(name);
      const { signal } = this.ctx.call;
      signals.set(name, signal);
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          told.set(name, signal.reason);
          reject(signal.reason as Error);
        });
        void stage.pass(name);
      });
    }
    /** Says in its own words that it was told. */
    async heedAs(name: string, message: string) {
      await this.heed(name).catch(() => {
        throw new TypeError(message);
      });
    }
    /** Looks at its signal late. */
    async lookLate(name: string) {
      await stage.pass(name);
      told.set(name, this.ctx.call.signal.reason);
      return this.ctx.call.signal.aborted;
    }
    /** Calls another, with its own call's signal or without. */
    async hand(name: string, to: string, on: boolean) {
      const { signal } = this.ctx.call;
      const next = this.ctx.get(Worker, to);
      await (on ? next.$with({ signal }) : next).heed(name);
    }
    async afterwards(name: string, to: string) {
      await this.heed(name).catch(() => undefined);
      await this.ctx.get(Worker, to).work("tidied up");
    }
    done() {
      return this.state.done;
    }
    silo() {
      return this.ctx.silo;
    }
    async readFor(name: string) {
      await stage.pass(name);
    }
    /** Shows nothing of the state and does not look at the signal. */
    idle() {}
    peek() {
      return this.ctx.call.signal.aborted;
    }
  }
  const storage = new ScriptedStorage();
  const transport = loopback();
  const t = await testSilos({ actors: [Worker], silos, storage, transport });
  /** An actor that lives on the silo, whoever calls it. */
  const on = async (at: number, id: string) => {
    const { name, client } = t.silos[at]!;
    for (let n = 0; ; n++) {
      const worker = client.get(Worker, `${id}${n}`);
      if ((await worker.silo()) === name) return `${id}${n}`;
    }
  };
  return { stage, told, signals, t, Worker, storage, transport, on };
}

/** The same with the actor on the caller's silo, and on the other one. */
const WHERE = [
  ["its own silo", 0, "not-executed"],
  ["another silo", 1, "unknown"],
] as const;

test.for(WHERE)(
  "a call that waits at %s leaves its mailbox when its caller gives it up: nothing of it runs, and its place is free",
  async ([_where, at, outcome]) => {
    const { stage, t, Worker, on } = await workshop();
    await using _ = t;
    const worker = t.silos[0]!.client.get(Worker, await on(at, "w"));
    const first = worker.work("first");
    await stage.entered("first");
    const controller = new AbortController();
    const { signal } = controller;
    const given = Array.from({ length: MAX_QUEUE }, (_unused, i) =>
      rejection(worker.$with({ signal }).work(`given up ${i}`)),
    );
    await t.clock.settle();
    controller.abort();
    for (const call of given) expect(await call).toMatchObject({ code: "CANCELLED", outcome });
    await t.clock.settle();
    // As many find room again while the first still runs.
    const patient = Array.from({ length: MAX_QUEUE }, (_unused, i) => worker.work(`patient ${i}`));
    await t.clock.settle();
    for (let i = 0; i < MAX_QUEUE; i++) stage.door(`patient ${i}`).resolve();
    stage.door("first").resolve();
    await Promise.all([first, ...patient]);
    expect(await worker.done()).toEqual(["first", "patient 0", "patient 1", "patient 2"]);
    expect(t.silos.map((silo) => internalsOf(silo).held)).toEqual([0, 0]);
    expect(t.silos.map((silo) => internalsOf(silo).calls.unknownReplies)).toEqual([0, 0]);
  },
);

test.for(WHERE)(
  "a turn on %s is told by ctx.call.signal that its caller has given it up, and is rolled back when it gives up, too",
  async ([_where, at]) => {
    const { stage, told, t, Worker, on } = await workshop();
    await using _ = t;
    const worker = t.silos[0]!.client.get(Worker, await on(at, "w"));
    const controller = new AbortController();
    const given = rejection(worker.$with({ signal: controller.signal }).heed("a"));
    await stage.entered("a");
    controller.abort("the user left");
    const error = await given;
    expect(error).toBeInstanceOf(CancelledError);
    expect(error).toMatchObject({ outcome: "unknown", cause: "the user left" });
    await t.clock.settle();
    expect(told.get("a")).toBeInstanceOf(CancelledError);
    expect(await worker.done()).toEqual([]);
  },
);

test("a turn that does not look at its signal runs to its end and commits, though its caller is gone", async () => {
  const { stage, t, Worker, on } = await workshop();
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, await on(1, "w"));
  const controller = new AbortController();
  const given = rejection(worker.$with({ signal: controller.signal }).work("a"));
  await stage.entered("a");
  controller.abort();
  expect(await given).toMatchObject({ code: "CANCELLED", outcome: "unknown" });
  stage.door("a").resolve();
  expect(await worker.done()).toEqual(["a"]);
});

test("a signal that is first looked at when its call was given up already has aborted", async () => {
  const { stage, told, t, Worker, on } = await workshop();
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, await on(1, "w"));
  const controller = new AbortController();
  const given = rejection(worker.$with({ signal: controller.signal }).lookLate("a"));
  await stage.entered("a");
  controller.abort();
  await given;
  await t.clock.settle();
  stage.door("a").resolve();
  await t.clock.settle();
  expect(told.get("a")).toBeInstanceOf(CancelledError);
  stage.door("b").resolve();
  expect(await worker.lookLate("b")).toBe(false);
});

test("a signal that nobody looks at costs no AbortController", async () => {
  const { t, Worker } = await workshop(1);
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, "w");
  await worker.idle();
  let made = 0;
  class Counted extends AbortController {
    readonly nth = (made += 1);
  }
  vi.stubGlobal("AbortController", Counted);
  await worker.idle();
  expect(made).toBe(0);
  await worker.peek();
  expect(made).toBe(1);
});

test("one signal for many calls makes Node warn of no leak", async () => {
  const { stage, t, Worker } = await workshop(1);
  await using _ = t;
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on("warning", listener);
  const controller = new AbortController();
  const { signal } = controller;
  const calls = Array.from({ length: 30 }, (_unused, i) =>
    rejection(t.silos[0]!.client.get(Worker, `w${i}`).$with({ signal }).work(`${i}`)),
  );
  await t.clock.settle();
  controller.abort();
  await Promise.all(calls);
  process.off("warning", listener);
  expect(warnings).toEqual([]);
  for (let i = 0; i < calls.length; i++) stage.door(`${i}`).resolve();
});

test("ctx.call.signal aborts when the call's time is up, and not before", async () => {
  const { stage, told, signals, t, Worker, on } = await workshop();
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, await on(1, "w"));
  const late = rejection(worker.$with({ timeoutMs: "1s" }).heed("a"));
  await stage.entered("a");
  await t.clock.advance(998);
  expect(signals.get("a")!.aborted).toBe(false);
  await t.clock.advance(10);
  expect(await late).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  expect(told.get("a")).toBeInstanceOf(CallTimeoutError);
  expect(String(told.get("a"))).toContain("heed: its time is up");
  expect(await worker.done()).toEqual([]);
});

test("a signal that is handed on is followed down the chain; calls without it go on", async () => {
  for (const handedOn of [true, false]) {
    const { stage, told, t, Worker, on } = await workshop();
    await using _ = t;
    const [first, second] = [await on(1, "a"), await on(0, "b")];
    const controller = new AbortController();
    const worker = t.silos[0]!.client.get(Worker, first).$with({ signal: controller.signal });
    const given = rejection(worker.hand("inner", second, handedOn));
    await stage.entered("inner");
    controller.abort();
    expect(await given).toMatchObject({ code: "CANCELLED", outcome: "unknown" });
    await t.clock.settle();
    expect(told.has("inner")).toBe(handedOn);
    // The deadline is shared in any case.
    await t.clock.advance("11s");
    expect(told.get("inner")).toBeInstanceOf(handedOn ? CancelledError : CallTimeoutError);
  }
});

test("who has not given up a call reads of its time and not of a cancellation, though the turn handed its signal on", async () => {
  const { stage, t, Worker, on } = await workshop();
  await using _ = t;
  const [first, second] = [await on(1, "a"), await on(0, "b")];
  const handing = t.silos[1]!.client.get(Worker, first).$with({ timeoutMs: 100 });
  const late = rejection(handing.hand("inner", second, true));
  await stage.entered("inner");
  // The turn's signal comes before its caller's own sweep.
  await t.clock.advance(100);
  const error = await late;
  expect(error).toBeInstanceOf(CallTimeoutError);
  expect(error).toMatchObject({
    outcome: "unknown",
    message: expect.stringContaining("heed: its caller's time is up") as string,
  });
});

test("a turn that was given up may still call others, to tidy up", async () => {
  const { stage, t, Worker, on } = await workshop();
  await using _ = t;
  const [first, second] = [await on(1, "a"), await on(0, "b")];
  const controller = new AbortController();
  const worker = t.silos[0]!.client.get(Worker, first).$with({ signal: controller.signal });
  const given = rejection(worker.afterwards("a", second));
  await stage.entered("a");
  controller.abort();
  await given;
  await stage.entered("tidied up");
  stage.door("tidied up").resolve();
  await t.clock.settle();
  expect(await t.silos[0]!.client.get(Worker, second).done()).toEqual(["tidied up"]);
});

test("ctx.call.signal aborts when the actor is lost, for the reason for which ctx.signal does", async () => {
  const { stage, told, t, Worker, storage } = await workshop(1);
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, "w");
  const lost = rejection(worker.heed("a"));
  await stage.entered("a");
  await storage.fence({ type: "worker", id: "w" }, 1_000_000_000_000);
  // Another turn's read finds it out.
  const strict = rejection(worker.$with({ strictReads: true, timeoutMs: "1s" }).idle());
  await t.clock.settle();
  expect(told.get("a")).toMatchObject({ code: "FENCED" });
  expect(await lost).toMatchObject({ code: "FENCED", outcome: "unknown" });
  await t.clock.advance("2s");
  await strict;
});

test("what a keyed call throws that was told to give up is not recorded: the same key may still succeed (U4)", async () => {
  const { stage, t, Worker, on } = await workshop();
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, await on(1, "w"));
  const controller = new AbortController();
  const keyed = worker.$with({ idempotencyKey: "k" });
  const given = rejection(keyed.$with({ signal: controller.signal }).heedAs("a", "in other words"));
  await stage.entered("a");
  controller.abort();
  await given;
  await t.clock.settle();
  const again = new AbortController();
  const repeated = rejection(keyed.$with({ signal: again.signal }).heedAs("a", "in other words"));
  await t.clock.settle();
  expect(stage.log).toEqual(["+a", "+a"]);
  again.abort();
  await repeated;
});

test("a call that waits for its actor to be loaded is given up, too; the actor serves the others", async () => {
  const { stage, t, Worker, storage } = await workshop(1);
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, "new");
  const load = storage.holdLoad();
  const controller = new AbortController();
  const given = rejection(worker.$with({ signal: controller.signal }).work("given up"));
  const patient = worker.work("patient");
  await load.arrived;
  controller.abort();
  expect(await given).toMatchObject({ code: "CANCELLED", outcome: "not-executed" });
  load.letGo();
  stage.door("patient").resolve();
  await patient;
  expect(await worker.done()).toEqual(["patient"]);
});

test("what a call that was given up kept waiting starts at once, if it may", async () => {
  const { stage, t, Worker, on } = await workshop();
  await using _ = t;
  const worker = t.silos[0]!.client.get(Worker, await on(1, "w"));
  const reading = worker.readFor("long");
  await stage.entered("long");
  const controller = new AbortController();
  const given = rejection(worker.$with({ signal: controller.signal }).work("a write"));
  const behind = worker.done();
  await t.clock.settle();
  controller.abort();
  await given;
  expect(await behind).toEqual([]);
  stage.door("long").resolve();
  await reading;
});

test("calls that a burst keeps from starting are given up before they start", async () => {
  const { stage, t, Worker } = await workshop(1);
  await using _ = t;
  const { client } = t.silos[0]!;
  const ids = Array.from({ length: 100 }, (_unused, i) => `burst${i}`);
  const controller = new AbortController();
  // Their locations are known: calls go straight to the dispatcher, which lets them start for so long in one turn.
  for (const id of ids) await client.get(Worker, id).idle();
  const calls = ids.map((id) => {
    void t.clock.suspend(1);
    return rejection(client.get(Worker, id).$with({ signal: controller.signal }).work(id));
  });
  controller.abort();
  const outcomes = (await Promise.all(calls)).map((error) => (error as CancelledError).outcome);
  await t.clock.settle();
  const started = stage.log.length;
  expect(started).toBeLessThan(ids.length);
  expect(outcomes.filter((outcome) => outcome === "unknown")).toHaveLength(started);
  for (const id of ids) stage.door(id).resolve();
});

/** An endpoint of no silo and no client, which says what it likes. */
async function intruder() {
  const shop = await workshop(2);
  const { t } = shop;
  const opened = await shop.transport.open({
    cluster: "default",
    clock: t.clock,
    random: seededRandom(7),
    emit: () => undefined,
    leaseTtlMs: 4_000,
    openTimeoutMs: 1_000,
    durability: "default",
  });
  const heard: Message[] = [];
  const join = (address: string): Promise<Endpoint> =>
    opened.join(address, {
      message: (_from, message) => void heard.push(message),
      undeliverable: () => undefined,
      disconnected: () => undefined,
      reconnected: () => undefined,
    });
  const silo = internalsOf(t.silos[1]!).incarnation!;
  const id = await shop.on(1, "w");
  const cancel = (request: number, of = id): CancelMessage => ({
    kind: "cancel",
    request,
    type: "worker",
    id: of,
  });
  const call = (request: number, method: string, name: string): CallMessage => ({
    kind: "call",
    request,
    type: "worker",
    id,
    method,
    args: valueBody([name]),
    budgetMs: 10_000,
    key: undefined,
    chain: [],
    repeatable: false,
    strict: false,
  });
  return { ...shop, join, silo, id, cancel, call, heard };
}

test("a cancellation that comes too early, too late, twice, from another or for nothing does nothing (V7)", async () => {
  const { stage, told, t, Worker, join, silo, id, cancel, call, heard } = await intruder();
  await using _ = t;
  const [owner, other] = [await join("e".repeat(32)), await join("f".repeat(32))];
  const say = async (endpoint: Endpoint, ...messages: readonly Message[]): Promise<void> => {
    for (const message of messages) endpoint.send(silo, message);
    await t.clock.settle();
  };
  // Before its call, and for nothing at all.
  await say(owner, cancel(1), cancel(7, "nobody"), cancel(7, ""), cancel(7, "\ud800"));
  await say(owner, call(1, "heed", "running"), call(2, "work", "waiting"));
  expect(stage.log).toEqual(["+running"]);
  // In another's name.
  await say(other, cancel(1), cancel(2));
  expect(told.size).toBe(0);
  // To where it is not.
  owner.send(internalsOf(t.silos[0]!).incarnation!, cancel(1));
  await say(owner, cancel(1, "another"));
  expect(told.size).toBe(0);
  // Its own, twice.
  await say(owner, cancel(1), cancel(1));
  expect(told.get("running")).toBeInstanceOf(CancelledError);
  await stage.entered("waiting");
  stage.door("waiting").resolve();
  await t.clock.settle();
  // After its end.
  await say(owner, cancel(2), cancel(1));
  expect(await t.silos[0]!.client.get(Worker, id).done()).toEqual(["waiting"]);
  expect(heard.filter(({ kind }) => kind === "reply")).toHaveLength(2);
  expect(internalsOf(t.silos[1]!).incomingCalls).toBe(0);
});
