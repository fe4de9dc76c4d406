// The lease keeper on a virtual clock, with a directory and a transport of which anything can be lost.
import type { EventBody, MemberRecord } from "@tenure/core/internal";
import { afterEach, expect, test } from "vitest";
import { DriftingClock } from "../../../test/support/drifting-clock.ts";
import { memoryTables } from "../../../test/support/memory-tables.ts";
import {
  APPLIED_BUT_LOST,
  APPLIED_BUT_REJECTED,
  type Fate,
  NEVER,
  REJECTED,
  scriptedDirectory,
} from "../../../test/support/scripted-directory.ts";
import { StepClock } from "../../../test/support/step-clock.ts";
import { leaseTiming } from "./lease.ts";
import { LeaseKeeper } from "./lease-keeper.ts";

const TTL = 4_000;
const TIMING = leaseTiming(TTL);
const running: AbortController[] = [];

afterEach(() => {
  for (const run of running.splice(0)) run.abort();
});

async function holding(options: { readonly firstRound?: boolean } = {}) {
  const truth = new StepClock();
  const clock = new DriftingClock(truth);
  const { directory, tables } = memoryTables();
  const fates: (Fate | undefined)[] = [];
  const world = {
    /** What becomes of renewals when the list of `fates` is used up. */
    fate: undefined as Fate | undefined,
    probes: "arrive" as "arrive" | "lost",
    probe: 0,
  };
  const renewals: { readonly atMs: number; readonly expectedRev: number }[] = [];
  const events: EventBody[] = [];
  const lost: string[] = [];
  const incarnation = "a".repeat(32);
  const registered = await directory.register({
    incarnation,
    name: "silo-1",
    types: {},
    roles: [],
    protocol: 1,
    proposedStoreId: "store",
    bootstrap: true,
  });
  if (!registered.answer.ok) throw new Error("not registered");
  const keeper: LeaseKeeper = new LeaseKeeper(
    {
      incarnation,
      timing: TIMING,
      clock,
      directory: scriptedDirectory(directory, { truth, silo: clock }, (operation, request) => {
        if (operation !== "renew") return undefined;
        const { expectedRev } = request as { expectedRev: number };
        renewals.push({ atMs: truth.monotonicMs(), expectedRev });
        return fates.length > 0 ? fates.shift() : world.fate;
      }),
      emit: (event) => events.push(event),
      host: {
        sendProbe: (round) => {
          world.probe = round;
          if (world.probes === "arrive") truth.after(1, () => keeper.probeArrived(round));
        },
        load: () => 0,
        acknowledged: () => 0,
        renewed: () => undefined,
        lost: (reason) => lost.push(reason),
      },
    },
    registered.answer.member,
  );
  const run = new AbortController();
  running.push(run);
  const ran = keeper.run(run.signal).catch(() => undefined);
  if (options.firstRound !== false) await truth.advance(2);
  const record = (): MemberRecord => tables.member(incarnation)!;
  return {
    truth,
    clock,
    keeper,
    directory,
    record,
    world,
    fates,
    renewals,
    events,
    lost,
    run,
    ran,
  };
}

const types = (events: readonly EventBody[]): string[] => events.map((event) => event.type);

test("a lease is renewed each third of its time, counted from round to round", async () => {
  const { truth, renewals, world } = await holding();
  world.fate = { request: 100, answer: 100 };
  await truth.advance(8_000);
  const gaps = renewals.slice(1).map((renewal, i) => renewal.atMs - renewals[i]!.atMs);
  expect(gaps).toHaveLength(6);
  for (const gap of gaps) expect(gap).toBeCloseTo(TIMING.roundMs, 3);
});

test("the lease ends by its deadline alone, counted from when the newest acknowledged renewal was sent (L1, L5)", async () => {
  const { truth, keeper, world, renewals } = await holding();
  world.fate = { answer: 500 };
  await truth.advance(TIMING.roundMs + 600);
  const sentAtMs = renewals.at(-1)!.atMs;
  world.fate = NEVER;
  await truth.advance(sentAtMs + TIMING.serveMs - 1 - truth.monotonicMs());
  expect(keeper.holds()).toBe(true);
  await truth.advance(1);
  expect(keeper.holds()).toBe(false);
});

test.each([
  ["rejected", REJECTED],
  ["never answered", NEVER],
  ["applied and rejected", APPLIED_BUT_REJECTED],
  ["applied and never answered", APPLIED_BUT_LOST],
])("renewals that are %s pause the silo and do not end it (L7)", async (_how, fate) => {
  const { truth, keeper, world, events, lost } = await holding();
  world.fate = fate;
  await truth.advance(30_000);
  expect(keeper.holds()).toBe(false);
  expect(types(events)).toContain("silo.paused");
  const held = keeper.whenHeld();
  world.fate = undefined;
  await truth.advance(TIMING.roundMs + TIMING.retryMs + 10);
  await held;
  expect(keeper.holds()).toBe(true);
  expect(lost).toEqual([]);
  const resumed = events.find((event) => event.type === "silo.resumed");
  expect(resumed?.pausedMs).toBeGreaterThan(25_000);
  expect(types(events).filter((type) => type === "silo.paused")).toHaveLength(1);
});

