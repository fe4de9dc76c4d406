// Interceptors: functions around calls, of a silo, a client and a class; incoming ones inside the turn, outgoing ones before
// a call is sent.
import {
  Actor,
  type CallContext,
  connect,
  defineActor,
  defineError,
  type InterceptedCall,
  type Interceptor,
  type Interceptors,
  type Next,
  UnauthorizedError,
} from "tenure";
import { loopback } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { CLIENT_INTERNALS, type ClientInternals } from "../../packages/client/src/connect.ts";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { type TestSilosOptions, testSilos } from "../../packages/testing/src/test-silos.ts";
import { deferred, rejection, stateOf } from "../support/deferred.ts";
import { Stage } from "../support/stage.ts";

const Refused = defineError<{ n: number }>()("REFUSED");

/** Actors that add up, call each other and say what they were called with; with interceptors of their class. */
function makeActors(interceptors: Interceptors = {}) {
  const log: string[] = [];
  class Sum extends Actor<{ n: number; seen: string[] }> {
    static readonly actor = defineActor<Sum>({
      type: "sum",
      state: () => ({ n: 0, seen: [] }),
      methods: { get: "read", seen: "read", headers: "read" },
      interceptors,
    });
    async add(n: number) {
      log.push(`add ${n}`);
      this.state.n += n;
      if (n < 0) throw Refused({ n });
      return this.state.n;
    }
    async change(list: number[]) {
      this.state.n += list.pop() ?? 0;
      this.state.n += list.pop() ?? 0;
      return this.state.n;
    }
    async addTo(id: string, n: number): Promise<number> {
      return await this.ctx.get(Sum, id).add(n);
    }
    async note(text: string) {
      this.state.seen.push(text);
    }
    get() {
      return this.state.n;
    }
    seen() {
      return this.state.seen;
    }
    headers(): CallContext["headers"] {
      return this.ctx.call.headers;
    }
  }
  return { Sum, log };
}

async function cluster(
  own: Interceptors,
  ofClass: Interceptors = {},
  more: Partial<TestSilosOptions> = {},
) {
  const { Sum, log } = makeActors(ofClass);
  const t = await testSilos({ actors: [Sum], ...more, options: { interceptors: own } });
  return { t, log, Sum, sum: t.silos[0]!.client.get(Sum, "s") };
}

/** Writes down when it is passed, and back. */
function logged(log: string[], name: string): Interceptor {
  return async (_call, next) => {
    log.push(`${name} >`);
    const answer = await next();
    log.push(`< ${name}`);
    return answer;
  };
}

const fast: Interceptor = (_call, next) => next();

/** Goes on again, once, when the call failed. */
function again(args?: readonly unknown[]): Interceptor {
  return async (call, next) => {
    try {
      return await next();
    } catch {
      return await next(args && call.method === "add" ? { args } : undefined);
    }
  };
}

// ---- both ways --------------------------------------------------------------------------------------------------------

test("interceptors run in the order in which they are listed: of the silo around those of the class, and back", async () => {
  const log: string[] = [];
  const { Sum } = makeActors({ incoming: ["class 1", "class 2"].map((name) => logged(log, name)) });
  const incoming = ["silo 1", "silo 2"].map((name) => logged(log, name));
  await using t = await testSilos({ actors: [Sum], options: { interceptors: { incoming } } });
  await t.silos[0]!.client.get(Sum, "s").add(1);
  const names = ["silo 1", "silo 2", "class 1", "class 2"];
  expect(log).toEqual([
    ...names.map((name) => `${name} >`),
    ...names.toReversed().map((name) => `< ${name}`),
  ]);
});

test("outgoing interceptors run nearest the caller first: of its class around those of its silo; a client's call passes the silo's alone", async () => {
  const log: string[] = [];
  const { Sum } = makeActors({ outgoing: [logged(log, "class 1"), logged(log, "class 2")] });
  const outgoing = [logged(log, "silo 1"), logged(log, "silo 2")];
  await using t = await testSilos({ actors: [Sum], options: { interceptors: { outgoing } } });
  await t.silos[0]!.client.get(Sum, "s").addTo("other", 1);
  expect(log).toEqual([
    "silo 1 >",
    "silo 2 >",
    "class 1 >",
    "class 2 >",
    "silo 1 >",
    "silo 2 >",
    "< silo 2",
    "< silo 1",
    "< class 2",
    "< class 1",
    "< silo 2",
    "< silo 1",
  ]);
});

