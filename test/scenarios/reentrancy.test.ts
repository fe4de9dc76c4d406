// Calls that come back to an actor whose turn waits for them, and are let in.
import { Actor, type CallError, DeadlockError, defineActor } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { type Deferred, deferred, rejection } from "../support/deferred.ts";

interface Seen {
  readonly lines: string[];
}

/** Does what its caller says by way of `Relay`, which calls back. */
class Chained extends Actor<Seen> {
  static readonly actor = defineActor<Chained>({
    type: "chained",
    state: () => ({ lines: [] }),
    methods: { lines: "read", linesBy: "read" },
    reentrancy: "chain",
  });
  readonly #began = deferred();

  async append(line: string) {
    this.state.lines.push(line);
  }
  async appendAndThrow(line: string) {
    this.state.lines.push(line);
    throw new Error(`after ${line}`);
  }
  lines() {
    return [...this.state.lines];
  }
  async linesBy(via: string): Promise<string[]> {
    return await this.ctx.get(Relay, via).lines(this.ctx.id);
  }
  /** Changes, lets a call back in, changes again; throws at the end if it is told to. */
  async around(via: string, inner: "append" | "appendAndThrow", fails = false) {
    this.state.lines.push("before");
    const error = await this.ctx
      .get(Relay, via)
      .back(this.ctx.id, inner, "inner")
      .then(
        () => undefined,
        (thrown: unknown) => (thrown as Error).message,
      );
    this.state.lines.push("after");
    if (fails) throw new Error("outer");
    return { error, lines: [...this.state.lines] };
  }
  async twice(via: string) {
    await Promise.all([
      this.ctx.get(Relay, `${via}1`).held(this.ctx.id, "one"),
      this.ctx.get(Relay, `${via}2`).held(this.ctx.id, "two"),
    ]);
    return this.state.lines;
  }
  /** Takes a moment in which another could come between. */
  async slowly(line: string) {
    this.state.lines.push(`${line} begins`);
    this.#began.resolve();
    await this.ctx.get(Relay, "clock").tick();
    this.state.lines.push(`${line} ends`);
  }
  async unawaited(via: string) {
    this.state.lines.push("outer");
    const back = this.ctx.get(Relay, via).held(this.ctx.id, "inner");
    back.catch(() => undefined);
    await this.#began.promise;
    throw new Error("outer");
  }
  async broken(via: string) {
    (this.state as unknown as { f: unknown }).f = () => 1;
    return await this.ctx.get(Relay, via).lines(this.ctx.id);
  }
}

class Relay extends Actor {
  static readonly actor = defineActor<Relay>({
    type: "relay",
    methods: { tick: "interleave" },
  });
  async back(id: string, method: "append" | "appendAndThrow", line: string) {
    await this.ctx.get(Chained, id)[method](line);
  }
  async lines(id: string) {
    return await this.ctx.get(Chained, id).lines();
  }
  async held(id: string, line: string) {
    await this.ctx.get(Chained, id).slowly(line);
  }
  async tick() {}
}

async function start(silos = 2) {
  const t = await testSilos({ actors: [Chained, Relay], silos });
  return { t, get: (id: string) => t.silos[0]!.client.get(Chained, id) };
}

test("under 'chain' a call that comes back is let in, and sees and changes the state so far", async () => {
  const { t, get } = await start();
  await using _ = t;
  expect(await get("a").around("r", "append")).toEqual({
    error: undefined,
    lines: ["before", "inner", "after"],
  });
  expect(await get("a").lines()).toEqual(["before", "inner", "after"]);
  expect(t.clock.monotonicMs()).toBe(0);
});

test("what the inner turn changed is taken back when it throws, and what the outer one had changed before is not", async () => {
  const { t, get } = await start();
  await using _ = t;
  expect(await get("a").around("r", "appendAndThrow")).toEqual({
    error: "after inner",
    lines: ["before", "after"],
  });
});

test("a throw of the outer turn goes back to where the inner one ended, and no further", async () => {
  const { t, get } = await start();
  await using _ = t;
  expect(await rejection(get("a").around("r", "append", true))).toMatchObject({ message: "outer" });
  expect(await get("a").lines()).toEqual(["before", "inner"]);
});

test("a read that comes back to a write turn is let in, and what it shows stays", async () => {
  const { t, get } = await start();
  await using _ = t;
  await get("a").append("x");
  expect(await get("a").linesBy("r")).toEqual(["x"]);
});