test("a renewal that finds its own record ahead adopts its rev and proves nothing about time (L6)", async () => {
  const { truth, keeper, fates, renewals, record, world } = await holding();
  const sentAtMs = renewals[0]!.atMs;
  // The next two are applied without an answer; after that the store only says that the record is ahead.
  fates.push(APPLIED_BUT_REJECTED, NEVER);
  world.fate = NEVER;
  await truth.advance(sentAtMs + TIMING.serveMs - truth.monotonicMs());
  expect(record().rev).toBe(3);
  expect(keeper.holds()).toBe(false);
  // A conflict that is not followed by a renewal leaves the silo paused.
  fates.push(undefined, NEVER);
  await truth.advance(2 * TIMING.roundMs);
  expect(keeper.rev).toBe(3);
  expect(keeper.holds()).toBe(false);
  world.fate = undefined;
  await truth.advance(TIMING.roundMs);
  expect(keeper.holds()).toBe(true);
});

test("after a conflict the renewal is sent again at once, from the rev that the record has (L6)", async () => {
  const { truth, keeper, fates, renewals, record } = await holding();
  fates.push({ again: 0, answer: "rejected" });
  await truth.advance(TIMING.roundMs + 5);
  const before = renewals.length;
  await truth.advance(TIMING.retryMs + 5);
  expect(renewals.slice(before).map((renewal) => renewal.expectedRev)).toEqual([2, 3]);
  expect(keeper.rev).toBe(record().rev);
});

test("an answer that comes after its time changes nothing, and a request that arrives twice counts once", async () => {
  const { truth, keeper, fates, world, record } = await holding();
  fates.push({ answer: TIMING.roundMs + 50 });
  world.fate = NEVER;
  await truth.advance(TIMING.roundMs + 5);
  await truth.advance(TIMING.serveMs - TIMING.roundMs);
  expect(keeper.holds()).toBe(false);
  world.fate = { again: 300 };
  await truth.advance(TTL);
  expect(keeper.holds()).toBe(true);
  expect(keeper.rev).toBe(record().rev);
});

test("a silo that cannot reach itself does not renew; the next round follows soon (L4)", async () => {
  const { truth, keeper, world, renewals } = await holding();
  world.probes = "lost";
  const before = renewals.length;
  const probe = world.probe;
  await truth.advance(TIMING.roundMs + 3 * (TIMING.probeMs + TIMING.retryMs));
  expect(renewals).toHaveLength(before);
  expect(world.probe - probe).toBe(4);
  await truth.advance(TTL);
  expect(keeper.holds()).toBe(false);
  // A message of an earlier round proves nothing about now.
  keeper.probeArrived(world.probe - 1);
  await truth.advance(1);
  expect(renewals).toHaveLength(before);
  world.probes = "arrive";
  await truth.advance(TIMING.probeMs + TIMING.retryMs + 10);
  expect(keeper.holds()).toBe(true);
});

test("a renewal outside the rounds needs the message to itself too, and never overlaps a round (L4, L5)", async () => {
  const { truth, keeper, world, renewals, record } = await holding();
  world.fate = { request: 200, answer: 200 };
  await truth.advance(TIMING.roundMs + 100);
  keeper.drain();
  const before = renewals.length;
  const both = Promise.all([keeper.renewNow(), keeper.renewNow()]);
  await truth.advance(305);
  expect(record().state).toBe("alive");
  expect(renewals).toHaveLength(before + 1);
  await truth.advance(405);
  expect(await both).toEqual([true, true]);
  expect(record().state).toBe("draining");
  world.probes = "lost";
  const unproven = keeper.renewNow();
  await truth.advance(TIMING.probeMs + 5);
  expect(await unproven).toBe(false);
  const stopped = keeper.renewNow();
  keeper.stop();
  expect(await stopped).toBe(false);
  expect(await keeper.renewNow()).toBe(false);
});

test("a record that is marked dead ends the incarnation, once", async () => {
  const { truth, keeper, directory, record, lost, ran } = await holding();
  const waiting = (): Promise<unknown> | undefined => keeper.whenHeld()?.catch((e: unknown) => e);
  await directory.markDead({ incarnation: record().incarnation, expectedRev: record().rev });
  await truth.advance(TIMING.roundMs + 5);
  expect(lost).toEqual(["its member record was marked dead"]);
  expect(keeper.holds()).toBe(false);
  expect(String(await waiting())).toContain("marked dead");
  keeper.end("again");
  expect(lost).toHaveLength(1);
  await ran;
});