test("a client has outgoing interceptors of its own, and incoming ones of a client are refused", async () => {
  const transport = loopback();
  const { Sum } = makeActors();
  await using _ = await testSilos({ actors: [Sum], transport });
  const log: string[] = [];
  const client = await connect({ transport, interceptors: { outgoing: [logged(log, "client")] } });
  expect(await client.get(Sum, "s").add(1)).toBe(1);
  expect(log).toEqual(["client >", "< client"]);
  await client.close();
  const wrong = { incoming: [fast] } as Interceptors;
  expect(String(await rejection(connect({ transport, interceptors: wrong })))).toContain(
    "interceptors.incoming: a client takes no calls",
  );
});

test("an interceptor sees the whole call, on both of its ends", async () => {
  const seen: [string, InterceptedCall][] = [];
  const see =
    (name: string): Interceptor =>
    (call, next) => {
      seen.push([name, call]);
      return next();
    };
  const { t, sum } = await cluster({ incoming: [see("in")], outgoing: [see("out")] });
  await using _ = t;
  const { signal } = new AbortController();
  const options = { signal, headers: { tenant: "a" }, idempotencyKey: "k", timeoutMs: 1_000 };
  await sum.$with(options).addTo("other", 1);
  const deadline = t.clock.wallMs() + 1_000;
  const first = {
    actor: { type: "sum", id: "s" },
    method: "addTo",
    args: ["other", 1],
    headers: { tenant: "a" },
    caller: undefined,
    chain: [],
    deadline,
    idempotencyKey: "k",
  };
  const second = {
    actor: { type: "sum", id: "other" },
    method: "add",
    args: [1],
    headers: { tenant: "a" },
    caller: { type: "sum", id: "s" },
    chain: [{ type: "sum", id: "s", method: "addTo", turn: expect.any(Number) as number }],
    deadline,
    idempotencyKey: undefined,
  };
  expect(seen).toMatchObject([
    ["out", { ...first, signal }],
    ["in", { ...first, signal: { aborted: false } }],
    ["out", { ...second, signal: undefined }],
    ["in", { ...second, signal: { aborted: false } }],
  ]);
  for (const [, call] of seen) expect(Object.isFrozen(call.args)).toBe(true);
});

test.for<["incoming" | "outgoing"]>([["incoming"], ["outgoing"]])(
  "an %s interceptor may answer without the call: nothing runs",
  async ([way]) => {
    const { t, sum, log } = await cluster({ [way]: [async () => 42] });
    await using _ = t;
    expect(await sum.add(1)).toBe(42);
    expect(log).toEqual([]);
  },
);

test.for<["incoming" | "outgoing"]>([["incoming"], ["outgoing"]])(
  "an %s interceptor may change arguments and headers, and what the call answers",
  async ([way]) => {
    const change: Interceptor = async (call, next) => {
      if (call.method === "headers")
        return await next({ ...call, headers: { ...call.headers, user: "u" } });
      return Number(await next({ ...call, args: [Number(call.args[0]) * 10] })) + 1;
    };
    const { t, sum } = await cluster({ [way]: [change] });
    await using _ = t;
    expect(await sum.add(2)).toBe(21);
    expect(await sum.$with({ headers: { tenant: "a" } }).headers()).toEqual({
      tenant: "a",
      user: "u",
    });
  },
);

test.for<["incoming" | "outgoing", object]>([
  ["incoming", { method: "get" }],
  ["incoming", { actor: { type: "sum", id: "another" } }],
  ["outgoing", { method: "get" }],
  ["outgoing", { idempotencyKey: "mine" }],
  ["incoming", { args: 7 }],
  ["outgoing", { headers: { tenant: 7 } }],
  ["incoming", { headers: "tenant" }],
  ["outgoing", { retries: 3 }],
])("an %s interceptor cannot go on with %o", async ([way, changed]) => {
  const { t, sum, log } = await cluster({ [way]: [(_call: unknown, next: Next) => next(changed)] });
  await using _ = t;
  expect(await rejection(sum.add(1))).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(log).toEqual([]);
});

