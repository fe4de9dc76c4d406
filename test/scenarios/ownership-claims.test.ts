// Who gets an actor, on real silos over one scripted directory.
import { describe, expect, test } from "vitest";
import { crash, internalsOf } from "../../packages/testing/src/crash.ts";
import { diaries } from "../support/diary.ts";
import { ScriptedCluster, TTL } from "../support/scripted-cluster.ts";

const ADDRESS = { type: "diary", id: "d" };

test("two silos race for an actor's first activation: one activates it, both callers are served by that one", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const [one, two] = [await c.add("silo-1"), await c.add("silo-2")];
  // They know of each other, so that both look it up before they claim it, and both find it free.
  await c.clock.advance(TTL);
  const written = Promise.all([one, two].map((silo) => silo.client.get(Diary, "d").write("x")));
  expect(new Set(await c.until(written))).toEqual(new Set([1, 2]));
  const claims = c.operations.filter(({ operation }) => operation === "claim");
  expect(new Set(claims.map(({ silo }) => silo)).size).toBe(2);
  expect(c.of("activation.claimed")).toHaveLength(1);
  expect(c.of("activation.activated")).toHaveLength(1);
  expect(await one.client.get(Diary, "d").where()).toBe(await two.client.get(Diary, "d").where());
});

test("two silos race to take over a dead silo's actor: one displaces it, by the token it saw (R2)", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const [one, two, three] = [await c.add("silo-1"), await c.add("silo-2"), await c.add("silo-3")];
  await one.client.get(Diary, "d").write("a");
  crash(one);
  const written = Promise.all([two, three].map((silo) => silo.client.get(Diary, "d").write("b")));
  expect(new Set(await c.until(written))).toEqual(new Set([2, 3]));
  expect(c.of("activation.claimed").map((event) => event.reason)).toEqual(["call", "takeover"]);
  const claims = c.store.tables.entry(ADDRESS)!.claims.map((claim) => claim.generation);
  expect(claims).toHaveLength(2);
  expect(claims[1]).toBeGreaterThan(claims[0]!);
});

test("a silo that does not know yet that it is dead claims nothing (R18); it rejoins and serves", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  const before = internalsOf(one).incarnation!;
  await c.store.directory.markDead({ incarnation: before, expectedRev: c.record(one).rev });
  const written = one.client.get(Diary, "d").write("x");
  expect(await c.until(written)).toBe(1);
  const entry = c.store.tables.entry(ADDRESS);
  expect(entry?.incarnation).toBe(internalsOf(one).incarnation);
  expect(entry?.claims.map((claim) => claim.incarnation)).not.toContain(before);
  expect(c.of("silo.lost").map((event) => event.incarnation)).toEqual([before]);
});

test("a released actor is claimed again with a higher generation, on the same silo too (R11, R15)", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  const diary = one.client.get(Diary, "d");
  await diary.write("a");
  const first = await diary.generation();
  await diary.leave();
  await c.clock.settle();
  expect(c.store.tables.entry(ADDRESS)?.free).toBe(true);
  expect(await diary.lines()).toEqual(["a"]);
  expect(await diary.generation()).toBeGreaterThan(first);
});

test("an actor whose last owner has no member record moves after a whole watched lease, not before (R16)", async () => {
  const { Diary } = diaries("local");
  await using c = await ScriptedCluster.start({ actors: [Diary] });
  const one = await c.add("silo-1");
  const gone = "f".repeat(32);
  c.store.tables.putEntry(ADDRESS, {
    incarnation: gone,
    token: "lost",
    generation: 41,
    free: false,
    claims: [],
  });
  const askedMs = c.nowMs;
  const written = one.client.get(Diary, "d").write("x");
  await c.clock.advance(TTL);
  expect(c.store.tables.entry(ADDRESS)?.token).toBe("lost");
  expect(await c.until(written)).toBe(1);
  // A lease, a round until it is first missed, and the back-off of the call.
  expect(c.nowMs - askedMs).toBeLessThan(TTL * 1.002 + TTL / 3 + 500);
  expect(await one.client.get(Diary, "d").generation()).toBeGreaterThan(41);
  expect(c.store.tables.member(gone)?.state).toBe("dead");
});

describe("a directory whose entries may have been lost (R13)", () => {
  test("gives no absent actor away before it was watched for a whole lease", async () => {
    const { Diary } = diaries("local");
    await using c = await ScriptedCluster.start({ actors: [Diary], startsOpen: false });
    const [one] = [await c.add("silo-1"), await c.add("silo-2")];
    const openedMs = c.nowMs;
    const written = one.client.get(Diary, "d").write("x");
    await c.clock.advance(TTL);
    expect(c.of("directory.opened")).toHaveLength(0);
    expect(c.store.tables.entry(ADDRESS)).toBeUndefined();
    expect(await c.until(written)).toBe(1);
    expect(c.of("directory.opened").length).toBeGreaterThan(0);
    expect(c.nowMs - openedMs).toBeLessThan(TTL * 1.002 + 500);
  });

  test("is open at once where the start is declared new", async () => {
    const { Diary } = diaries("local");
    await using c = await ScriptedCluster.start({ actors: [Diary], startsOpen: false });
    const one = await c.add("silo-1", { bootstrap: true });
    expect(await one.client.get(Diary, "d").write("x")).toBe(1);
    expect(c.nowMs).toBe(0);
  });
});
