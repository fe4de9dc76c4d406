// How actors leave a silo: drained, stopped, crashed, suspended; and who may have a silo's name.
import { Actor, defineActor, type TenureEvent } from "tenure";
import { seededRandom } from "@tenure/core/internal";
import { createSilo } from "@tenure/runtime";
import { testCluster } from "@tenure/testing";
import { expect, test } from "vitest";
import { crash, internalsOf } from "../../packages/testing/src/crash.ts";
import { deferred, rejection, stateOf } from "../support/deferred.ts";
import { diaries } from "../support/diary.ts";
import { DriftingClock } from "../support/drifting-clock.ts";
import { APPLIED_BUT_REJECTED } from "../support/scripted-directory.ts";
import { ScriptedCluster, TTL } from "../support/scripted-cluster.ts";

test("a draining silo takes no new actors and hands over those it has, and no caller sees a failure", async () => {
  const { Diary } = diaries("balanced");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  const ids = Array.from({ length: 20 }, (_, i) => `d${i}`);
  const write = (line: string): Promise<unknown> =>
    Promise.all(ids.map((id) => two.client.get(Diary, id).write(line)));
  await write("before");
  const held = internalsOf(one).activations;
  expect(held).toBeGreaterThan(0);

  const drained = one.drain();
  const during = write("during");
  await c.until(drained);
  await c.until(during);
  expect(internalsOf(one).activations).toBe(0);
  expect(c.record(one).state).toBe("draining");
  const fresh = Array.from({ length: 20 }, (_, i) => two.client.get(Diary, `new${i}`).where());
  expect(new Set(await c.until(Promise.all(fresh)))).toEqual(new Set(["silo-2"]));
  for (const id of ids)
    expect(await two.client.get(Diary, id).lines()).toEqual(["before", "during"]);
  // Its own client goes on working.
  expect(await one.client.get(Diary, "d0").where()).toBe("silo-2");
  expect(c.of("activation.deactivated", "silo-1").map((event) => event.reason)).toEqual(
    Array.from({ length: held }, () => "drain"),
  );
});

test("a turn that runs ends before its actor is handed over, and its caller gets its answer", async () => {
  const { Diary, begun, open } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  const running = one.client.get(Diary, "d").writeLater("long");
  await begun("long");
  const stopped = one.stop();
  const next = two.client.get(Diary, "d").write("next");
  await c.clock.advance(2_000);
  expect(await stateOf(stopped)).toBe("pending");
  expect(await stateOf(next)).toBe("pending");
  open("long");
  expect(await c.until(running)).toBe(1);
  expect(await c.until(next)).toBe(2);
  await c.until(stopped);
});

test("all calls that wait at a draining silo meet at one other, which alone claims the actor (R26)", async () => {
  const { Diary, begun, open } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  const others = [await c.add("silo-2"), await c.add("silo-3"), await c.add("silo-4")];
  await c.clock.advance(TTL);
  const running = one.client.get(Diary, "d").writeLater("long");
  await begun("long");
  // Each silo is a caller of its own, which would look for the actor by itself.
  const waiting = Array.from({ length: 12 }, (_, i) =>
    others[i % 3]!.client.get(Diary, "d").write(`line ${i}`),
  );
  await c.clock.advance(100);
  const before = c.operations.length;
  const drained = one.drain();
  await c.clock.advance(10);
  open("long");
  await c.until(Promise.all([running, drained, ...waiting]));
  const after = c.operations.slice(before).filter(({ silo }) => silo !== "silo-1");
  const claims = after.filter(({ operation }) => operation === "claim");
  expect(claims).toHaveLength(1);
  const where = await c.until(others[0]!.client.get(Diary, "d").where());
  expect(claims[0]!.silo).toBe(where);
  // Nobody had to ask where it is.
  expect(after.filter(({ operation }) => operation === "lookup").map(({ silo }) => silo)).toEqual(
    after
      .filter(({ silo, operation }) => operation === "lookup" && silo === where)
      .map(() => where),
  );
  expect(await c.until(others[0]!.client.get(Diary, "d").lines())).toHaveLength(13);
});

