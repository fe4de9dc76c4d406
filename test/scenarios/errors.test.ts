// Errors across silos: what a caller gets of what a method threw.
import {
  Actor,
  type ActorRef,
  CallError,
  defineActor,
  DefinedError,
  defineError,
  TenureError,
} from "tenure";
import { errorToRecord } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";

const LimitReached = defineError<{ limit: number; seen?: Map<string, number> }>()("LIMIT_REACHED");
const Other = defineError()("OTHER");

class OrderError extends Error {
  override readonly name = "OrderError";
  readonly order = { id: 7, lines: ["a"] };
  readonly retry = () => 1;
  data = { mine: true };
}

const THROWN: Readonly<Record<string, () => unknown>> = {
  defined: () => LimitReached({ limit: 100, seen: new Map([["a", 1]]) }),
  "defined with a cause": () =>
    LimitReached(
      { limit: 1 },
      { message: "too much", cause: new RangeError("inner", { cause: "deep" }) },
    ),
  type: () => new TypeError("bad"),
  own: () => new OrderError("order"),
  code: () => Object.assign(new Error("gone"), { code: "ENOENT", errno: -2 }),
  aggregate: () =>
    new AggregateError([new Error("one"), LimitReached({ limit: 2 }), "three"], "all"),
  abort: () => new DOMException("stopped", "AbortError"),
  text: () => "x",
  null: () => null,
  undefined: () => undefined,
  number: () => 7n,
  object: () => ({ plain: true }),
  symbol: () => Symbol("s"),
  cyclic: () => {
    const error: Error & { self?: unknown } = new Error("around");
    error.cause = error;
    error.self = error;
    return error;
  },
  hostile: () =>
    new Proxy(new Error("x"), {
      get() {
        throw new Error("gotcha");
      },
    }),
  "hostile text": () => ({
    toString() {
      throw new Error("gotcha");
    },
  }),
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};

class Thrower extends Actor<{ n: number }> {
  static readonly actor = defineActor<Thrower>({
    type: "thrower",
    state: () => ({ n: 0 }),
    methods: { throwFromState: "read" },
  });
  async throw(what: string) {
    throw THROWN[what]!();
  }
  async throwThrough(what: string) {
    await this.ctx.get(Thrower, "inner").throw(what);
  }
  async wrap(what: string) {
    try {
      await this.throwThrough(what);
    } catch (cause) {
      throw new Error("wrapped", { cause });
    }
  }
  async callThrough(method: string) {
    const inner = this.ctx.get(Thrower, "inner") as unknown as Record<string, () => Promise<void>>;
    await inner[method]!();
  }
  async throwReference() {
    const thrown: unknown = this.ctx.get(Thrower, "x");
    throw thrown;
  }
  throwFromState() {
    throw LimitReached({ limit: this.state.n, seen: new Map(Object.entries(this.state)) });
  }
}

async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The same from the actor's own silo and from another: where an actor lives changes nothing. */
async function fromBoth(check: (get: (id: string) => ActorRef<Thrower>) => Promise<void>) {
  await using t = await testSilos({ actors: [Thrower], silos: 2 });
  for (const silo of t.silos) await check((id) => silo.client.get(Thrower, id));
}

test("an error of defineError is recognised on the other side, with its data, message and causes", async () => {
  await fromBoth(async (get) => {
    const plain = await rejection(get("t").throw("defined"));
    expect(LimitReached.is(plain)).toBe(true);
    expect(Other.is(plain)).toBe(false);
    expect(plain).toBeInstanceOf(DefinedError);
    expect(plain).toMatchObject({
      code: "LIMIT_REACHED",
      name: "LIMIT_REACHED",
      message: "LIMIT_REACHED",
      data: { limit: 100, seen: new Map([["a", 1]]) },
    });
    const caused = (await rejection(get("t").throw("defined with a cause"))) as Error;
    expect(caused.message).toBe("too much");
    expect(caused.cause).toBeInstanceOf(RangeError);
    expect(caused.cause).toMatchObject({ message: "inner", cause: "deep" });
  });
});

test("errors of the language keep their class; others their name, code and own plain data", async () => {
  await fromBoth(async (get) => {
    expect(await rejection(get("t").throw("type"))).toBeInstanceOf(TypeError);
    const own = await rejection(get("t").throw("own"));
    expect(own).toMatchObject({
      name: "OrderError",
      message: "order",
      order: { id: 7, lines: ["a"] },
      data: { mine: true },
    });
    expect(own).not.toHaveProperty("retry");
    expect(await rejection(get("t").throw("code"))).toMatchObject({ code: "ENOENT", errno: -2 });
    const abort = await rejection(get("t").throw("abort"));
    expect(abort).toBeInstanceOf(DOMException);
    expect(abort).toMatchObject({
      name: "AbortError",
      message: "stopped",
      code: 20,
    });
    const all = (await rejection(get("t").throw("aggregate"))) as AggregateError;
    expect(all).toBeInstanceOf(AggregateError);
    expect(all.errors).toHaveLength(3);
    expect(LimitReached.is(all.errors[1])).toBe(true);
    expect(all.errors[2]).toBe("three");
  });
});

