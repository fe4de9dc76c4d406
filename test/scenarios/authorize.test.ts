// authorize: whether a call may be made, asked by the silo before anything of it is taken.
import {
  Actor,
  type CallToAuthorize,
  connect,
  defineActor,
  type Interceptor,
  UnauthorizedError,
} from "tenure";
import { loopback, seededRandom } from "@tenure/core/internal";
import type { SiloOptions } from "@tenure/runtime";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { type TestSilos, testSilos } from "../../packages/testing/src/test-silos.ts";
import { type Deferred, deferred, rejection, stateOf } from "../support/deferred.ts";

class Book extends Actor<{ lines: string[] }> {
  static readonly actor = defineActor<Book>({
    type: "book",
    state: () => ({ lines: [] }),
    methods: { lines: "read" },
  });
  async write(line: string) {
    this.state.lines.push(line);
  }
  async copyTo(id: string, line: string) {
    await this.ctx.get(Book, id).write(line);
  }
  lines() {
    return this.state.lines;
  }
}

async function library(options: Partial<SiloOptions>, silos = 1) {
  const transport = loopback();
  const t = await testSilos({ actors: [Book], silos, transport, options });
  return { t, transport, book: t.silos[0]!.client.get(Book, "b") };
}

function claimed(t: TestSilos): string[] {
  return t.events.flatMap((event) => (event.type === "activation.claimed" ? [event.actor.id] : []));
}

const NOT_ALLOWED: unknown = expect.objectContaining({
  name: UnauthorizedError.name,
  code: "UNAUTHORIZED",
  outcome: "not-executed",
});

test.for<[string, () => unknown]>([
  ["answers false", () => false],
  ["answers false later", async () => false],
  [
    "throws",
    () => {
      throw new Error("password: hunter2");
    },
  ],
  [
    "rejects",
    async () => {
      throw new Error("password: hunter2");
    },
  ],
  ["forgets to answer", () => undefined],
  ["answers something that is almost true", () => "yes"],
  ["answers later what is almost true", async () => "yes"],
])(
  "when authorize %s the call fails, not executed, and nothing is activated",
  async ([_name, authorize]) => {
    const { t, transport, book } = await library({ authorize: authorize as () => boolean });
    await using _ = t;
    const client = await connect({ transport });
    for (const each of [book, client.get(Book, "b")]) {
      const error = await rejection(each.write("x"));
      expect(error).toEqual(NOT_ALLOWED);
      expect(String(error)).not.toContain("hunter2");
    }
    await client.close();
    expect(claimed(t)).toEqual([]);
    expect(internalsOf(t.silos[0]!)).toMatchObject({ activations: 0, incomingCalls: 0 });
  },
);

test("the words of an UnauthorizedError reach the caller, those of any other error do not leave the silo", async () => {
  const { t, book } = await library({
    authorize: ({ method }) => {
      if (method === "lines") throw new TypeError("the key is 42");
      throw new UnauthorizedError("ask for a pen first", { outcome: "not-executed" });
    },
  });
  await using _ = t;
  expect(String(await rejection(book.write("x")))).toContain("book/b.write: ask for a pen first");
  expect(String(await rejection(book.lines()))).not.toContain("42");
  const failed = t.events.filter((event) => event.type === "authorize.failed");
  expect(failed).toMatchObject([{ error: "TypeError: the key is 42", total: 1 }]);
});

test("an authorize that fails is told of now and then, not at every call", async () => {
  const { t, book } = await library({
    authorize: () => {
      throw new Error("broken");
    },
  });
  await using _ = t;
  await Promise.all(Array.from({ length: 50 }, () => rejection(book.lines())));
  await t.clock.advance("11s");
  await rejection(book.lines());
  const totals = t.events.flatMap((event) =>
    event.type === "authorize.failed" ? [event.total] : [],
  );
  expect(totals).toEqual([1, 51]);
});

test.for<["at once" | "later"]>([["at once"], ["later"]])(
  "a call that is allowed %s is served, and one that is not is refused beside it",
  async ([when]) => {
    const allows = (call: CallToAuthorize) => call.headers["user"] === "alice";
    const { t, book } = await library(
      { authorize: when === "at once" ? allows : async (call) => allows(call) },
      2,
    );
    await using _ = t;
    const alice = book.$with({ headers: { user: "alice" } });
    const all = [alice.write("1"), book.write("2"), alice.write("3")];
    expect(await rejection(all[1]!)).toEqual(NOT_ALLOWED);
    await Promise.all(all.filter((_each, i) => i !== 1));
    expect(await alice.lines()).toEqual(["1", "3"]);
  },
);

