// Strict reads: no answer leaves that the store has not confirmed, whatever the clocks of its silo do (PROTOCOL, §11).
import { Actor, CallError, defineActor, InvalidArgumentError, type TenureEvent } from "tenure";
import { seededRandom } from "@tenure/core/internal";
import { createSilo, type SiloOptions } from "@tenure/runtime";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection, stateOf } from "../support/deferred.ts";
import { ScriptedCluster } from "../support/scripted-cluster.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";
import { StoppingClock } from "../support/stopping-clock.ts";

interface Balance {
  balance: number;
}

class Account extends Actor<Balance> {
  static readonly actor = defineActor<Account>({
    type: "account",
    state: () => ({ balance: 0 }),
    methods: { balance: "read", refuse: "read", peek: "interleave", balanceOfOther: "read" },
  });
  async add(n: number) {
    return (this.state.balance += n);
  }
  /** A `write`, and yet it only looks. */
  async touch() {
    return this.state.balance;
  }
  balance() {
    return this.state.balance;
  }
  refuse() {
    throw new RangeError(`not with ${this.state.balance}`);
  }
  peek() {
    return this.state.balance;
  }
  async balanceOfOther(id: string) {
    await this.ctx.get(Account, id).add(1);
    return this.state.balance;
  }
}

class Vault extends Actor<Balance> {
  static readonly actor = defineActor<Vault>({
    type: "vault",
    state: () => ({ balance: 7 }),
    methods: { balance: "read" },
    strictReads: true,
  });
  balance() {
    return this.state.balance;
  }
}

class Stateless extends Actor {
  static readonly actor = defineActor<Stateless>({ type: "stateless", methods: { now: "read" } });
  now() {
    return 1;
  }
}

async function bank(options: Partial<SiloOptions> = {}) {
  const storage = new ScriptedStorage();
  const t = await testSilos({ actors: [Account, Vault, Stateless], storage, options });
  const { client } = t.silos[0]!;
  const account = client.get(Account, "a");
  return { storage, t, client, account, strict: account.$with({ strictReads: true }) };
}

function newestGeneration(events: readonly TenureEvent[]): number {
  return Math.max(...events.map((event) => ("generation" in event ? event.generation : 0)));
}

const address = { type: "account", id: "a" };

test("a read is verified where its class, its call or its silo asks for it, and nowhere else", async () => {
  for (const everywhere of [false, true]) {
    const { storage, t, client, account, strict } = await bank({ strictReads: everywhere });
    await using _ = t;
    const asked = async (call: () => Promise<unknown>): Promise<number> => {
      const before = storage.verifications.length;
      await call();
      return storage.verifications.length - before;
    };
    await account.add(1);
    expect(await asked(() => client.get(Vault, "v").balance())).toBe(1);
    expect(await asked(() => strict.balance())).toBe(1);
    expect(await asked(() => account.balance())).toBe(everywhere ? 1 : 0);
    // It takes nothing back.
    expect(await asked(() => client.get(Vault, "v").$with({ strictReads: false }).balance())).toBe(
      1,
    );
    expect(await asked(() => client.get(Stateless, "s").now())).toBe(0);
  }
});

test("whatever is answered without a save of its own is verified: errors, what interleaves, a write turn that changes nothing", async () => {
  const { storage, t, strict } = await bank();
  await using _ = t;
  const kept = strict.$with({ idempotencyKey: "k" });
  await strict.add(1);
  await kept.add(1);
  await kept.add(1);
  expect(storage.verifications).toHaveLength(0);
  expect(await strict.touch()).toBe(2);
  expect(await strict.peek()).toBe(2);
  expect(await rejection(strict.refuse())).toMatchObject({ message: "not with 2" });
  expect(storage.verifications).toHaveLength(3);
});

test("all reads of a moment share one question, and all actors' questions travel together", async () => {
  const { storage, t, client, strict } = await bank();
  await using _ = t;
  const others = Array.from({ length: 9 }, (_unused, i) => client.get(Vault, `v${i}`));
  await Promise.all([strict.balance(), ...others.map((other) => other.balance())]);
  storage.verifications.length = 0;
  const reads = Array.from({ length: 50 }, () => strict.balance());
  await Promise.all([...reads, ...others.map((other) => other.balance())]);
  expect(storage.verifications.map((batch) => batch.length)).toEqual([10]);
});

test("a strict read waits for what it has seen to be durable, like any other (I9)", async () => {
  const { storage, t, strict } = await bank();
  await using _ = t;
  await strict.balance();
  const held = storage.holdNext();
  const added = strict.add(1);
  await held.arrived;
  const read = strict.balance();
  expect(await stateOf(read)).toBe("pending");
  held.letGo();
  expect(await Promise.all([added, read])).toEqual([1, 1]);
});