test("two calls that come back to one turn run one after the other", async () => {
  const { t, get } = await start();
  await using _ = t;
  const lines = await get("a").twice("r");
  expect([
    ["one begins", "one ends", "two begins", "two ends"],
    ["two begins", "two ends", "one begins", "one ends"],
  ]).toContainEqual(lines);
});

test("a call of another chain is not let in: it waits for the outer turn's end", async () => {
  const { t, get } = await start();
  await using _ = t;
  const outer = get("a").around("r", "append");
  const other = get("a").append("other");
  await Promise.all([outer, other]);
  expect((await get("a").lines()).at(-1)).toBe("other");
});

test("an outer turn that does not wait for its inner one ends after it all the same, and takes back nothing of it", async () => {
  const { t, get } = await start();
  await using _ = t;
  await rejection(get("a").unawaited("r"));
  expect(await get("a").lines()).toEqual(["outer", "inner begins", "inner ends"]);
});

test("a turn with an idempotency key lets nothing in: the call back is a deadlock that says why", async () => {
  const { t, get } = await start();
  await using _ = t;
  const { error, lines } = await get("a").$with({ idempotencyKey: "k" }).around("r", "append");
  expect(error).toContain("a call with an idempotency key lets none of its chain in");
  expect(lines).toEqual(["before", "after"]);
});

test("a state that cannot be stored lets nothing in, and the outer turn fails with the path", async () => {
  const { t, get } = await start();
  await using _ = t;
  const error = await rejection(get("a").broken("r"));
  expect((error as CallError).message).toContain("state.f");
  expect(await get("a").lines()).toEqual([]);
});

/** Lets everything in. */
class Open extends Actor<{ count: number }> {
  static readonly actor = defineActor<Open>({
    type: "open",
    state: () => ({ count: 0 }),
    methods: { count: "read" },
    reentrancy: "full",
    commit: "explicit",
  });
  readonly #waiting = new Map<string, Deferred<void>>();

  async wait(name: string) {
    this.state.count += 1;
    const gate = deferred();
    this.#waiting.set(name, gate);
    await gate.promise;
    return this.state.count;
  }
  async release(name: string) {
    this.#waiting.get(name)?.resolve();
    return this.#waiting.delete(name);
  }
  async addAndThrow() {
    this.state.count += 1;
    throw new Error("thrown");
  }
  async add() {
    return ++this.state.count;
  }
  async save() {
    await this.ctx.commit();
  }
  count() {
    return this.state.count;
  }
  async self(): Promise<number> {
    return await this.ctx.get(Open, this.ctx.id).add();
  }
  async selfWithKey(key: string) {
    return await this.ctx.get(Open, this.ctx.id).$with({ idempotencyKey: key }).add();
  }
}

test("under 'full' write turns run beside each other, a read beside them, and a call of an actor to itself", async () => {
  const t = await testSilos({ actors: [Open], silos: 1 });
  await using _ = t;
  const open = t.silos[0]!.client.get(Open, "a");
  const first = open.wait("one");
  const second = open.wait("two");
  expect(await open.count()).toBe(2);
  expect(await open.release("two")).toBe(true);
  expect(await second).toBe(2);
  expect(await open.self()).toBe(3);
  expect(await open.release("one")).toBe(true);
  expect(await first).toBe(3);
});

test("under 'full' a throw takes nothing back", async () => {
  const t = await testSilos({ actors: [Open], silos: 1 });
  await using _ = t;
  const open = t.silos[0]!.client.get(Open, "a");
  expect(await rejection(open.addAndThrow())).toMatchObject({ message: "thrown" });
  expect(await open.count()).toBe(1);
});

test("under 'full' calls of one key run one after the other, and the later gets the first one's result", async () => {
  const t = await testSilos({ actors: [Open], silos: 1 });
  await using _ = t;
  const open = t.silos[0]!.client.get(Open, "a");
  const keyed = open.$with({ idempotencyKey: "k" });
  const first = keyed.wait("one");
  const again = keyed.wait("one");
  const other = open.$with({ idempotencyKey: "other" }).add();
  expect(await other).toBe(2);
  expect(await open.release("one")).toBe(true);
  expect([await first, await again]).toEqual([2, 2]);
  expect(await open.count()).toBe(2);
});

test("under 'full' a call that comes back with the key of the turn that waits for it is a deadlock", async () => {
  const t = await testSilos({ actors: [Open], silos: 1 });
  await using _ = t;
  const error = await rejection(
    t.silos[0]!.client.get(Open, "a").$with({ idempotencyKey: "k" }).selfWithKey("k"),
  );
  expect(error).toBeInstanceOf(DeadlockError);
});