test("a hint to a silo that is gone costs its caller a look around, and no failure (R26)", async () => {
  const { Diary, begun, open } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  const two = await c.add("silo-2");
  await c.clock.advance(TTL);
  const running = one.client.get(Diary, "d").writeLater("long");
  await begun("long");
  const waiting = one.client.get(Diary, "d").$with({ timeoutMs: "30s" }).write("next");
  const three = await c.add("silo-3");
  crash(two);
  const drained = one.drain();
  await c.clock.advance(10);
  open("long");
  await c.until(Promise.all([running, drained]));
  expect(await c.until(waiting)).toBe(2);
  expect(await c.until(three.client.get(Diary, "d").where())).toBe("silo-3");
});

class Relay extends Actor {
  static readonly actor = defineActor<Relay>({
    type: "relay",
    placement: "local",
    methods: { there: "read", back: "read" },
  });
  static readonly begun = new Map<string, () => void>();
  static readonly gate = new Map<string, Promise<void>>();
  /** Waits for its gate, then calls another actor, which calls back. */
  async there(other: string): Promise<string> {
    Relay.begun.get(this.ctx.id)?.();
    await Relay.gate.get(this.ctx.id);
    return await this.ctx.get(Relay, other).back(this.ctx.id);
  }
  async back(id: string): Promise<string> {
    return id === this.ctx.id
      ? `${this.ctx.id} on ${this.ctx.silo}`
      : `${await this.ctx.get(Relay, id).back(id)}, asked from ${this.ctx.silo}`;
  }
}

test("a turn that runs while its silo drains may call, and a call of its chain that comes back is let in", async () => {
  await using c = await ScriptedCluster.start({ actors: [Relay] });
  const one = await c.add("silo-1");
  await c.add("silo-2");
  await c.clock.advance(TTL);
  const [begun, gate] = [deferred(), deferred()];
  Relay.begun.set("a", () => begun.resolve());
  Relay.gate.set("a", gate.promise);
  const running = one.client.get(Relay, "a").there("b");
  await begun.promise;
  const drained = one.drain();
  await c.clock.advance(10);
  gate.resolve();
  expect(await c.until(running)).toBe("a on silo-1, asked from silo-2");
  await c.until(drained);
});

test("a turn that outlasts the drain's time is cut off: it sees its signal, and its caller learns that it may have run", async () => {
  const { Diary, begun, aborted } = diaries("local");
  await using c = await ScriptedCluster.start({
    actors: [Diary],
    options: { drainTimeoutMs: "2s" },
  });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  const running = rejection(
    one.client.get(Diary, "d").$with({ timeoutMs: "30s" }).writeLater("long"),
  );
  await begun("long");
  const stopped = one.stop();
  await c.clock.advance(1_900);
  expect(aborted).toEqual([]);
  await c.clock.advance(200);
  expect(aborted).toEqual(["long"]);
  await c.until(stopped);
  expect(await c.until(running)).toMatchObject({ outcome: "unknown" });
  expect(await c.until(two.client.get(Diary, "d").lines())).toEqual([]);
});

test.each(Array.from({ length: 20 }, (_, i) => i + 1))(
  "no caller sees a failure while a silo stops, at whichever moment of it the call leaves (I11), seed %d",
  async (seed) => {
    const { Diary } = diaries("local");
    await using t = await testCluster({ actors: [Diary], silos: 2, seed });
    const ids = ["a", "b", "c"];
    for (const id of ids) await t.clientOf("silo-1").get(Diary, id).write("first");
    const errors: string[] = [];
    let [made, answered, stopped] = [0, 0, false];
    const stopping = t.stop("silo-1").then(() => (stopped = true));
    // Calls leave at every tenth of a millisecond, also when it has long left.
    for (let after = 0; after < 50; after += stopped ? 1 : 0) {
      for (const client of [t.client, t.clientOf("silo-2")])
        for (const id of ids) {
          made += 1;
          void client
            .get(Diary, id)
            .write(`${made}`)
            .then(
              () => (answered += 1),
              (error: unknown) => errors.push(String(error)),
            );
        }
      await t.clock.advance(0.1);
    }
    await stopping;
    // Long before any call's time is up: nobody waits for a silo that has left (I13).
    await t.clock.advance(1_000);
    expect(errors).toEqual([]);
    expect(answered).toBe(made);
    const lines = await Promise.all(ids.map((id) => t.client.get(Diary, id).lines()));
    expect(lines.flat()).toHaveLength(made + ids.length);
  },
);

