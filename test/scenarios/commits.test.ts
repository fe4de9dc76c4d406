// Commits: what a caller is told, and when, whatever happens between the silo and its store.
import { Actor, CallError, defineActor, FencedError } from "tenure";
import { expect, test } from "vitest";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection, stateOf } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

class Witness extends Actor<{ heard: string[] }> {
  static readonly actor = defineActor<Witness>({
    type: "witness",
    state: () => ({ heard: [] }),
    methods: { heard: "read" },
  });
  async hear(what: string) {
    this.state.heard.push(what);
  }
  heard() {
    return this.state.heard;
  }
}

class Account extends Actor<{ balance: number; note?: string }> {
  static readonly actor = defineActor<Account>({
    type: "account",
    state: () => ({ balance: 0 }),
    methods: { balance: "read", peek: "interleave", generation: "read" },
  });
  async add(n: number) {
    return (this.state.balance += n);
  }
  async touch() {
    return this.state.balance;
  }
  async tell(what: string) {
    await this.ctx.get(Witness, "w").hear(what);
  }
  async addAndTell(n: number, what: string) {
    this.state.balance += n;
    await this.tell(what);
    return this.state.balance;
  }
  async pushInto(list: string[]) {
    list.push("changed by the turn");
    this.state.note = list.join(",");
    return this.state.note;
  }
  balance() {
    return this.state.balance;
  }
  peek() {
    return this.state.balance;
  }
  generation() {
    return this.ctx.generation;
  }
}

async function bank(silos = 1) {
  const storage = new ScriptedStorage();
  const t = await testSilos({ actors: [Account, Witness], silos, storage });
  const account = t.silos[0]!.client.get(Account, "a");
  return { storage, t, account };
}

const address = { type: "account", id: "a" };

test("a reply leaves only after the commit (I9)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  const held = storage.holdNext();
  const added = account.add(1);
  await held.arrived;
  expect(await stateOf(added)).toBe("pending");
  held.letGo();
  expect(await added).toBe(1);
});

test("nobody is shown what is not committed yet: no read, no write turn that changes nothing, nothing that interleaves (I9)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  const held = storage.holdNext();
  const added = account.add(1);
  await held.arrived;
  const read = account.balance();
  const touched = account.touch();
  expect(await stateOf(read)).toBe("pending");
  const peek = account.peek();
  expect(await stateOf(touched)).toBe("pending");
  expect(await stateOf(peek)).toBe("pending");
  held.letGo();
  expect(await Promise.all([added, read, touched, peek])).toEqual([1, 1, 1, 1]);
});

test("a call that a turn makes leaves only after the commits of the turns before it (R17)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  const witness = t.silos[0]!.client.get(Witness, "w");
  await witness.hear("hello");
  const held = storage.holdNext();
  const added = account.add(1);
  const told = account.tell("balance changed");
  await held.arrived;
  expect(await stateOf(told)).toBe("pending");
  // Others' calls to the same actor do not wait behind that commit.
  expect(await witness.heard()).toEqual(["hello"]);
  held.letGo();
  await Promise.all([added, told]);
  expect(await witness.heard()).toEqual(["hello", "balance changed"]);
});

test("at most one save is under way; turns that end meanwhile join the next one (P1)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  const held = storage.holdNext();
  const calls = [account.add(1)];
  await held.arrived;
  for (let i = 0; i < 20; i++) calls.push(account.add(1));
  await t.clock.settle();
  expect(storage.saves).toHaveLength(1);
  held.letGo();
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 21 }, (_unused, i) => i + 1));
  expect(storage.saves).toHaveLength(2);
  expect(storage.saves[1]!.etag).toBe(storage.saves[0]!.newEtag);
});

test("state is saved only by a turn that changed its bytes, and first by the first write turn (Z1, Z3)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  expect(await account.balance()).toBe(0);
  expect(storage.saves).toHaveLength(0);
  await account.touch();
  expect(storage.saves).toHaveLength(1);
  await account.touch();
  await account.add(0);
  expect(storage.saves).toHaveLength(1);
  await account.add(1);
  expect(storage.saves).toHaveLength(2);
});

test("a save whose answer is lost is sent again, the same, and counts once (R7, R8)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  await account.add(1);
  storage.loseAnswers = 3;
  const added = account.add(1);
  await t.clock.advance("2s");
  expect(await added).toBe(2);
  const sent = storage.saves.slice(1);
  expect(sent).toHaveLength(4);
  expect(new Set(sent.map((save) => save.newEtag)).size).toBe(1);
  expect(new Set(sent.map((save) => save.etag))).toEqual(new Set([storage.saves[0]!.newEtag]));
  expect(t.events.filter((event) => event.type === "commit.resent")).toHaveLength(3);
  expect(await account.add(1)).toBe(3);
});

