// A silo that cannot renew: it pauses, and either resumes as if nothing had been or starts anew.
import { Actor, CallError, defineActor, type Silo } from "tenure";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { deferred, rejection, stateOf } from "../support/deferred.ts";
import { diaries } from "../support/diary.ts";
import { REJECTED } from "../support/scripted-directory.ts";
import { ScriptedCluster, TTL } from "../support/scripted-cluster.ts";

/** No silo has it: whoever is asked for one reads the member records again. */
class Unheard extends Actor {
  static readonly actor = defineActor<Unheard>({ type: "unheard-of" });
  async ask(): Promise<void> {}
}

/** Well past every lease. */
const OUTAGE_MS = 30_000;

test("an outage of the directory pauses its silos: refused calls did not run, saves and replies wait, nothing moves", async () => {
  const { Diary, begun, open, aborted } = diaries("local");
  await using c = await ScriptedCluster.start({
    actors: [Diary],
    options: { callTimeoutMs: 60_000 },
  });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  for (const id of ["a", "b", "c"]) await one.client.get(Diary, id).write("before");
  const generation = await one.client.get(Diary, "a").generation();
  const running = two.client.get(Diary, "a").writeLater("during");
  await c.until(begun("during"));
  const activations = c.of("activation.activated").length;

  c.cut("*");
  await c.clock.advance(1.1 * TTL);
  expect(c.of("silo.paused").map((event) => event.silo)).toEqual(["silo-1", "silo-2"]);
  // The turn ends while its silo is paused: neither its save nor its reply leaves.
  const saves = c.storage.saves.length;
  open("during");
  await c.clock.advance(100);
  expect(c.storage.saves).toHaveLength(saves);
  expect(await stateOf(running)).toBe("pending");
  // A call that comes now is refused for as long as its caller likes to wait.
  const refused = await c.until(
    rejection(two.client.get(Diary, "b").$with({ timeoutMs: 1_000 }).write("refused")),
  );
  expect(refused).toBeInstanceOf(CallError);
  expect(refused).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  await c.clock.advance(OUTAGE_MS);

  c.heal("*");
  const healedMs = c.nowMs;
  expect(await c.until(running)).toBe(2);
  // A skipped round, and what was asked last before the store came back.
  expect(c.nowMs - healedMs).toBeLessThan(TTL / 3);
  await c.clock.advance(TTL);
  expect(c.of("silo.resumed")).toHaveLength(2);
  expect(c.of("silo.lost")).toHaveLength(0);
  expect(c.of("member.dead")).toHaveLength(0);
  expect(c.of("activation.activated")).toHaveLength(activations);
  expect(c.of("activation.deactivated")).toHaveLength(0);
  expect(aborted).toEqual([]);
  expect(await one.client.get(Diary, "b").lines()).toEqual(["before"]);
  expect(await one.client.get(Diary, "a").generation()).toBe(generation);
});

test("an outage of the transport kills nobody either: the silo that renewed last does not judge the others (L2)", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const silos: Silo[] = [];
  // Their rounds are spread over the third of a lease.
  for (let i = 1; i <= 4; i++) {
    silos.push(await c.add(`silo-${i}`));
    await c.clock.advance(330);
  }
  await Promise.all(silos.map((silo) => silo.client.get(Diary, silo.name).write("x")));
  const [first, last] = [silos[0]!, silos[3]!];
  // The last one has looked just after the first one's last renewal, and renews itself once more.
  const { rev } = c.record(first);
  while (c.record(first).rev === rev) await c.clock.advance(1);
  await c.until(rejection(last.client.get(Unheard, "x").ask()));
  await c.clock.advance(1_000);
  c.deaf.add("*");
  await c.clock.advance(OUTAGE_MS);
  expect(c.of("silo.paused")).toHaveLength(4);
  c.deaf.clear();
  await c.clock.advance(2 * TTL);
  expect(c.of("member.dead")).toHaveLength(0);
  expect(c.of("silo.resumed")).toHaveLength(4);
  expect(c.of("activation.activated")).toHaveLength(4);
});

