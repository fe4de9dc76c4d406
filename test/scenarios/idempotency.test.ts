// Idempotency keys: the effect of a call is applied once, however often it is sent (I10, R21, R22, R23).
import { Actor, defineActor, defineError } from "tenure";
import { expect, test } from "vitest";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import type { VirtualClock } from "../../packages/testing/src/virtual-clock.ts";
import { rejection } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

const Refused = defineError<{ at: number }>()("REFUSED");

function actors() {
  const ran: string[] = [];
  class Till extends Actor<{ sum: number }> {
    static readonly actor = defineActor<Till>({
      type: "till",
      state: () => ({ sum: 0 }),
      methods: { sum: "read", where: "read" },
    });
    async pay(amount: number) {
      ran.push(`pay ${amount}`);
      this.state.sum += amount;
      return { sum: this.state.sum };
    }
    async refuse() {
      ran.push("refuse");
      this.state.sum += 1_000;
      throw Refused({ at: this.state.sum });
    }
    async payThrough(amount: number) {
      ran.push(`payThrough ${amount}`);
      this.state.sum += amount;
      await this.ctx.get<Till>("no-such-type", "x").pay(amount);
    }
    async payAndAnswerNonsense(amount: number) {
      ran.push("nonsense");
      this.state.sum += amount;
      await this.ctx.get(Till, "other").pay(1);
      return () => amount;
    }
    async leave() {
      this.ctx.deactivate();
    }
    sum() {
      return this.state.sum;
    }
    where() {
      return this.ctx.silo;
    }
  }
  class Stateless extends Actor {
    static readonly actor = defineActor<Stateless>({ type: "stateless" });
    async pay(amount: number) {
      ran.push(`stateless ${amount}`);
    }
  }
  return { Till, Stateless, ran };
}

async function shop(silos = 1) {
  const { Till, Stateless, ran } = actors();
  const storage = new ScriptedStorage();
  const t = await testSilos({ actors: [Till, Stateless], silos, storage });
  return { t, storage, ran, Till, Stateless, till: t.silos[0]!.client.get(Till, "t") };
}

/** A day and an hour later, by the wall clock alone, which is what dates keys. */
async function aDayLater(clock: VirtualClock): Promise<void> {
  const startMs = clock.wallMs() - clock.monotonicMs() + 25 * 3_600_000;
  clock.wallMs = () => startMs + clock.monotonicMs();
  // A jump pauses the silos until their next renewal.
  await clock.advance("3s");
}

test("a repeat gets the recorded result and runs nothing (Y2)", async () => {
  const { t, storage, ran, till } = await shop();
  await using _ = t;
  const keyed = till.$with({ idempotencyKey: "order-1" });
  expect(await keyed.pay(5)).toEqual({ sum: 5 });
  await till.pay(1);
  expect(await keyed.pay(5)).toEqual({ sum: 5 });
  expect(ran).toEqual(["pay 5", "pay 1"]);
  expect(await till.sum()).toBe(6);
  // The key and the change are one save (R23).
  expect([...storage.saves[0]!.put.keys()]).toEqual(["state", "k/order-1"]);
});

test("concurrent duplicates run once, and all get the one result (R21)", async () => {
  const { t, ran, Till } = await shop(2);
  await using _ = t;
  const calls = t.silos.flatMap((silo) => {
    const keyed = silo.client.get(Till, "t").$with({ idempotencyKey: "order-1" });
    return [keyed.pay(5), keyed.pay(5), keyed.pay(5)];
  });
  await t.clock.advance("1s");
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 6 }, () => ({ sum: 5 })));
  expect(ran).toEqual(["pay 5"]);
});

test("a repeat after the activation ended, and after its silo crashed, still runs nothing", async () => {
  const { t, ran, till, Till } = await shop(2);
  await using _ = t;
  await till.$with({ idempotencyKey: "order-1" }).pay(5);
  await till.leave();
  expect(await till.$with({ idempotencyKey: "order-1" }).pay(5)).toEqual({ sum: 5 });
  const owner = await till.where();
  crash(t.silos.find((silo) => silo.name === owner)!);
  const survivor = t.silos.find((silo) => silo.name !== owner)!.client.get(Till, "t");
  const repeat = survivor.$with({ idempotencyKey: "order-1" }).pay(5);
  await t.clock.advance("9s");
  expect(await repeat).toEqual({ sum: 5 });
  expect(ran).toEqual(["pay 5"]);
  expect(await survivor.sum()).toBe(5);
});