test("a pause beyond the limit ends the incarnation, also when nobody was awake to notice it (L7)", async () => {
  const away = await holding();
  away.world.fate = REJECTED;
  await away.truth.advance(70_000);
  expect(away.lost).toEqual(["paused for more than 60 s"]);

  const asleep = await holding();
  asleep.clock.sleep(70_000);
  await asleep.truth.advance(72_000);
  expect(asleep.lost).toEqual(["paused for more than 60 s"]);
  expect(asleep.keeper.holds()).toBe(false);
});

test("a machine that slept, or a loop that was blocked, past the deadline finds itself paused before any timer says so (L8)", async () => {
  for (const still of ["sleep", "block"] as const) {
    const { truth, clock, keeper, events } = await holding();
    await truth.advance(500);
    clock[still](10_000);
    await truth.advance(9_999.5);
    expect(keeper.holds()).toBe(false);
    const period = keeper.witnessPeriod();
    expect(period).toBeUndefined();
    await truth.advance(2 * TIMING.roundMs);
    expect(keeper.holds()).toBe(true);
    expect(types(events)).toEqual(["silo.paused", "silo.resumed"]);
  }
});

test("a lapse that nobody noticed is reported all the same, and starts a new period of serving", async () => {
  const { truth, clock, keeper, events } = await holding();
  const before = keeper.witnessPeriod();
  clock.sleep(10_000);
  await truth.advance(12_000);
  expect(types(events)).toEqual(["silo.paused", "silo.resumed"]);
  const resumed = events.find((event) => event.type === "silo.resumed");
  // It slept 10 s of which the lease covered the first 3.7.
  expect(resumed?.pausedMs).toBeGreaterThan(6_000);
  expect(keeper.witnessPeriod()).not.toBe(before);
});

test("an answer that a sleeping machine took only after its deadline does not let it serve (L5)", async () => {
  const { truth, clock, keeper, fates } = await holding();
  fates.push({ answer: 10 });
  await truth.advance(TIMING.roundMs + 1);
  clock.sleep(10_000);
  await truth.advance(10_005);
  expect(keeper.holds()).toBe(false);
});

test.each([
  ["ahead", 300],
  ["back", -300],
])(
  "a wall clock that jumps %s over the margin pauses until a renewal that was sent after it",
  async (_how, ms) => {
    const { truth, clock, keeper, events, fates } = await holding();
    await truth.advance(100);
    clock.jumpWall(ms / 2);
    expect(keeper.holds()).toBe(true);
    clock.jumpWall(ms);
    // A jump is looked for once per turn of the event loop.
    await truth.advance(1);
    expect(keeper.holds()).toBe(false);
    // Back again does not help: what was measured meanwhile is not known.
    clock.jumpWall(-ms);
    expect(keeper.holds()).toBe(false);
    fates.push({ answer: 200 });
    await truth.advance(100);
    expect(keeper.holds()).toBe(false);
    await truth.advance(105);
    expect(keeper.holds()).toBe(true);
    expect(types(events)).toEqual(["silo.paused", "silo.resumed"]);
  },
);

test("a renewal under way while the wall clock jumps is not one that was sent after it", async () => {
  const { truth, clock, keeper, fates } = await holding();
  fates.push({ answer: 200 }, { answer: 100 });
  await truth.advance(TIMING.roundMs + 50);
  clock.jumpWall(5_000);
  expect(keeper.holds()).toBe(false);
  await truth.advance(160);
  expect(keeper.holds()).toBe(false);
  await truth.advance(100);
  expect(keeper.holds()).toBe(true);
});

test("stop() ends everything: no round begins, what waits is told, no answer counts", async () => {
  const { truth, keeper, world, renewals, lost, events, run, ran } = await holding();
  world.fate = { answer: 300 };
  await truth.advance(TIMING.roundMs + 5);
  const asked = keeper.renewNow();
  keeper.stop();
  run.abort();
  expect(await asked).toBe(false);
  const before = renewals.length;
  await truth.advance(3 * TTL);
  expect(renewals).toHaveLength(before);
  expect(keeper.holds()).toBe(false);
  expect(lost).toEqual([]);
  expect(events).toEqual([]);
  await ran;
});

test("nothing is held before the first renewal is acknowledged", async () => {
  const { truth, keeper, fates } = await holding({ firstRound: false });
  fates.push({ answer: 100 });
  expect(keeper.holds()).toBe(false);
  await truth.advance(50);
  expect(keeper.holds()).toBe(false);
  const held = keeper.whenHeld();
  await truth.advance(60);
  await held;
  expect(keeper.holds()).toBe(true);
});