test("while a save is undecided no new turn starts, not even one that may interleave (gated)", async () => {
  const started: string[] = [];
  class Watched extends Actor<{ n: number }> {
    static readonly actor = defineActor<Watched>({
      type: "watched",
      state: () => ({ n: 0 }),
      methods: { read: "read", peek: "interleave" },
    });
    async add() {
      started.push("add");
      return ++this.state.n;
    }
    read() {
      started.push("read");
      return this.state.n;
    }
    peek() {
      started.push("peek");
      return this.state.n;
    }
  }
  const storage = new ScriptedStorage();
  await using t = await testSilos({ actors: [Watched], storage });
  const watched = t.silos[0]!.client.get(Watched, "w");
  await watched.add();
  storage.loseSaves = 1;
  const calls = [watched.add()];
  await t.clock.settle();
  calls.push(watched.read(), watched.peek(), watched.add());
  await t.clock.settle();
  expect(started).toEqual(["add", "add"]);
  await t.clock.advance(100);
  expect(await Promise.all(calls)).toEqual([2, 2, 2, 3]);
});

test("while the store is away calls wait or end unknown, and what was acknowledged is there afterwards", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  expect(await account.add(1)).toBe(1);
  storage.away = true;
  const hurried = rejection(account.$with({ timeoutMs: "1s" }).add(10));
  const patient = account.$with({ timeoutMs: "60s" }).add(100);
  await t.clock.advance("2s");
  expect(await hurried).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  storage.away = false;
  await t.clock.advance("5s");
  expect(await patient).toBe(111);
  expect(await account.balance()).toBe(111);
});

test("an actor that cannot be loaded is not executed, and is served when the store is back", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  storage.away = true;
  const failed = rejection(account.$with({ timeoutMs: "1s" }).add(1));
  await t.clock.advance("2s");
  expect(await failed).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  storage.away = false;
  const added = account.add(1);
  await t.clock.advance("1s");
  expect(await added).toBe(1);
});

test("a definitive refusal of a turn that called nobody is repeated on a fresh activation (R24, R25)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  await account.add(1);
  const generation = await account.generation();
  await storage.fence(address, generation + 5);
  const added = account.add(1);
  await t.clock.advance("1s");
  expect(await added).toBe(2);
  expect(await account.generation()).toBeGreaterThan(generation + 5);
  expect(t.events).toContainEqual(
    expect.objectContaining({
      type: "activation.fenced",
      operation: "save",
      generation,
      storedGeneration: generation + 5,
      error: "FencedError",
    }),
  );
  expect(t.events).toContainEqual(
    expect.objectContaining({ type: "activation.deactivated", reason: "fenced" }),
  );
});

test("a refused turn is repeated with the arguments as they were given, not as the turn left them (R24)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  await account.add(1);
  await storage.fence(address, (await account.generation()) + 5);
  const pushed = account.pushInto(["given"]);
  await t.clock.advance("1s");
  expect(await pushed).toBe("given,changed by the turn");
});

test("a refusal of a turn that has called others ends unknown, and is not repeated (R24)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  await account.add(1);
  await storage.fence(address, (await account.generation()) + 5);
  const failed = await rejection(account.addAndTell(1, "told"));
  expect(failed).toBeInstanceOf(FencedError);
  expect(failed).toMatchObject({ code: "FENCED", outcome: "unknown" });
  expect(await t.silos[0]!.client.get(Witness, "w").heard()).toEqual(["told"]);
  expect(await account.balance()).toBe(1);
});

test("a refusal after a lost answer ends unknown: nobody knows which send it was (R24)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  await account.add(1);
  const generation = await account.generation();
  storage.loseSaves = 1;
  const failed = rejection(account.add(1));
  await t.clock.settle();
  await storage.fence(address, generation + 5);
  await t.clock.advance(100);
  expect(await failed).toMatchObject({ code: "FENCED", outcome: "unknown" });
  expect(await account.balance()).toBe(1);
});

test("a save that was applied before the fence rose is acknowledged when it is sent again (H11)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  await account.add(1);
  const generation = await account.generation();
  storage.loseAnswers = 1;
  const added = account.add(1);
  await t.clock.settle();
  await storage.fence(address, generation + 5);
  await t.clock.advance(100);
  expect(await added).toBe(2);
  expect(await account.balance()).toBe(2);
});