test.for<["incoming" | "outgoing"]>([["incoming"], ["outgoing"]])(
  "what an %s interceptor throws is the call's error, typed",
  async ([way]) => {
    const { t, sum, log } = await cluster({
      [way]: [
        async ({ args }: InterceptedCall) => {
          if (args[0] === 1) throw Refused({ n: 1 });
          throw new UnauthorizedError("not you", { outcome: "not-executed" });
        },
      ],
    });
    await using _ = t;
    const error = await rejection(sum.add(1));
    expect(Refused.is(error) && error.data).toEqual({ n: 1 });
    expect(await rejection(sum.add(2))).toBeInstanceOf(UnauthorizedError);
    expect(log).toEqual([]);
  },
);

// ---- incoming: inside the turn -----------------------------------------------------------------------------------------

test("an interceptor that throws after the method rolls the turn back: it is part of the turn", async () => {
  const late: Interceptor = async (call, next) => {
    const answer = await next();
    if (call.method === "add") throw new Error("too late");
    return answer;
  };
  const { t, sum, log } = await cluster({ incoming: [late] });
  await using _ = t;
  expect(String(await rejection(sum.add(1)))).toContain("too late");
  expect(log).toEqual(["add 1"]);
  expect(await sum.get()).toBe(0);
});

test("a turn lasts as long as its interceptors: nothing else starts before", async () => {
  const door = deferred();
  const slow: Interceptor = async (call, next) => {
    const answer = await next();
    if (call.args[0] === 1) await door.promise;
    return answer;
  };
  const { t, sum, log } = await cluster({ incoming: [slow] });
  await using _ = t;
  const first = sum.add(1);
  const second = sum.add(2);
  expect(await stateOf(second)).toBe("pending");
  expect(log).toEqual(["add 1"]);
  door.resolve();
  expect(await Promise.all([first, second])).toEqual([1, 3]);
});

test("a method that threw has changed nothing, also when an interceptor makes an answer of it", async () => {
  const lenient: Interceptor = (_call, next) => next().catch(() => "nothing");
  const { t, sum } = await cluster({ incoming: [lenient] });
  await using _ = t;
  await sum.add(5);
  expect(await sum.add(-1)).toBe("nothing");
  expect(await sum.get()).toBe(5);
});

test("next() again runs the method again in the same turn, from the state before and with the arguments as they came", async () => {
  const twice: Interceptor = async (call, next) => {
    if (call.method !== "change") return await next();
    return [await next(), await next()];
  };
  const { t, sum, log } = await cluster({ incoming: [twice, again([7])] });
  await using _ = t;
  expect(await sum.add(-1)).toBe(7);
  expect(log).toEqual(["add -1", "add 7"]);
  expect(await sum.change([1, 2])).toEqual([10, 13]);
  expect(await sum.get()).toBe(13);
});

test("an actor without state, too, gets its arguments as they came when the method runs again", async () => {
  class Last extends Actor {
    static readonly actor = defineActor<Last>({ type: "last" });
    async take(list: number[]) {
      return list.pop();
    }
  }
  const twice: Interceptor = async (_call, next) => [await next(), await next()];
  await using t = await testSilos({
    actors: [Last],
    options: { interceptors: { incoming: [twice] } },
  });
  expect(await t.silos[0]!.client.get(Last, "l").take([1, 2])).toEqual([2, 2]);
});

test("next() beside a run of the method is refused, and so is next() when the turn has ended", async () => {
  let late: Next | undefined;
  const parallel: Interceptor = async (_call, next) => {
    late = next;
    const first = next();
    const second = await rejection(next());
    await first;
    return second;
  };
  const { t, sum, log } = await cluster({ incoming: [parallel] });
  await using _ = t;
  expect(await sum.add(1)).toMatchObject({ code: "NEXT_REFUSED" });
  expect(await rejection(late!())).toMatchObject({ code: "NEXT_REFUSED" });
  expect(log).toEqual(["add 1"]);
});

test("a read's interceptors run in a turn that may not change state", async () => {
  const { t, sum } = await cluster({ incoming: [fast] });
  await using _ = t;
  await sum.add(1);
  const both = await Promise.all([sum.get(), sum.get()]);
  expect(both).toEqual([1, 1]);
});