test("anything can be thrown (X3)", async () => {
  await fromBoth(async (get) => {
    const thrown = async (what: string) =>
      await get("t")
        .throw(what)
        .catch((error: unknown) => [error]);
    expect(await thrown("text")).toEqual(["x"]);
    expect(await thrown("null")).toEqual([null]);
    expect(await thrown("undefined")).toEqual([undefined]);
    expect(await thrown("number")).toEqual([7n]);
    expect(await thrown("object")).toEqual([{ plain: true }]);
    for (const what of ["symbol", "hostile", "revoked"])
      expect(await thrown(what)).toEqual([expect.objectContaining({ name: "Error" })]);
    const cyclic = (await rejection(get("t").throw("cyclic"))) as Error;
    expect(cyclic.message).toBe("around");
    expect((cyclic.cause as Error).message).toBe("around");
    expect(String(await rejection(get("t").throwReference()))).toContain("cannot travel");
    expect(await rejection(get("t").throwFromState())).toMatchObject({
      data: { limit: 0, seen: new Map([["n", 0]]) },
    });
  });
});

test("whatever is thrown comes through another actor as it comes from its own", async () => {
  await fromBoth(async (get) => {
    for (const what of Object.keys(THROWN)) {
      const direct = await thrownBy(get("t").throw(what));
      const through = await thrownBy(get("t").throwThrough(what));
      expect([what, errorToRecord(through)]).toEqual([what, errorToRecord(direct)]);
    }
  });
});

test("what was left out of an error on its way is named in it; a value that cannot travel arrives as an error that says so", async () => {
  await fromBoth(async (get) => {
    for (const thrown of [get("t").throw("own"), get("t").throwThrough("own")])
      expect(await thrownBy(thrown)).toMatchObject({
        name: "OrderError",
        notSerialized: ["retry"],
      });
    for (const what of ["symbol", "revoked", "hostile text"])
      expect(await thrownBy(get("t").throwThrough(what))).toMatchObject({
        message: expect.stringContaining("a value that cannot travel was thrown") as unknown,
        notSerialized: ["thrown"],
      });
  });
});

test("a user's error comes through another actor as it is", async () => {
  await fromBoth(async (get) => {
    expect(LimitReached.is(await rejection(get("t").throwThrough("defined")))).toBe(true);
    expect(await rejection(get("t").throwThrough("own"))).toMatchObject({ name: "OrderError" });
  });
});

test("a CallError that comes through another actor's turn arrives with outcome unknown (X2)", async () => {
  await fromBoth(async (get) => {
    const direct = get("inner") as unknown as Record<string, () => Promise<void>>;
    expect(await rejection(direct["nope"]!())).toMatchObject({ outcome: "not-executed" });
    const through = await rejection(get("t").callThrough("nope"));
    expect(through).toBeInstanceOf(CallError);
    expect(through).toMatchObject({ code: "METHOD_NOT_FOUND", outcome: "unknown" });
    expect(through).toMatchObject({
      name: "MethodNotFoundError",
      details: { actor: "thrower/inner" },
    });
  });
});

test("a stack travels only where the silo allows it", async () => {
  for (const exposeStacks of [false, true]) {
    await using t = await testSilos({ actors: [Thrower], options: { exposeStacks } });
    const error = (await rejection(t.silos[0]!.client.get(Thrower, "t").throw("type"))) as Error;
    expect(error.stack!.includes("Thrower.throw")).toBe(exposeStacks);
  }
});

test("an error that is thrown through one actor by another shows both stacks, whether it was caught on its way or not", async () => {
  await using t = await testSilos({ actors: [Thrower], silos: 2, options: { exposeStacks: true } });
  for (const silo of t.silos) {
    const thrower = silo.client.get(Thrower, "t");
    const through = (await rejection(thrower.throwThrough("type"))) as Error;
    expect(through).toBeInstanceOf(TypeError);
    const places = ["Thrower.throw ", "--- through thrower/t.throwThrough ---", "throwThrough "];
    const at = places.map((place) => through.stack!.indexOf(place));
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(Math.min(...at)).toBeGreaterThan(0);
    const wrapped = (await rejection(thrower.wrap("type"))) as Error & { cause: Error };
    expect(wrapped.stack).toContain("Thrower.wrap");
    expect(wrapped.cause.stack).toContain("Thrower.throw ");
    // What is no error, or cannot be changed, comes through as ever.
    for (const what of ["text", "null", "symbol", "hostile"])
      expect([await thrownBy(thrower.throwThrough(what))]).toEqual([
        await thrownBy(thrower.throw(what)),
      ]);
  }
});

test("what is caught is the receiver's own: changing it changes nothing elsewhere", async () => {
  const held = LimitReached({ limit: 1, seen: new Map() });
  class Holder extends Actor {
    static readonly actor = defineActor<Holder>({ type: "holder" });
    async throw() {
      throw held;
    }
    async answer() {
      return held;
    }
  }
  await using t = await testSilos({ actors: [Holder], silos: 2 });
  for (const silo of t.silos) {
    const holder = silo.client.get(Holder, "h");
    const thrown = (await rejection(holder.throw())) as typeof held;
    const answered = await holder.answer();
    for (const copy of [thrown, answered]) {
      expect(LimitReached.is(copy)).toBe(true);
      copy.data.seen!.set("changed", 1);
      copy.message = "changed";
    }
  }
  expect(held.data.seen!.size).toBe(0);
  expect(held.message).toBe("LIMIT_REACHED");
});

test("defineError refuses a code that is none, and its errors are no errors of the framework", () => {
  for (const code of ["", "a b", 7, "x".repeat(65)])
    expect(() => defineError()(code as string)).toThrow(/defineError: the code must match/);
  expect(Other()).not.toBeInstanceOf(TenureError);
  expect(Other.code).toBe("OTHER");
  expect(Other.is(new Error("OTHER"))).toBe(false);
  expect(Other.is(null)).toBe(false);
});
