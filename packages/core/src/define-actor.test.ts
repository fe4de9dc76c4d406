import { expect, test } from "vitest";
import { Actor, type ActorContext } from "./actor.ts";
import { actorKind } from "./actor-kind.ts";
import { type ActorOptions, defineActor } from "./define-actor.ts";
import { ConfigError } from "./errors.ts";
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

class Plain extends Actor {
  async go() {}
}

test("migrate takes what it knows nothing of, and answers the class's own state", () => {
  class Typed extends Actor<{ n: number }> {
    static readonly actor = defineActor<Typed>({
      type: "typed",
      version: 3,
      state: () => ({ n: 0 }),
      migrate: (old, fromVersion) => {
        // @ts-expect-error Nobody knows what is stored.
        void old.n;
        return { n: fromVersion };
      },
    });
    async get() {
      return this.state.n;
    }
  }
  expect(Typed.actor.version).toBe(3);
  expect(Typed.actor.migrate?.({}, 2)).toEqual({ n: 2 });
  defineActor<Typed>({
    type: "typed",
    version: 2,
    state: () => ({ n: 0 }),
    // @ts-expect-error The class says that n is a number.
    migrate: () => ({ n: "1" }),
  });
});

test.for<[string, unknown, string]>([
  ["no options", undefined, "defineActor: takes an object of options with at least `type`"],
  ["no type", {}, "type: an actor type must match [A-Za-z][A-Za-z0-9_.-]{0,63}, not undefined"],
  ["a bad type", { type: "a b" }, 'not "a b"'],
  [
    "an unknown option",
    { type: "a", colour: 1 },
    "actor 'a': colour: is not an option; there are commit",
  ],
  [
    "a name of Object.prototype",
    { type: "a", constructor: 1 },
    "actor 'a': constructor: is not an option",
  ],
  [
    "a state that is no function",
    { type: "a", state: { n: 0 } },
    "actor 'a': state: must be a function that makes the first state, or a Standard Schema, not an object",
  ],
  [
    "an idle time that is none",
    { type: "a", idle: "soon" },
    "actor 'a': idle: must be a positive duration",
  ],
  ["an idle time of nothing", { type: "a", idle: 0 }, "like '200ms' '10s' '5m' '1h' '1d', not 0"],
  ["idle: true", { type: "a", idle: true }, "not true"],
  [
    "a placement that is none",
    { type: "a", placement: "moon" },
    "must be 'balanced', 'local', 'random', 'hash', { role } or a function, not \"moon\"",
  ],
  ["a placement of nothing", { type: "a", placement: null }, "or a function, not null"],
  ["a placement in a list", { type: "a", placement: ["gpu"] }, "or a function, not an array of 1"],
  [
    "a role that is none",
    { type: "a", placement: { role: "" } },
    'placement.role: must be a non-empty string, not ""',
  ],
  [
    "no role",
    { type: "a", placement: {} },
    "placement.role: must be a non-empty string, not undefined",
  ],
  [
    "more than a role",
    { type: "a", placement: { role: "gpu", zone: "a" } },
    "placement.zone: is not an option; there is role",
  ],
  [
    "a mailbox of nothing",
    { type: "a", maxQueue: 0 },
    "actor 'a': maxQueue: must be a positive whole number, not 0",
  ],
  ["a mailbox of a half", { type: "a", maxQueue: 1.5 }, "not 1.5"],
  ["a mailbox without end", { type: "a", maxQueue: Infinity }, "not Infinity"],
  [
    "a version of nothing",
    { type: "a", version: 2, migrate: () => 1 },
    "actor 'a': version: needs `state`",
  ],
  [
    "a later version of state without a way to it",
    { type: "a", state: () => 1, version: 2 },
    "actor 'a': version: 2 needs `migrate`: actors may have state of an older version",
  ],
  ["version 0", { type: "a", version: 0 }, "must be a whole number from 1 to 65535, not 0"],
  ["version 1.5", { type: "a", version: 1.5 }, "not 1.5"],
  ["version 65536", { type: "a", version: 65_536 }, "not 65536"],
  ["a version in words", { type: "a", version: "2" }, 'not "2"'],
  [
    "migrate to the first version",
    { type: "a", state: () => 1, migrate: () => 1 },
    "actor 'a': migrate: needs a `version` above 1",
  ],
  [
    "a migrate that is no function",
    { type: "a", state: () => 1, version: 2, migrate: {} },
    "actor 'a': migrate: must be a function of what is stored and its version, not an object",
  ],
  ["commits by a word", { type: "a", commit: "never" }, "commit: must be 'turn' or 'explicit'"],
  [
    "reentrancy by a word",
    { type: "a", reentrancy: true },
    "reentrancy: must be 'detect', 'chain' or 'full', not true",
  ],
  [
    "turns that overlap at will and commit at their ends",
    { type: "a", state: () => ({}), reentrancy: "full" },
    "reentrancy: 'full' needs commit: 'explicit'",
  ],
  [
    "reentrancy of a pool",
    { type: "a", stateless: true, reentrancy: "chain" },
    "goes without `stateless`",
  ],
  ["strict reads of nothing", { type: "a", strictReads: true }, "strictReads: needs `state`"],
  [
    "strict reads by a word",
    { type: "a", state: () => ({}), strictReads: "yes" },
    "actor 'a': strictReads: must be true or false, not \"yes\"",
  ],
  [
    "stateless by a word",
    { type: "a", stateless: "yes" },
    'stateless: must be true, false or { max }, not "yes"',
  ],
  ["stateless: null", { type: "a", stateless: null }, "must be true, false or { max }, not null"],
  [
    "a pool of nothing",
    { type: "a", stateless: { max: 0 } },
    "stateless.max: must be a positive whole number, not 0",
  ],
  [
    "a pool of more than a size",
    { type: "a", stateless: { min: 1 } },
    "stateless.min: is not an option; there are max",
  ],
  [
    "a stateless class with state",
    { type: "a", stateless: true, state: () => ({}) },
    "stateless: goes without `state`",
  ],
  [
    "a stateless class with a placement",
    { type: "a", stateless: true, placement: "random" },
    "stateless: goes without `placement`",
  ],
  [
    "methods in a list",
    { type: "a", methods: ["go"] },
    "actor 'a': methods: must be an object of method names and modes, not an array of 1",
  ],
  ["methods in a Map", { type: "a", methods: new Map() }, "actor 'a': methods: must be an object"],
  ["methods in a word", { type: "a", methods: "read" }, "actor 'a': methods: must be an object"],
  [
    "a mode that is none",
    { type: "a", methods: { go: "shared" } },
    "methods.go: the mode must be 'write', 'read' or 'interleave', not \"shared\"",
  ],
  [
    "a mode that is no word",
    { type: "a", methods: { go: 7 } },
    "methods.go: must be a mode or an object, not 7",
  ],
  [
    "a method option that is none",
    { type: "a", methods: { go: { speed: 1 } } },
    "methods.go.speed: is not an option",
  ],
  [
    "an argument schema that is none",
    { type: "a", methods: { go: { args: { parse: () => 1 } } } },
    "methods.go.args: must be a Standard Schema of the list of arguments, not an object",
  ],
  [
    "a method timeout that is none",
    { type: "a", methods: { go: { timeoutMs: -1 } } },
    "methods.go.timeoutMs: must be a positive duration",
  ],
  [
    "idempotent: yes",
    { type: "a", methods: { go: { idempotent: "yes" } } },
    'methods.go.idempotent: must be true or false, not "yes"',
  ],
])(
  "defineActor refuses %s, with the option, the value and what is allowed (A2)",
  ([_name, options, problem]) => {
    const define = () => defineActor<Plain>(options as ActorOptions<Plain>);
    expect(define).toThrow(ConfigError);
    expect(define).toThrow(problem);
  },
);

