// State: what a turn may do to it, what is left of it when the turn fails, and what others can reach.
import { Socket } from "node:net";
import { Actor, type CallError, defineActor, NotSerializableError, TenureError } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

interface Contents {
  title: string;
  tags: Map<string, { weight: number }>;
  seen: Set<string>;
  nested: { list: number[]; at: Date; bytes: Uint8Array; home: URL };
}

const FIRST = (): Contents => ({
  title: "first",
  tags: new Map([["a", { weight: 1 }]]),
  seen: new Set(["x"]),
  nested: {
    list: [1, 2],
    at: new Date(1_000),
    bytes: new Uint8Array([1, 2, 3]),
    home: new URL("http://example.org/"),
  },
});

type Change = (state: Contents) => void;
/** Functions cannot travel, so that callers name them. */
const CHANGES: Readonly<Record<string, Change>> = {
  "assigns a field": (state) => (state.title = "changed"),
  "deletes a field": (state) => delete (state as Partial<Contents>).title,
  "defines a field": (state) => Object.defineProperty(state, "title", { value: "changed" }),
  "changes a nested array": (state) => state.nested.list.push(3),
  "sorts a nested array": (state) => state.nested.list.sort((a, b) => b - a),
  "sets in a map": (state) => state.tags.set("b", { weight: 2 }),
  "changes a map's value": (state) => (state.tags.get("a")!.weight = 5),
  "changes a map's value in a loop": (state) => {
    for (const [, tag] of state.tags) tag.weight = 5;
  },
  "changes a map's value in forEach": (state) =>
    state.tags.forEach((tag) => {
      tag.weight = 5;
    }),
  "clears a map": (state) => state.tags.clear(),
  "adds to a set": (state) => state.seen.add("y"),
  "moves a date": (state) => state.nested.at.setTime(5),
  "changes through a descriptor": (state) => {
    const { value } = Object.getOwnPropertyDescriptor(state, "nested")!;
    (value as Contents["nested"]).list.push(3);
  },
  "freezes it": (state) => Object.freeze(state),
};

class Box extends Actor<Contents> {
  static readonly actor = defineActor<Box>({
    type: "box",
    state: FIRST,
    methods: {
      contents: "read",
      changeInRead: "read",
      replaceInRead: "read",
      changeCopiesInRead: "read",
      changeInInterleave: "interleave",
      readFrozen: "read",
      passOn: "read",
    },
  });
  change(how: string) {
    CHANGES[how]!(this.state);
  }
  changeAndThrow() {
    for (const change of Object.values(CHANGES)) change(this.state);
    this.state = FIRST();
    this.state.title = "changed";
    throw new Error("no");
  }
  async changeAwaitAndThrow() {
    this.state.nested.list.push(99);
    await Promise.resolve();
    this.state.tags.get("a")!.weight = 99;
    throw new Error("no");
  }
  changeInRead(how: string) {
    CHANGES[how]!(this.state);
  }
  changeInInterleave(how: string) {
    CHANGES[how]!(this.state);
  }
  replaceInRead() {
    this.state = FIRST();
  }
  changeCopiesInRead() {
    this.state.nested.bytes.fill(9);
    this.state.nested.home.pathname = "/elsewhere";
    return true;
  }
  contents() {
    return this.state;
  }
  async live() {
    return this.state.nested;
  }
  async keep(list: number[]) {
    this.state.nested.list = list;
    return list;
  }
  async keepFrozen() {
    this.state.nested = Object.freeze({
      ...this.state.nested,
      list: Object.freeze([7]) as number[],
    });
  }
  readFrozen() {
    const { list, at } = this.state.nested;
    return [list[0], at.getTime()];
  }
  async passOn() {
    return await this.ctx.get(Box, "other").weigh(this.state.tags, this.state.nested.at);
  }
  async weigh(tags: Map<string, { weight: number }>, at: Date) {
    return [...tags.values()].map((tag) => tag.weight + at.getTime());
  }
  async putFunction() {
    this.state.title = "changed";
    Object.assign(this.state.nested, { callback: () => 1 });
  }
  async answerFunction() {
    this.state.title = "changed";
    return { deep: [{ callback: () => 1 }] };
  }
  async answerSocket() {
    this.state.title = "changed";
    return { user: { name: "ann", socket: new Socket() } };
  }
  async grow(bytes: number) {
    this.state.title = "x".repeat(bytes);
  }
  async leaveWorkBehind() {
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(async () => {
        leftovers.push(await rejection(Promise.resolve().then(() => (this.state.title = "late"))));
      });
  }
  async title() {
    return this.state.title;
  }
}