test("a silo that is marked dead while it is paused aborts its activations, rejoins as a new incarnation and serves again", async () => {
  const { Diary, begun, open, aborted } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  await c.clock.advance(500);
  await one.client.get(Diary, "a").write("before");
  const first = internalsOf(one).incarnation;
  const running = rejection(
    one.client.get(Diary, "a").$with({ timeoutMs: "50s" }).writeLater("during"),
  );
  await begun("during");

  c.cut("silo-1");
  await c.clock.advance(2 * TTL);
  expect(c.of("silo.paused", "silo-1")).toHaveLength(1);
  expect(c.of("member.dead").map((event) => [event.by, event.incarnation])).toEqual([
    [internalsOf(two).incarnation, first],
  ]);
  expect(await c.until(two.client.get(Diary, "a").write("taken over"))).toBe(2);
  expect(aborted).toEqual([]);

  c.heal("silo-1");
  await c.clock.advance(TTL);
  expect(aborted).toEqual(["during"]);
  open("during");
  expect(await c.until(running)).toMatchObject({ outcome: "unknown" });
  expect(c.of("silo.lost", "silo-1").map((event) => event.incarnation)).toEqual([first]);
  expect(c.of("activation.deactivated", "silo-1")).toMatchObject([{ reason: "lease-lost" }]);
  expect(internalsOf(one).incarnation).not.toBe(first);
  // It serves new actors, and finds those that it has lost.
  expect(await c.until(one.client.get(Diary, "new").where())).toBe("silo-1");
  expect(await c.until(one.client.get(Diary, "a").lines())).toEqual(["before", "taken over"]);
});

test("a silo that is paused for too long gives up, and is back as soon as its store is, with no lease to wait for", async () => {
  const { Diary, aborted, begun } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  void rejection(one.client.get(Diary, "a").$with({ timeoutMs: "200s" }).writeLater("during"));
  await begun("during");
  c.cut("*");
  await c.clock.advance(70_000);
  expect(c.of("silo.lost").map((event) => event.reason)).toEqual(["paused for more than 60 s"]);
  expect(aborted).toEqual(["during"]);
  c.heal("*");
  const healedMs = c.nowMs;
  expect(await c.until(one.client.get(Diary, "a").write("after"))).toBe(1);
  expect(c.nowMs - healedMs).toBeLessThan(1_000);
});

test("every wait for the lease ends with the silo: stop() during a pause does not hang", async () => {
  const { Diary, begun, open } = diaries("local");
  await using c = await ScriptedCluster.start({
    actors: [Diary],
    options: { drainTimeoutMs: 5_000 },
  });
  const one = await c.add("silo-1");
  const running = rejection(one.client.get(Diary, "a").$with({ timeoutMs: "60s" }).writeLater("x"));
  await begun("x");
  c.cut("*");
  await c.clock.advance(2 * TTL);
  open("x");
  await c.until(one.stop(), 20_000);
  expect(await running).toMatchObject({ outcome: "unknown" });
  expect(c.openSessions).toBe(0);
});

test("stop() while the silo rejoins leaves nothing running", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  for (const stopAfterMs of [1, 200, 700, 1_500]) {
    const name = `silo-${stopAfterMs}`;
    const silo = await c.add(name);
    const { incarnation, rev } = c.record(silo);
    // Every answer takes its time, so that the stop meets each step of a rejoin.
    c.scripts.set(name, () => ({ request: 150, answer: 150 }));
    await c.store.directory.markDead({ incarnation, expectedRev: rev });
    await c.clock.advance(TTL / 3 + 310 + stopAfterMs);
    expect(c.of("silo.lost", name)).toHaveLength(1);
    await c.until(silo.stop());
    const before = c.operations.length;
    await c.clock.advance(3 * TTL);
    expect(c.operations.slice(before).filter((one) => one.silo === name)).toEqual([]);
    expect(c.openSessions).toBe(0);
  }
  // Whoever registered has said goodbye.
  for (const [, member] of c.store.tables.members()) expect(member.state).toBe("dead");
});