test("a strict read of an activation that has lost its actor is answered by the next one; the old one is discarded", async () => {
  const { storage, t, account, strict } = await bank();
  await using _ = t;
  await account.add(1);
  await storage.fence(address, newestGeneration(t.events) + 5);
  // An ordinary read cannot know it.
  expect(await account.balance()).toBe(1);
  expect(t.events.filter((event) => event.type === "activation.fenced")).toEqual([]);
  const reads = Promise.all([strict.balance(), strict.balance()]);
  await t.clock.advance("1s");
  expect(await reads).toEqual([1, 1]);
  const fenced = t.events.flatMap((event) => (event.type === "activation.fenced" ? [event] : []));
  expect(fenced[0]).toMatchObject({ operation: "verify", actor: address });
  expect(fenced.map((event) => event.operation)).not.toContain("save");
  expect(t.events.filter((event) => event.type === "activation.activated")).toHaveLength(2);
});

test("a save that was applied before the loss is not repeated because a strict read found the loss first (R24, I11)", async () => {
  const { storage, t, account, strict } = await bank();
  await using _ = t;
  await account.add(1);
  const held = storage.holdNextAnswer();
  const added = rejection(account.add(10));
  await held.arrived;
  await storage.fence(address, newestGeneration(t.events) + 5);
  const read = strict.balance();
  await t.clock.advance(500);
  expect(await added).toMatchObject({ code: "FENCED", outcome: "unknown" });
  expect(await read).toBe(11);
  held.letGo();
  await t.clock.advance(500);
  expect(await account.balance()).toBe(11);
});

test("while the store does not answer, a strict read is not executed and an ordinary one is served", async () => {
  const { storage, t, account, strict } = await bank();
  await using _ = t;
  await account.add(1);
  storage.away = true;
  const failed = rejection(strict.$with({ timeoutMs: "1s" }).balance());
  const patient = strict.$with({ timeoutMs: "60s" }).balance();
  expect(await account.balance()).toBe(1);
  await t.clock.advance("2s");
  expect(await failed).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  storage.away = false;
  await t.clock.advance("1s");
  expect(await patient).toBe(1);
  expect(t.events.filter((event) => event.type === "activation.activated")).toHaveLength(1);
});

test("a strict read that called others before the store went away ends unknown (I11)", async () => {
  const { storage, t, client, account } = await bank();
  await using _ = t;
  await account.add(1);
  await client.get(Account, "b").add(1);
  // By name its mode is not known here: the runtime repeats nothing.
  const strict = client.get<Account>("account", "a").$with({ strictReads: true });
  const held = storage.holdNextAnswer();
  const failed = rejection(strict.balanceOfOther("b"));
  await held.arrived;
  storage.away = true;
  held.letGo();
  await t.clock.advance("3s");
  const error = await failed;
  expect(error).toBeInstanceOf(CallError);
  expect(error).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "unknown" });
  storage.away = false;
});

test("an actor without state has nothing to verify: a strict call to it is refused, and says so", async () => {
  const { t, client } = await bank();
  await using _ = t;
  const refused = await rejection(client.get(Stateless, "s").$with({ strictReads: true }).now());
  expect(refused).toBeInstanceOf(InvalidArgumentError);
  expect(String(refused)).toContain("has no state");
});

test("a strictReads that is no boolean is refused before anything is sent", async () => {
  const { t, account } = await bank();
  await using _ = t;
  const given = { strictReads: 1 as unknown as boolean };
  expect(await rejection(account.$with(given).balance())).toMatchObject({
    code: "INVALID_ARGUMENT",
    outcome: "not-executed",
  });
});

/** A silo that is frozen with its clocks until another one has taken its actor and changed it. */
async function frozenAndBack() {
  const c = await ScriptedCluster.start({ actors: [Account] });
  const clock = new StoppingClock(c.clock);
  const options = { name: "silo-1", actors: [Account], ...c.ports("silo-1") };
  const one = await c.until(createSilo(options, { clock, random: seededRandom(11) }));
  const old = one.client.get(Account, "a");
  expect(await c.until(old.add(1))).toBe(1);
  const two = await c.add("silo-2");
  c.deaf.add("silo-1");
  clock.stop();
  await c.clock.advance("10s");
  expect(await c.until(two.client.get(Account, "a").add(1))).toBe(2);
  c.deaf.delete("silo-1");
  clock.goOn();
  return { c, one, old };
}

test("a silo whose clocks stood still thinks that its lease holds: it answers an ordinary read from the past, and no strict one (A3)", async () => {
  const { c, one, old } = await frozenAndBack();
  await using _ = c;
  // This is what A3 excludes, and what strict reads are for.
  expect(await c.until(old.balance())).toBe(1);
  expect(await c.until(old.$with({ strictReads: true }).balance())).toBe(2);
  expect(await c.until(old.balance())).toBe(2);
  await c.until(one.stop());
});

test("the same silo's strict reads are right whichever comes first", async () => {
  const { c, one, old } = await frozenAndBack();
  await using _ = c;
  const strict = old.$with({ strictReads: true });
  expect(await c.until(Promise.all([strict.balance(), strict.touch(), strict.peek()]))).toEqual([
    2, 2, 2,
  ]);
  await c.until(one.stop());
});