let leftovers: unknown[] = [];

async function boxes(silos = 1) {
  const storage = new ScriptedStorage();
  const t = await testSilos({ actors: [Box], silos, storage });
  return { t, storage, box: t.silos[0]!.client.get(Box, "b") };
}

test("a turn that throws changes nothing, however deep it had changed things (T3, Z2)", async () => {
  const { t, storage, box } = await boxes();
  await using _ = t;
  await box.change("adds to a set");
  const before = await box.contents();
  await expect(box.changeAndThrow()).rejects.toThrow("no");
  await expect(box.changeAwaitAndThrow()).rejects.toThrow("no");
  expect(await box.contents()).toEqual(before);
  expect(storage.saves).toHaveLength(1);
});

test.for(Object.keys(CHANGES))(
  "a read or interleave method that %s is refused, and nothing changes",
  async (how) => {
    const { t, storage, box } = await boxes();
    await using _ = t;
    for (const method of ["changeInRead", "changeInInterleave"] as const) {
      const refused = await rejection(box[method](how));
      expect(refused).toBeInstanceOf(TenureError);
      expect(refused).toMatchObject({ code: "READ_ONLY_STATE" });
    }
    expect(await box.contents()).toEqual(FIRST());
    expect(storage.saves).toHaveLength(0);
  },
);

test("a read method that replaces the state is refused", async () => {
  const { t, box } = await boxes();
  await using _ = t;
  expect(await rejection(box.replaceInRead())).toMatchObject({ code: "READ_ONLY_STATE" });
});

test("a read method sees copies of what has methods of its own to change it", async () => {
  const { t, box } = await boxes();
  await using _ = t;
  expect(await box.changeCopiesInRead()).toBe(true);
  expect(await box.contents()).toEqual(FIRST());
});

test("a read method can look into frozen state, and send what it sees to another actor", async () => {
  const { t, box } = await boxes(2);
  await using _ = t;
  await box.keepFrozen();
  expect(await box.readFrozen()).toEqual([7, 1_000]);
  expect(await box.passOn()).toEqual([1_001]);
});

test("work that a turn did not await cannot change state any more", async () => {
  leftovers = [];
  const { t, box } = await boxes();
  await using _ = t;
  await box.leaveWorkBehind();
  await t.clock.settle();
  expect(leftovers).toEqual([expect.objectContaining({ code: "READ_ONLY_STATE" })]);
  expect(await box.title()).toBe("first");
});

test("what a caller changes after the call, or in the result, never reaches the state (W2, U1)", async () => {
  const { t } = await boxes(2);
  await using _ = t;
  for (const [i, silo] of t.silos.entries()) {
    const box = silo.client.get(Box, `box ${i}`);
    await box.change("adds to a set");
    const nested = await box.live();
    nested.list.push(77);
    nested.bytes.fill(9);
    nested.at.setTime(9);
    const list = [1];
    const kept = box.keep(list);
    list.push(2);
    (await kept).push(3);
    expect((await box.contents()).nested).toEqual({ ...FIRST().nested, list: [1] });
  }
});

test("deep-frozen plain data is handed over as it is; anything else is never shared", async () => {
  const received: unknown[] = [];
  class Taker extends Actor {
    static readonly actor = defineActor<Taker>({ type: "taker" });
    async take(value: unknown) {
      received.push(value);
      return value;
    }
  }
  await using t = await testSilos({ actors: [Taker], silos: 2 });
  const frozen = Object.freeze({ a: Object.freeze([1, 2]) });
  const shallow = Object.freeze({ a: [1, 2] });
  for (const silo of t.silos) {
    received.length = 0;
    const taker = silo.client.get(Taker, "a");
    const [one, two] = [await taker.take(frozen), await taker.take(shallow)];
    expect(received[0]).toBe(frozen);
    expect(one).toBe(frozen);
    expect(received[1]).toEqual(shallow);
    expect(received[1]).not.toBe(shallow);
    expect(two).not.toBe(received[1]);
    expect((two as typeof shallow).a).not.toBe((received[1] as typeof shallow).a);
  }
});