test("stop() during a drain waits for that drain: no turn is cut off by its own silo's goodbye", async () => {
  const { Diary, begun, open } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  const running = one.client.get(Diary, "d").writeLater("long");
  await begun("long");
  const drained = one.drain();
  const stopped = one.stop();
  await c.clock.advance(2_000);
  expect(await stateOf(stopped)).toBe("pending");
  expect(c.record(one).state).toBe("draining");
  open("long");
  expect(await c.until(running)).toBe(1);
  await c.until(Promise.all([drained, stopped]));
});

test("after a clean stop an actor moves at once: nobody waits for a lease", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  await one.client.get(Diary, "d").write("a");
  // A renewal whose answer is lost moves the record on, without the silo knowing when it says goodbye.
  c.scripts.set("silo-1", (operation) =>
    operation === "renew" ? APPLIED_BUT_REJECTED : undefined,
  );
  const { incarnation } = c.record(one);
  const startedMs = c.nowMs;
  await c.until(one.stop());
  expect(c.store.tables.member(incarnation)?.state).toBe("dead");
  expect(await c.until(two.client.get(Diary, "d").write("b"))).toBe(2);
  expect(c.nowMs - startedMs).toBeLessThan(200);
  expect(c.of("member.dead")).toHaveLength(0);
  // And its name is free at once.
  c.heal("silo-1");
  const again = await c.until(c.add("silo-1"));
  expect(c.nowMs - startedMs).toBeLessThan(200);
  expect(await c.until(again.client.get(Diary, "d").lines())).toEqual(["a", "b"]);
});

test("a silo that loses its lease while it drains goes on draining as its next incarnation", async () => {
  const { Diary, begun } = diaries("local");
  await using c = await ScriptedCluster.start({
    actors: [Diary],
    options: { drainTimeoutMs: "1m" },
  });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  void rejection(one.client.get(Diary, "d").$with({ timeoutMs: "50s" }).writeLater("long"));
  await begun("long");
  const drained = one.drain();
  await c.clock.advance(10);
  const { incarnation, rev } = c.record(one);
  await c.store.directory.markDead({ incarnation, expectedRev: rev });
  await c.clock.advance(TTL);
  await c.until(drained);
  expect(internalsOf(one).incarnation).not.toBe(incarnation);
  expect(c.record(one).state).toBe("draining");
  expect(await c.until(one.client.get(Diary, "other").where())).toBe("silo-2");
  expect(await c.until(two.client.get(Diary, "d").where())).toBe("silo-2");
});

test("calls on a silo that crashes fail when its death is announced, as unknown, long before their timeout", async () => {
  const { Diary, begun } = diaries("local");
  await using c = await ScriptedCluster.start({
    actors: [Diary],
    options: { callTimeoutMs: "1m" },
  });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  // They look at different times.
  await c.clock.advance(600);
  const three = await c.add("silo-3");
  await one.client.get(Diary, "d").write("a");
  const calls = [two, three].map(async (silo, i) => {
    const error = await rejection(silo.client.get(Diary, "d").writeLater(`line ${i}`));
    return { error, atMs: c.nowMs };
  });
  await begun("line 0");
  const crashedMs = c.nowMs;
  crash(one);
  const failed = await c.until(Promise.all(calls));
  for (const { error, atMs } of failed) {
    expect(error).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "unknown" });
    expect(atMs - crashedMs).toBeGreaterThanOrEqual(TTL * 0.6);
    expect(atMs - crashedMs).toBeLessThan(TTL * 1.002 + TTL / 3);
  }
  // One of the two marked the death; the other was told.
  expect(Math.abs(failed[0]!.atMs - failed[1]!.atMs)).toBeLessThan(20);
  expect(await c.until(two.client.get(Diary, "d").write("b"))).toBe(2);
});

test("the name of a silo that lives is refused, with the reason", async () => {
  const { Diary } = diaries();
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  const refused = await c.until(rejection(c.add("silo-1")));
  expect(refused).toMatchObject({ code: "CONFIG" });
  expect(String(refused)).toContain("another silo named 'silo-1' is alive");
  // As soon as the first one's record stirs.
  expect(c.nowMs).toBeLessThan(TTL);
  expect(c.openSessions).toBe(2);
  expect(await one.client.get(Diary, "d").write("x")).toBe(1);
});