test("what is recorded under a key is what the interceptors made of it, and a repeat runs none of them", async () => {
  const log: string[] = [];
  const { t, sum } = await cluster({
    incoming: [logged(log, "in"), async (_call, next) => `answer ${String(await next())}`],
  });
  await using _ = t;
  const keyed = sum.$with({ idempotencyKey: "k" });
  expect([await keyed.add(1), await keyed.add(1)]).toEqual(["answer 1", "answer 1"]);
  expect(log).toEqual(["in >", "< in"]);
});

test("calls that a method makes have the headers that its interceptor gave it", async () => {
  const stamp: Interceptor = (call, next) =>
    next({ headers: { ...call.headers, path: `${call.headers["path"] ?? ""}/${call.actor.id}` } });
  const seen: unknown[] = [];
  const look: Interceptor = (call, next) => {
    seen.push(call.headers["path"]);
    return next();
  };
  const { t, sum } = await cluster({ incoming: [stamp], outgoing: [look] }, {}, { silos: 2 });
  await using _ = t;
  await sum.addTo("2", 1);
  expect(seen).toEqual([undefined, "/s"]);
});

// ---- outgoing: at the caller ------------------------------------------------------------------------------------------

test("an outgoing interceptor may try again: each next() is a call of its own", async () => {
  const { t, sum, log } = await cluster({ outgoing: [again([1])] }, {}, { silos: 2 });
  await using _ = t;
  expect(await sum.add(-1)).toBe(1);
  expect(log).toEqual(["add -1", "add 1"]);
});

test("arguments are copied when the call is made, however long its interceptors wait (V1)", async () => {
  const door = deferred();
  const { t, sum } = await cluster({
    outgoing: [
      async (_call, next) => {
        await door.promise;
        return await next();
      },
    ],
  });
  await using _ = t;
  const list = [1, 2];
  const answer = sum.change(list);
  list.push(100);
  door.resolve();
  expect(await answer).toBe(3);
});

test("a caller's calls leave in the order in which it made them, whatever their interceptors wait for (V2)", async () => {
  const doors = new Map(["a", "b", "c", "d"].map((name) => [name, deferred()] as const));
  const wait: Interceptor = async (call, next) => {
    const door = doors.get(String(call.args[0]));
    await door?.promise;
    if (call.args[0] === "c") return "not sent";
    return await next();
  };
  const { t, sum } = await cluster({ outgoing: [wait] }, {}, { silos: 2 });
  await using _ = t;
  const calls = ["a", "b", "c", "d"].map((name) => sum.note(name));
  for (const name of ["d", "c", "b"]) doors.get(name)!.resolve();
  await t.clock.settle();
  for (const waiting of [calls[1]!, calls[3]!]) expect(await stateOf(waiting)).toBe("pending");
  doors.get("a")!.resolve();
  await Promise.all(calls);
  expect(await sum.seen()).toEqual(["a", "b", "d"]);
});

test("an interceptor that hangs ends with its call's time, not executed, and those behind it go on", async () => {
  const { t, sum, log } = await cluster({
    outgoing: [(call, next) => (call.args[0] === 1 ? new Promise<never>(() => undefined) : next())],
  });
  await using _ = t;
  const hangs = rejection(sum.$with({ timeoutMs: 100 }).add(1));
  const behind = sum.add(2);
  await t.clock.advance(200);
  expect(await hangs).toMatchObject({ code: "CALL_TIMEOUT", outcome: "not-executed" });
  expect(await behind).toBe(2);
  expect(log).toEqual(["add 2"]);
  expect(internalsOf(t.silos[0]!).outgoingCalls).toBe(0);
});

test("a call that is running when its time is up ends unknown, whatever interceptors are around it (I11)", async () => {
  const door = deferred();
  const hold: Interceptor = async (_call, next) => {
    const answer = await next();
    await door.promise;
    return answer;
  };
  const { t, sum } = await cluster({ outgoing: [fast], incoming: [hold] }, {}, { silos: 2 });
  await using _ = t;
  const late = rejection(sum.$with({ timeoutMs: 100 }).add(1));
  await t.clock.advance(200);
  expect(await late).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  door.resolve();
});