test("a keyed call whose silo crashes in the middle of its save is repeated by the runtime and applied once", async () => {
  const { t, storage, Till } = await shop(2);
  await using _ = t;
  const first = t.silos[0]!.client.get(Till, "t");
  await first.pay(1);
  const owner = await first.where();
  const survivor = t.silos.find((silo) => silo.name !== owner)!.client.get(Till, "t");
  storage.loseAnswers = 1;
  const paid = survivor.$with({ idempotencyKey: "order-1", timeoutMs: "20s" }).pay(5);
  await t.clock.settle();
  crash(t.silos.find((silo) => silo.name === owner)!);
  await t.clock.advance("10s");
  expect(await paid).toEqual({ sum: 6 });
  expect(await survivor.sum()).toBe(6);
});

test("a thrown user error is a recorded result, with what it carries; its turn changed nothing", async () => {
  const { t, ran, till } = await shop();
  await using _ = t;
  const keyed = till.$with({ idempotencyKey: "order-1" });
  for (let i = 0; i < 2; i++) {
    const error = await rejection(keyed.refuse());
    expect(Refused.is(error) && error.data).toEqual({ at: 1_000 });
  }
  expect(ran).toEqual(["refuse"]);
  expect(await till.sum()).toBe(0);
});

test("an error of the runtime that a method lets through is not recorded: the key may still succeed", async () => {
  const { t, ran, till } = await shop();
  await using _ = t;
  const keyed = till.$with({ idempotencyKey: "order-1" });
  for (let i = 0; i < 2; i++)
    expect(await rejection(keyed.payThrough(5))).toMatchObject({
      code: "ACTOR_TYPE_NOT_FOUND",
      outcome: "unknown",
    });
  expect(ran).toEqual(["payThrough 5", "payThrough 5"]);
  expect(await till.sum()).toBe(0);
});

test("a keyed call that fails for what it answers is not repeated by the runtime (P1)", async () => {
  const { t, ran, till, Till } = await shop();
  await using _ = t;
  const failed = rejection(till.$with({ idempotencyKey: "order-1" }).payAndAnswerNonsense(5));
  await t.clock.advance("11s");
  expect(await failed).toMatchObject({ code: "NOT_SERIALIZABLE", outcome: "unknown" });
  expect(ran).toEqual(["nonsense", "pay 1"]);
  expect(await t.silos[0]!.client.get(Till, "other").sum()).toBe(1);
  expect(await till.sum()).toBe(0);
});

test("the same key with other arguments, or another method, is refused (R22)", async () => {
  const { t, till } = await shop();
  await using _ = t;
  const keyed = till.$with({ idempotencyKey: "order-1" });
  await keyed.pay(5);
  for (const other of [keyed.pay(6), keyed.payThrough(5)])
    expect(await rejection(other)).toMatchObject({
      code: "INVALID_ARGUMENT",
      outcome: "not-executed",
    });
  expect(await till.sum()).toBe(5);
});

test("the same arguments are the same from a silo that calls itself as from another one (C5)", async () => {
  class Taker extends Actor<{ n: number }> {
    static readonly actor = defineActor<Taker>({ type: "taker", state: () => ({ n: 0 }) });
    async take(_value: unknown) {
      return ++this.state.n;
    }
  }
  await using t = await testSilos({ actors: [Taker], silos: 2 });
  const values = [
    Buffer.from("abc"),
    Array.from({ length: 2 }),
    { a: -0, b: undefined, toJSON: "x" },
    new Map([[{ a: 1 }, new Set([Object.freeze({ b: 1n })])]]),
    new Error("x", { cause: new RangeError("y") }),
  ];
  for (const [i, value] of values.entries())
    for (const silo of t.silos)
      expect(
        await silo.client
          .get(Taker, "a")
          .$with({ idempotencyKey: `k${i}` })
          .take(value),
      ).toBe(i + 1);
});

test("an actor without state refuses a key, and says what to declare", async () => {
  const { t, ran, Stateless } = await shop();
  await using _ = t;
  const refused = await rejection(
    t.silos[0]!.client.get(Stateless, "s").$with({ idempotencyKey: "k" }).pay(1),
  );
  expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-executed" });
  expect(String(refused)).toContain("declare state: () => ({})");
  expect(ran).toEqual([]);
});