test.each(["join", "renewals", "store", "death"] as const)(
  "a start that fails half-way (%s) says why and leaves nothing behind",
  async (how) => {
    const { Diary } = diaries("local");
    await using c = await ScriptedCluster.start({ actors: [Diary] });
    const ports = c.ports("silo-1");
    if (how === "renewals")
      c.scripts.set("silo-1", (operation) =>
        operation === "renew" ? { request: "lost", answer: "rejected" } : undefined,
      );
    if (how === "store")
      c.scripts.set("silo-1", (operation) => (operation === "register" ? undefined : REJECTED));
    if (how === "death")
      c.scripts.set("silo-1", (operation) => {
        if (operation === "renew")
          for (const [incarnation, { rev }] of c.store.tables.members())
            void c.store.directory.markDead({ incarnation, expectedRev: rev });
        return operation === "renew" ? { request: 1 } : undefined;
      });
    const transport = {
      name: "refusing",
      open: async (environment: Parameters<typeof ports.transport.open>[0]) => {
        const opened = await ports.transport.open(environment);
        return { ...opened, join: () => Promise.reject(new Error("no subscription")) };
      },
    };
    const failed = await c.until(
      rejection(c.add("silo-1", how === "join" ? { transport } : {})),
      60_000,
    );
    expect(String(failed)).toContain(
      {
        join: "no subscription",
        renewals: "not done within",
        store: "not done within",
        death: "marked dead",
      }[how],
    );
    expect(c.openSessions).toBe(0);
    const before = c.operations.length;
    await c.clock.advance(5 * TTL);
    expect(c.operations).toHaveLength(before);
    // The name is free at once, if the silo could say so.
    c.heal("silo-1");
    const again = await c.until(c.add("silo-1"), how === "store" ? 2 * TTL : TTL / 2);
    expect(await again.client.get(Diary, "d").write("x")).toBe(1);
  },
);

test("an activation that ends on a paused silo keeps its actor until its replies have left (I4)", async () => {
  const entered = deferred<void>();
  const gate = deferred<void>();
  class Reader extends Actor<{ n: number }> {
    static readonly actor = defineActor<Reader>({
      type: "reader",
      state: () => ({ n: 0 }),
      methods: { readAndLeave: "read" },
      placement: "local",
    });
    async add() {
      return ++this.state.n;
    }
    async readAndLeave() {
      this.ctx.deactivate();
      entered.resolve();
      await gate.promise;
      return this.state.n;
    }
  }
  await using c = await ScriptedCluster.start({ actors: [Reader] });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  expect(await c.until(one.client.get(Reader, "r").add())).toBe(1);
  const read = one.client.get(Reader, "r").readAndLeave();
  await c.until(entered.promise);
  // It does not hear itself, and so does not renew; it reaches the directory all the same. Nobody declares it dead meanwhile.
  c.deaf.add("silo-1");
  c.scripts.set("silo-2", (operation) => (operation === "markDead" ? REJECTED : undefined));
  while (c.of("silo.paused", "silo-1").length === 0) await c.clock.advance(5);
  gate.resolve();
  await c.clock.advance(50);
  // Its owner does not hear this call either. Had the actor been given up, silo-2 would claim it and serve.
  const unheard = rejection(two.client.get(Reader, "r").$with({ timeoutMs: 50 }).add());
  await c.clock.advance(100);
  expect(await unheard).toMatchObject({ code: "CALL_TIMEOUT" });
  expect(await stateOf(read)).toBe("pending");
  expect(c.of("activation.claimed", "silo-2")).toHaveLength(0);

  c.deaf.delete("silo-1");
  expect(await c.until(read)).toBe(1);
  expect(c.of("silo.lost")).toHaveLength(0);
  expect(c.of("activation.claimed", "silo-2")).toHaveLength(0);
  expect(await c.until(two.client.get(Reader, "r").add())).toBe(2);
});