test("a call that was executed and whose interceptor then hangs ends unknown (I11)", async () => {
  const hang: Interceptor = async (_call, next) => {
    await next();
    return await new Promise<never>(() => undefined);
  };
  const { t, sum, log } = await cluster({ outgoing: [hang] });
  await using _ = t;
  const late = rejection(sum.$with({ timeoutMs: 100 }).add(1));
  await t.clock.advance(200);
  expect(await late).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  expect(log).toEqual(["add 1"]);
});

test("a caller that gives up ends its call at once, in its interceptors too: not executed before next(), unknown after", async () => {
  const door = deferred();
  const { t, sum } = await cluster({
    outgoing: [
      async (call, next) => {
        if (call.args[0] === 1) await door.promise;
        return await next();
      },
    ],
    incoming: [
      async (_call, next) => {
        await door.promise;
        return await next();
      },
    ],
  });
  await using _ = t;
  for (const [n, outcome] of [
    [1, "not-executed"],
    [2, "unknown"],
  ] as const) {
    const controller = new AbortController();
    const cancelled = rejection(sum.$with({ signal: controller.signal }).add(n));
    await t.clock.settle();
    controller.abort();
    expect(await cancelled).toMatchObject({ code: "CANCELLED", outcome });
  }
  door.resolve();
});

test("an incoming interceptor sees the signal that its method sees, whatever headers it has changed", async () => {
  const seen: AbortSignal[] = [];
  const look: Interceptor = (call, next) => {
    seen.push(call.signal!);
    return next({ headers: { by: "interceptor" } });
  };
  const stage = new Stage();
  class Waits extends Actor {
    static readonly actor = defineActor<Waits>({
      type: "waits",
      interceptors: { incoming: [look] },
    });
    async wait() {
      const { signal, headers } = this.ctx.call;
      expect(headers).toEqual({ by: "interceptor" });
      seen.push(signal);
      await stage.pass("wait");
    }
  }
  await using t = await testSilos({ actors: [Waits] });
  const controller = new AbortController();
  const waits = t.silos[0]!.client.get(Waits, "w").$with({ signal: controller.signal });
  const given = rejection(waits.wait());
  await stage.entered("wait");
  controller.abort();
  expect(await given).toMatchObject({ code: "CANCELLED", outcome: "unknown" });
  expect(seen[0]).toBe(seen[1]);
  expect(seen[0]!.reason).toMatchObject({ code: "CANCELLED" });
  stage.door("wait").resolve();
});

test("next() when the call has ended is refused, and sends nothing", async () => {
  let late: Next | undefined;
  const short: Interceptor = async (_call, next) => {
    late = next;
    return "short";
  };
  const { t, sum, log } = await cluster({ outgoing: [short] });
  await using _ = t;
  expect(await sum.add(1)).toBe("short");
  expect(await rejection(late!())).toMatchObject({ code: "CALL_ENDED" });
  await t.clock.settle();
  expect(log).toEqual([]);
});

test("a client that closes ends calls in their interceptors, and nothing of them is held", async () => {
  const transport = loopback();
  const { Sum } = makeActors();
  await using _ = await testSilos({ actors: [Sum], transport });
  const hang: Interceptor = () => new Promise<never>(() => undefined);
  const client = await connect({ transport, interceptors: { outgoing: [hang] } });
  const failed = rejection(client.get(Sum, "s").add(1));
  await client.close();
  expect(await failed).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  const { calls } = (client as unknown as Record<symbol, ClientInternals>)[CLIENT_INTERNALS]!;
  expect(calls.openCalls).toBe(0);
});

test("calls through interceptors leave nothing behind", async () => {
  const { t, Sum } = await cluster(
    { outgoing: [fast, again([0])], incoming: [fast] },
    {},
    { silos: 3 },
  );
  await using _ = t;
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 2_000; i++)
    calls.push(
      t.silos[i % 3]!.client.get(Sum, `s${i % 20}`).addTo(`s${(i % 20) + 20}`, (i % 3) - 1),
    );
  await t.clock.settle();
  await Promise.all(calls);
  for (const silo of t.silos) expect(internalsOf(silo).held).toBe(0);
});