test("the name of a silo that crashed is free when its lease is over, and its actors come back with it", async () => {
  const { Diary } = diaries();
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  await one.client.get(Diary, "d").write("a");
  crash(one);
  const crashedMs = c.nowMs;
  const again = await c.until(c.add("silo-1"));
  expect(c.nowMs - crashedMs).toBeGreaterThan(TTL);
  expect(c.nowMs - crashedMs).toBeLessThan(1.1 * TTL);
  expect(await c.until(again.client.get(Diary, "d").write("b"))).toBe(2);
  expect(c.of("member.dead").map((event) => event.name)).toEqual(["silo-1"]);
});

test("a silo that finds its predecessor dead while it starts announces that death as soon as it can speak", async () => {
  const { Diary } = diaries();
  await using t = await testCluster({ actors: [Diary], silos: 1 });
  const diary = t.client.get(Diary, "d");
  await diary.write("a");
  // The call is lost on its way, then the process is gone; nobody else is there to mark it dead.
  t.partition(["client"], ["silo-1"]);
  const failed = rejection(diary.$with({ timeoutMs: "1m" }).write("b"));
  await t.clock.advance("10ms");
  t.crash("silo-1");
  t.heal();
  await t.start("silo-1");
  expect(await failed).toMatchObject({ outcome: "unknown" });
  expect(t.clock.nowMs).toBeLessThan(2 * TTL);
});

test("a client that missed the announcement of a death asks, and its calls there end long before their time (U1, U2)", async () => {
  const { Diary } = diaries("balanced");
  await using t = await testCluster({ actors: [Diary], silos: 3 });
  const diary = t.client.get(Diary, "d");
  await diary.write("a");
  const owner = await diary.where();
  const others = ["silo-1", "silo-2", "silo-3"].filter((name) => name !== owner);
  t.partition(["client"], [owner]);
  const failed = rejection(diary.$with({ timeoutMs: "1m" }).write("b"));
  const repeated = diary.$with({ timeoutMs: "1m" }).lines();
  await t.clock.advance("10ms");
  t.crash(owner);
  // Nothing that the others say reaches the client until the death is old.
  t.partition(["client"], others);
  await t.clock.advance(2 * TTL);
  t.heal();
  const healedMs = t.clock.nowMs;
  expect(await failed).toMatchObject({ outcome: "unknown" });
  expect(await repeated).toEqual(["a"]);
  expect(t.clock.nowMs - healedMs).toBeLessThan(3_000);
});

test("a save that was held between its silo and the store across the takeover is refused, and the new owner's value stands", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  // A machine of its own, which can be suspended.
  const clock = new DriftingClock(c.clock);
  const events: TenureEvent[] = [];
  const one = await createSilo(
    {
      actors: [Diary],
      name: "silo-1",
      onEvent: (event) => events.push(event),
      ...c.ports("silo-1"),
    },
    { clock, random: seededRandom(7) },
  );
  const two = await c.add("silo-2");
  await one.client.get(Diary, "d").write("before");

  const save = c.storage.holdNext();
  const held = one.client.get(Diary, "d").write("of the old owner");
  await save.arrived;
  clock.sleep(2 * TTL);
  c.deaf.add("silo-1");
  await c.clock.advance(1.5 * TTL);
  expect(c.of("member.dead", "silo-2")).toHaveLength(1);
  expect(await c.until(two.client.get(Diary, "d").write("of the new owner"))).toBe(2);
  const generation = await two.client.get(Diary, "d").generation();

  // The save reaches the store, and its answer is the first thing that the machine finds when it is back.
  save.letGo();
  await c.clock.settle();
  c.deaf.delete("silo-1");
  await c.clock.advance(0.5 * TTL);
  const fenced = events.filter((event) => event.type === "activation.fenced");
  expect(fenced).toMatchObject([
    { operation: "save", error: "FencedError", storedGeneration: generation, silo: "silo-1" },
  ]);
  // Provably nothing remained of the call, so it was repeated, where the actor lives now (R24).
  expect(await c.until(held)).toBe(3);
  const lines = ["before", "of the new owner", "of the old owner"];
  expect(await c.until(two.client.get(Diary, "d").lines())).toEqual(lines);
  // A silo that was dead for the others starts anew.
  await c.clock.advance(TTL);
  expect(events.map((event) => event.type)).toContain("silo.lost");
  expect(await c.until(one.client.get(Diary, "d").lines())).toEqual(lines);
  await c.until(one.stop());
});