test("all turns that joined a refused save, and the calls that wait, are answered honestly (T5)", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  await account.add(1);
  await storage.fence(address, (await account.generation()) + 5);
  const held = storage.holdNext();
  const calls = [account.add(1)];
  await held.arrived;
  for (let i = 0; i < 10; i++) calls.push(account.add(1), account.balance());
  await t.clock.settle();
  held.letGo();
  await t.clock.advance("1s");
  // None of them was applied where it was refused: all were repeated, in order.
  const results = await Promise.all(calls);
  expect(results.at(-1)).toBe(12);
  expect(await account.balance()).toBe(12);
});

test("after a loss nothing of the old activation speaks: its calls are refused, its signal aborts (R25)", async () => {
  const storage = new ScriptedStorage();
  const afterwards: unknown[] = [];
  class Stubborn extends Actor<{ n: number }> {
    static readonly actor = defineActor<Stubborn>({ type: "stubborn", state: () => ({ n: 0 }) });
    async change() {
      return ++this.state.n;
    }
    async waitForTheEnd() {
      // It is repeated on the next activation, since nothing of it was left here.
      if (afterwards.length > 0) return this.state.n;
      await new Promise<void>((resolve) => {
        this.ctx.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      afterwards.push(await rejection(this.ctx.get(Witness, "w").hear("from the dead")));
      this.state.n = 1_000;
      return this.state.n;
    }
  }
  await using t = await testSilos({ actors: [Stubborn, Witness], storage });
  const stubborn = t.silos[0]!.client.get(Stubborn, "a");
  await stubborn.change();
  const held = storage.holdNext();
  const changed = stubborn.change();
  const waiting = stubborn.waitForTheEnd();
  await held.arrived;
  await storage.fence({ type: "stubborn", id: "a" }, 1_000);
  held.letGo();
  await t.clock.advance("1s");
  expect(await changed).toBe(2);
  expect(afterwards).toEqual([
    expect.objectContaining({ code: "FENCED", outcome: "not-executed" }),
  ]);
  expect(await waiting).toBe(2);
  expect(await t.silos[0]!.client.get(Witness, "w").heard()).toEqual([]);
  expect(await stubborn.change()).toBe(3);
});

test("a call that its caller gave up before the loss leaves no unhandled rejection behind", async () => {
  const storage = new ScriptedStorage();
  class Caller extends Actor<{ n: number }> {
    static readonly actor = defineActor<Caller>({ type: "caller", state: () => ({ n: 0 }) });
    async change() {
      return ++this.state.n;
    }
    async callTwice() {
      const witness = this.ctx.get(Witness, "w");
      const aborted = witness.$with({ signal: AbortSignal.abort() });
      const codes = [witness.hear("a"), aborted.hear("b")].map(rejection);
      return (await Promise.all(codes)).map((error) => (error as CallError).code);
    }
  }
  await using t = await testSilos({ actors: [Caller, Witness], storage });
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error);
  };
  process.on("unhandledRejection", note);
  const caller = t.silos[0]!.client.get(Caller, "c");
  await caller.change();
  const held = storage.holdNext();
  const calls = [rejection(caller.change()), rejection(caller.callTwice())];
  await held.arrived;
  await t.clock.settle();
  await storage.fence({ type: "caller", id: "c" }, 1_000);
  held.letGo();
  await t.clock.advance("1s");
  await Promise.all(calls);
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("a call whose silo crashes while its save is held ends unknown; the save counts if the store had it first", async () => {
  const { storage, t } = await bank(2);
  await using _ = t;
  const [first, second] = t.silos;
  const owner = first!.client.get(Account, "a");
  await owner.add(1);
  const at = t.events.findLast((event) => event.type === "activation.activated")!.silo;
  const victim = t.silos.find((silo) => silo.name === at)!;
  const witness = victim === first ? second! : first!;
  const account = witness.client.get(Account, "a");
  const held = storage.holdNext();
  const lost = rejection(account.add(10));
  await held.arrived;
  crash(victim);
  await t.clock.advance("9s");
  expect(await lost).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "unknown" });
  const balance = account.balance();
  await t.clock.advance("1s");
  expect(await balance).toBe(1);
  // The zombie's save reaches the store now: the fence has risen.
  held.letGo();
  await t.clock.advance("1s");
  expect(await account.balance()).toBe(1);
  expect(await account.add(1)).toBe(2);
});

test("the errors of a failed call name the call, its actor and the attempts", async () => {
  const { storage, t, account } = await bank();
  await using _ = t;
  storage.away = true;
  const failed = rejection(account.$with({ timeoutMs: "1s" }).add(1));
  await t.clock.advance("2s");
  const error = (await failed) as CallError;
  expect(error).toBeInstanceOf(CallError);
  expect(error.message).toContain("account/a.add");
  expect(error.details).toMatchObject({ actor: "account/a", method: "add" });
  expect(error.details["attempts"]).toBeGreaterThan(1);
});