test("what is left out has its default", () => {
  const definition = defineActor<Plain>({
    type: "plain",
    state: undefined,
    methods: { go: undefined },
  });
  expect(definition).toEqual({
    type: "plain",
    state: undefined,
    methods: new Map(),
    idleMs: 600_000,
    placement: "balanced",
    maxQueue: 10_000,
    version: 1,
    migrate: undefined,
    strictReads: false,
    turns: { commit: "turn", reentrancy: "detect" },
    interceptors: { incoming: [], outgoing: [] },
    stateless: undefined,
  });
  expect(defineActor<Plain>({ type: "plain", stateless: true }).stateless).toEqual({ max: 8 });
  expect(defineActor<Plain>({ type: "plain", stateless: false }).stateless).toBeUndefined();
  expect(defineActor<Plain>({ type: "plain", idle: false }).idleMs).toBe(false);
});

function withThen(): unknown {
  class Thenable extends Actor {
    static readonly actor = defineActor({ type: "x" });
  }
  // No literal: a lint rule refuses such classes too, with good reason.
  const name = "THEN".toLowerCase();
  Object.defineProperty(Thenable.prototype, name, { value: () => 1 });
  return Thenable;
}

test.for<[string, unknown, string]>([
  ["no class", "Plain", "actors: must be classes that extend Actor"],
  ["a class of its own", class Alien {}, "not function Alien"],
  ["an object", new (class {})(), "not an object"],
  [
    "a class without definition",
    Plain,
    "Plain needs a `static readonly actor = defineActor<Plain>",
  ],
  [
    "a class that inherits its definition",
    class Sub extends Counter {},
    "Sub needs a `static readonly actor",
  ],
  [
    "a definition made by hand",
    class Hand extends Actor {
      static readonly actor = { type: "x" };
    },
    "Hand.actor must be what defineActor<Hand>",
  ],
  [
    "a definition that is undefined",
    class Undefined extends Actor {
      static readonly actor = undefined;
    },
    "Undefined.actor must be what defineActor",
  ],
  [
    "a method that is not there",
    class Missing extends Actor {
      static readonly actor = defineActor({ type: "x", methods: { nope: "read" } as object });
      go() {}
    },
    "actor 'x': methods.nope: Missing has no such method that can be called; it has go",
  ],
  [
    "a hook as a method",
    class Hooked extends Actor {
      static readonly actor = defineActor({ type: "x", methods: { onActivate: "read" } as object });
    },
    "Hooked has no such method that can be called; it has none",
  ],
  ["then", withThen(), "Thenable declares `then`"],
])("a silo refuses %s as an actor class", ([_name, actorClass, problem]) => {
  const read = () => actorKind(actorClass as Parameters<typeof actorKind>[0]);
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(problem);
});

test("an accessor over an inherited method hides it; a method over an inherited accessor can be called (A1)", () => {
  class Parent extends Actor {
    method() {}
    get accessor() {
      return () => 1;
    }
  }
  class Child extends Parent {
    static readonly actor = defineActor<Child>({ type: "child" });
  }
  Object.defineProperty(Child.prototype, "method", { get: () => () => 1 });
  Object.defineProperty(Child.prototype, "accessor", { value: () => 1 });
  expect([...actorKind(Child).methods.keys()]).toEqual(["accessor"]);
});

test("turns of a class are exclusive when all its methods are writes", () => {
  class Writer extends Actor {
    static readonly actor = defineActor<Writer>({
      type: "writer",
      methods: { go: { timeoutMs: 1 } },
    });
    async go() {}
  }
  expect(actorKind(Writer).exclusive).toBe(true);
  expect(actorKind(Counter).exclusive).toBe(false);
});