test("a UUIDv7 older than the retention is refused; any other old key is a new call (R22)", async () => {
  const { t, ran, till } = await shop();
  await using _ = t;
  const uuid = (ms: number) => {
    const hex = ms.toString(16).padStart(12, "0");
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8abc-0123456789ab`;
  };
  const old = uuid(t.clock.wallMs() - 25 * 3_600_000);
  expect(await rejection(till.$with({ idempotencyKey: old }).pay(1))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  const young = uuid(t.clock.wallMs() - 23 * 3_600_000);
  expect(await till.$with({ idempotencyKey: young }).pay(1)).toEqual({ sum: 1 });
  expect(await till.$with({ idempotencyKey: "plain" }).pay(1)).toEqual({ sum: 2 });
  await aDayLater(t.clock);
  expect(await rejection(till.$with({ idempotencyKey: young }).pay(1))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(await till.$with({ idempotencyKey: "plain" }).pay(1)).toEqual({ sum: 3 });
  expect(ran).toEqual(["pay 1", "pay 1", "pay 1"]);
});

test("a full table refuses a new key, never forgets an unexpired one, and makes room for expired ones (Y3)", async () => {
  const { t, storage, till } = await shop();
  await using _ = t;
  const address = { type: "till", id: "t" };
  const fill = async (ageMs: number) => {
    const session = await storage.session();
    const header = Buffer.alloc(25);
    header.writeDoubleBE(t.clock.wallMs() - ageMs, 16);
    const keys = Array.from({ length: 10_000 }, (_unused, i) => [`k/filler-${i}`, header] as const);
    const claim = { actor: address, generation: 1_000, token: "filler" };
    const { answer } = await session.load([claim]);
    const [row] = answer;
    if (!row?.ok) throw new Error("the row was refused");
    const save = { etag: row.row.meta.etag, newEtag: `filled-${ageMs}`, due: undefined };
    await session.save([{ ...claim, ...save, put: new Map(keys), del: [] }]);
  };
  await till.leave();
  await t.clock.settle();
  await fill(0);
  const full = rejection(till.$with({ idempotencyKey: "new", timeoutMs: 100 }).pay(1));
  await t.clock.advance(200);
  expect(await full).toMatchObject({ code: "OVERLOADED", outcome: "not-executed" });
  expect(await till.pay(1)).toEqual({ sum: 1 });
  // A key that is there is no new one: it is compared, not refused for lack of room.
  const known = await rejection(till.$with({ idempotencyKey: "filler-7" }).pay(1));
  expect(known).toMatchObject({ code: "INVALID_ARGUMENT" });
  // A day later there is room, and what is expired goes, some with each save.
  await aDayLater(t.clock);
  expect(await till.$with({ idempotencyKey: "new" }).pay(1)).toEqual({ sum: 2 });
  expect(storage.saves.at(-1)!.del).toHaveLength(16);
  expect(await storage.part(address, "k/filler-0")).toBeUndefined();
  expect(await storage.part(address, "k/filler-9999")).toBeDefined();
});

test.for([
  ["an empty one", ""],
  ["one that is too long", "é".repeat(129)],
  ["one with a lone surrogate", "\ud800"],
  ["one that is no string", 7],
  ["a sequence without a sender", { sequence: 1 }],
  ["a sender without a sequence", { sender: "s" }],
  ["a sender whose name is too long", { sender: "é".repeat(129), sequence: 1 }],
  ["a sequence below 0", { sender: "s", sequence: -1 }],
  ["a sequence that is not whole", { sender: "s", sequence: 1.5 }],
  ["a sequence that a number cannot hold", { sender: "s", sequence: 2 ** 53 }],
  ["a sequence with something besides", { sender: "s", sequence: 1, id: "x" }],
])("%s is refused as a key, and nothing is sent", async ([_name, key]) => {
  const { t, ran, till } = await shop();
  await using _ = t;
  const refused = await rejection(till.$with({ idempotencyKey: key as string }).pay(1));
  expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-executed" });
  expect(ran).toEqual([]);
});

test("keys with any characters work and never collide", async () => {
  const { t, ran, till } = await shop();
  await using _ = t;
  const keys = [
    "a",
    "a ",
    "a/b",
    "a.b",
    "k/a",
    "a\n",
    "*",
    ">",
    "\0",
    "💡",
    "\u00e9",
    "e\u0301",
    "__proto__",
  ];
  for (const [i, key] of keys.entries()) {
    expect(await till.$with({ idempotencyKey: key }).pay(1)).toEqual({ sum: i + 1 });
    expect(await till.$with({ idempotencyKey: key }).pay(1)).toEqual({ sum: i + 1 });
  }
  expect(ran).toHaveLength(keys.length);
});

const numbered = (sequence: number, sender = "desk") => ({ idempotencyKey: { sender, sequence } });

test("a sender's last call again gets the recorded result and runs nothing; a later one takes its place (N1, N2)", async () => {
  const { t, storage, ran, till } = await shop();
  await using _ = t;
  expect(await till.$with(numbered(1)).pay(5)).toEqual({ sum: 5 });
  expect(await till.$with(numbered(1)).pay(5)).toEqual({ sum: 5 });
  expect(await till.$with(numbered(2)).pay(1)).toEqual({ sum: 6 });
  expect(await till.$with(numbered(1, "other desk")).pay(1)).toEqual({ sum: 7 });
  expect(ran).toEqual(["pay 5", "pay 1", "pay 1"]);
  // One record for each sender, in one save with the change (R23).
  expect(storage.saves.map(({ put }) => Array.from(put.keys()).join(" "))).toEqual([
    "state s/desk",
    "state s/desk",
    "state s/other desk",
  ]);
});

test("a sequence below the last is refused as not executed, and so is the last one with another request (N2)", async () => {
  const { t, ran, till } = await shop();
  await using _ = t;
  await till.$with(numbered(7)).pay(5);
  const old = await rejection(till.$with(numbered(6)).pay(5));
  expect(old).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-executed" });
  expect(String(old)).toContain("sequence 6 of sender 'desk' is lower than 7");
  const other = await rejection(till.$with(numbered(7)).pay(6));
  expect(other).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-executed" });
  expect(ran).toEqual(["pay 5"]);
});

test("concurrent duplicates of a sequence run once, from whichever silo they come (R21)", async () => {
  const { t, ran, Till } = await shop(2);
  await using _ = t;
  const calls = t.silos.flatMap((silo) => {
    const till = silo.client.get(Till, "t").$with(numbered(1));
    return [till.pay(5), till.pay(5)];
  });
  await t.clock.advance("1s");
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 4 }, () => ({ sum: 5 })));
  expect(ran).toEqual(["pay 5"]);
});

test("a sequence is known after the activation ended, and after its silo crashed in the middle of the save", async () => {
  const { t, storage, Till } = await shop(2);
  await using _ = t;
  const first = t.silos[0]!.client.get(Till, "t");
  expect(await first.$with(numbered(1)).pay(1)).toEqual({ sum: 1 });
  await first.leave();
  expect(await first.$with(numbered(1)).pay(1)).toEqual({ sum: 1 });
  const owner = await first.where();
  const survivor = t.silos.find((silo) => silo.name !== owner)!.client.get(Till, "t");
  storage.loseAnswers = 1;
  const paid = survivor.$with({ ...numbered(2), timeoutMs: "20s" }).pay(5);
  await t.clock.settle();
  crash(t.silos.find((silo) => silo.name === owner)!);
  await t.clock.advance("10s");
  expect(await paid).toEqual({ sum: 6 });
  expect(await survivor.$with(numbered(2)).pay(5)).toEqual({ sum: 6 });
  expect(await survivor.sum()).toBe(6);
  expect(await rejection(survivor.$with(numbered(1)).pay(1))).toMatchObject({
    outcome: "not-executed",
  });
});

test("what a caller changes in a key after its call never travels", async () => {
  const { t, ran, till } = await shop();
  await using _ = t;
  const key = { sender: "desk", sequence: 1 };
  const paid = till.$with({ idempotencyKey: key }).pay(1);
  key.sequence = 2;
  await paid;
  expect(await rejection(till.$with(numbered(1)).pay(2))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(await till.$with(numbered(2)).pay(1)).toEqual({ sum: 2 });
  expect(ran).toEqual(["pay 1", "pay 1"]);
});