test("a state that cannot be stored fails its turn with the path, and is rolled back (U2)", async () => {
  const { t, storage, box } = await boxes();
  await using _ = t;
  const refused = await rejection(box.putFunction());
  expect(refused).toBeInstanceOf(NotSerializableError);
  expect(refused).toMatchObject({ outcome: "not-executed" });
  expect((refused as CallError).message).toContain("state.nested.callback is a function");
  expect(await box.contents()).toEqual(FIRST());
  expect(storage.saves).toHaveLength(0);
});

test("a result that cannot travel fails its turn with the path, and the state is rolled back (U2)", async () => {
  const { t, box } = await boxes(2);
  await using _ = t;
  for (const silo of t.silos) {
    const refused = await rejection(silo.client.get(Box, "b").answerFunction());
    expect(refused).toBeInstanceOf(NotSerializableError);
    expect((refused as CallError).message).toContain("result.deep[0].callback is a function");
    const socket = await rejection(silo.client.get(Box, "b").answerSocket());
    expect(socket).toBeInstanceOf(NotSerializableError);
    expect((socket as CallError).message).toContain("result.user.socket is an instance of Socket");
  }
  expect(await box.contents()).toEqual(FIRST());
});

test("a state that is too large fails its turn, says how large it is, and is rolled back", async () => {
  const { t, box } = await boxes();
  await using _ = t;
  const refused = await rejection(box.grow(600_000));
  expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-executed" });
  expect((refused as CallError).message).toMatch(/state has 600\d+ bytes; the limit is 524288/);
  await box.grow(500_000);
  expect(await box.title()).toHaveLength(500_000);
});

test("two actors never share what a state factory answers (Z3)", async () => {
  const shared = { list: [] as number[] };
  class Sharer extends Actor<{ list: number[] }> {
    static readonly actor = defineActor<Sharer>({ type: "sharer", state: () => shared });
    async add(n: number) {
      this.state.list.push(n);
      return this.state.list;
    }
  }
  await using t = await testSilos({ actors: [Sharer] });
  expect(await t.silos[0]!.client.get(Sharer, "a").add(1)).toEqual([1]);
  expect(await t.silos[0]!.client.get(Sharer, "b").add(2)).toEqual([2]);
  expect(shared.list).toEqual([]);
});

test("an actor without state touches no storage, and says so when it is given some", async () => {
  class Stateless extends Actor {
    static readonly actor = defineActor<Stateless>({ type: "nostate" });
    async assign() {
      (this as Actor<unknown>).state = { a: 1 };
    }
    async read() {
      return this.state;
    }
  }
  const storage = new ScriptedStorage();
  storage.away = true;
  await using t = await testSilos({ actors: [Stateless], storage });
  const ref = t.silos[0]!.client.get(Stateless, "a");
  expect(await ref.read()).toBeUndefined();
  await expect(ref.assign()).rejects.toThrow("nostate has no state; declare it with state:");
});

test("a first call made from a read method finds a constructor and a hook of its own, not the caller's turn (N3)", async () => {
  class Inner extends Actor<{ made: number }> {
    static readonly actor = defineActor<Inner>({
      type: "inner",
      state: () => ({ made: 0 }),
      methods: { made: "read" },
    });
    turnInConstructor: unknown;
    constructor() {
      super();
      try {
        this.turnInConstructor = this.ctx.call.method;
      } catch (error) {
        this.turnInConstructor = (error as TenureError).code;
      }
    }
    override async onActivate() {
      this.state.made += 1;
    }
    made() {
      return [this.state.made, this.turnInConstructor, this.ctx.call.method];
    }
  }
  class Outer extends Actor {
    static readonly actor = defineActor<Outer>({ type: "outer", methods: { ask: "read" } });
    async ask() {
      return await this.ctx.get(Inner, "i").made();
    }
  }
  await using t = await testSilos({ actors: [Inner, Outer] });
  expect(await t.silos[0]!.client.get(Outer, "o").ask()).toEqual([1, "NO_TURN", "made"]);
});