test("every call is asked for, from clients, silos and actors, and authorize sees what its message says", async () => {
  const seen: CallToAuthorize[] = [];
  const { t, transport, book } = await library({
    authorize: (call) => {
      seen.push(call);
      return true;
    },
  });
  await using _ = t;
  const client = await connect({ transport });
  const options = { headers: { tenant: "a" }, idempotencyKey: "k", timeoutMs: 1_000 };
  await client.get(Book, "a").$with(options).write("far");
  await book.copyTo("c", "near");
  const deadline: unknown = expect.closeTo(t.clock.wallMs() + 1_000, -1);
  const args = [["far"], ["c", "near"], ["near"]];
  expect(seen.map((call) => call.args)).toEqual(args);
  expect(seen.map((call) => call.args === call.args)).toEqual([true, true, true]);
  expect(seen).toMatchObject([
    {
      actor: { type: "book", id: "a" },
      method: "write",
      headers: { tenant: "a" },
      caller: undefined,
      chain: [],
      idempotencyKey: "k",
      deadline,
    },
    { actor: { type: "book", id: "b" }, method: "copyTo", headers: {}, caller: undefined },
    {
      actor: { type: "book", id: "c" },
      method: "write",
      caller: { type: "book", id: "b" },
      chain: [{ type: "book", id: "b", method: "copyTo" }],
      idempotencyKey: undefined,
    },
  ]);
  await client.close();
});

test("authorize cannot change the arguments that the method gets", async () => {
  const { t, book } = await library({
    authorize: (call) => {
      (call.args as string[])[0] = "changed";
      return true;
    },
  });
  await using _ = t;
  await book.write("as it was");
  expect(await book.lines()).toEqual(["as it was"]);
});

test("what an outgoing interceptor adds is what authorize sees, and incoming ones run only for what it allows", async () => {
  const log: string[] = [];
  const sign: Interceptor = (call, next) =>
    next({ headers: { ...call.headers, user: call.method === "write" ? "alice" : "bob" } });
  const note: Interceptor = (call, next) => {
    log.push(call.method);
    return next();
  };
  const { t, book } = await library({
    interceptors: { outgoing: [sign], incoming: [note] },
    authorize: (call) => call.headers["user"] === "alice",
  });
  await using _ = t;
  await book.write("x");
  expect(await rejection(book.lines())).toEqual(NOT_ALLOWED);
  expect(log).toEqual(["write"]);
});

/** Answers when the test says so, by the first argument. */
function doors(names: readonly string[]) {
  const made = new Map<unknown, Deferred<boolean>>(
    names.map((name) => [name, deferred<boolean>()]),
  );
  return {
    authorize: (call: CallToAuthorize) => made.get(call.args[0])?.promise ?? true,
    door: (name: string) => made.get(name)!,
  };
}

test.for<["silo" | "client"]>([["silo"], ["client"]])(
  "the calls of a %s to one actor start in the order in which it made them, whichever is allowed first (V2)",
  async ([caller]) => {
    const { authorize, door } = doors(["1", "2", "3"]);
    const { t, transport, book } = await library({ authorize });
    await using _ = t;
    await using client = await connect({ transport });
    const ref = caller === "silo" ? book : client.get(Book, "b");
    const calls = ["1", "2", "3", "4"].map((line) => ref.write(line));
    const refused = rejection(calls[1]!);
    door("3").resolve(true);
    expect(await stateOf(calls[2]!)).toBe("pending");
    expect(await stateOf(calls[3]!)).toBe("pending");
    door("2").resolve(false);
    expect(await refused).toEqual(NOT_ALLOWED);
    door("1").resolve(true);
    await Promise.all([calls[0], calls[2], calls[3]]);
    expect(await ref.lines()).toEqual(["1", "3", "4"]);
  },
);

test("other callers, and other actors, do not wait for an answer about somebody else's call", async () => {
  const { authorize, door } = doors(["1"]);
  const { t, transport, book } = await library({ authorize });
  await using _ = t;
  const client = await connect({ transport });
  const waits = book.write("1");
  await t.silos[0]!.client.get(Book, "other").write("2");
  await client.get(Book, "b").write("3");
  await client.get(Book, "x").copyTo("b", "4");
  expect(await client.get(Book, "b").lines()).toEqual(["3", "4"]);
  door("1").resolve(true);
  await waits;
  expect(await client.get(Book, "b").lines()).toEqual(["3", "4", "1"]);
  await client.close();
});

test("an authorize that hangs ends with the call's time, not executed; an answer after it changes nothing", async () => {
  const { authorize, door } = doors(["1"]);
  const { t, transport, book } = await library({ authorize });
  await using _ = t;
  const client = await connect({ transport });
  const far = rejection(client.get(Book, "b").$with({ timeoutMs: 100 }).write("1"));
  const near = rejection(book.$with({ timeoutMs: 100 }).write("1"));
  const behind = book.write("2");
  await t.clock.advance(200);
  for (const late of [await far, await near]) expect(late).toMatchObject({ code: "CALL_TIMEOUT" });
  await behind;
  expect(internalsOf(t.silos[0]!).incomingCalls).toBe(0);
  door("1").resolve(true);
  await t.clock.settle();
  expect(await book.lines()).toEqual(["2"]);
  await client.close();
});

test("an answer that comes when the time is up, though nobody has looked yet, activates nothing", async () => {
  const { authorize, door } = doors(["1"]);
  const { t, book } = await library({ authorize });
  await using _ = t;
  const late = rejection(book.$with({ timeoutMs: 100 }).write("1"));
  await t.clock.advance(101);
  door("1").resolve(true);
  await t.clock.advance(10);
  expect(await late).toMatchObject({ code: "CALL_TIMEOUT", outcome: "not-executed" });
  expect(claimed(t)).toEqual([]);
});

test("a call that is given up while it waits to be authorized goes no further, and the silo has room for another (Z6)", async () => {
  const doors: Deferred<boolean>[] = [];
  const { t, transport, book } = await library({
    maxCalls: 2,
    authorize: ({ method }) => {
      if (method === "lines") return true;
      const door = deferred<boolean>();
      doors.push(door);
      return door.promise;
    },
  });
  await using _ = t;
  const client = await connect({ transport }, { clock: t.clock, random: seededRandom(3) });
  for (const [each, outcome] of [
    [book, "not-executed"],
    [client.get(Book, "b"), "unknown"],
  ] as const) {
    const controller = new AbortController();
    const { signal } = controller;
    const given = [1, 2].map((n) => rejection(each.$with({ signal }).write(`given up ${n}`)));
    await t.clock.settle();
    controller.abort();
    for (const call of given) expect(await call).toMatchObject({ code: "CANCELLED", outcome });
    await t.clock.settle();
    expect(internalsOf(t.silos[0]!).incomingCalls).toBe(0);
    const kept = [1, 2].map((n) => each.write(`kept ${n}`));
    await t.clock.settle();
    for (const door of doors.splice(0)) door.resolve(true);
    await Promise.all(kept);
  }
  expect(await book.lines()).toEqual(["kept 1", "kept 2", "kept 1", "kept 2"]);
  await client.close();
});

test("calls that wait for an answer count as open: one more than maxCalls is refused (I12)", async () => {
  const { authorize, door } = doors(["1", "2"]);
  const { t, book } = await library({ authorize, maxCalls: 2 });
  await using _ = t;
  const waiting = [book.write("1"), book.write("2")];
  await t.clock.settle();
  expect(internalsOf(t.silos[0]!).incomingCalls).toBe(2);
  expect(await rejection(book.$with({ timeoutMs: 50 }).write("3"))).toMatchObject({
    code: "OVERLOADED",
    outcome: "not-executed",
  });
  for (const name of ["1", "2"]) door(name).resolve(true);
  await Promise.all(waiting);
});

test("a silo that stops answers what still waits: another one serves it", async () => {
  const { authorize } = doors(["1"]);
  const transport = loopback();
  await using t = await testSilos({ actors: [Book], transport });
  const client = await connect({ transport });
  const book = client.get(Book, "b");
  const guarded = await t.add("guarded", { authorize });
  await t.silos[0]!.drain();
  const waits = book.write("1");
  await t.clock.settle();
  expect(internalsOf(guarded)).toMatchObject({ incomingCalls: 1, activations: 0 });
  await t.add("open");
  const stopped = guarded.stop();
  await t.clock.advance("1s");
  await Promise.all([stopped, waits]);
  expect(await book.lines()).toEqual(["1"]);
  await client.close();
});

test("a silo that is draining when the answer comes takes no new actor", async () => {
  const { authorize, door } = doors(["1"]);
  const { t, book } = await library({ authorize });
  await using _ = t;
  const waits = rejection(book.$with({ timeoutMs: 100 }).write("1"));
  await t.clock.settle();
  const drained = t.silos[0]!.drain();
  await t.clock.settle();
  door("1").resolve(true);
  await t.clock.advance("1s");
  await drained;
  expect(await waits).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  expect(claimed(t)).toEqual([]);
});
