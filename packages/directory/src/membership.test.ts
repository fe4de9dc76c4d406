// The observer on a virtual clock: whom it marks dead, and above all whom it does not.
import type { EventBody, Incarnation } from "@tenure/core/internal";
import { afterEach, expect, test } from "vitest";
import { DriftingClock } from "../../../test/support/drifting-clock.ts";
import { memoryTables } from "../../../test/support/memory-tables.ts";
import {
  APPLIED_BUT_REJECTED,
  type Fate,
  type Operation,
  NEVER,
  REJECTED,
  scriptedDirectory,
} from "../../../test/support/scripted-directory.ts";
import { StepClock } from "../../../test/support/step-clock.ts";
import { leaseTiming } from "./lease.ts";
import { Membership } from "./membership.ts";

const TTL = 4_000;
const TIMING = leaseTiming(TTL);
const SELF = "0".repeat(32);
const OTHER = "b".repeat(32);
const running: AbortController[] = [];

afterEach(() => {
  for (const run of running.splice(0)) run.abort();
});

async function observing(options: { readonly startsOpen?: boolean } = {}) {
  const truth = new StepClock();
  const clock = new DriftingClock(truth);
  const { directory, tables } = memoryTables(options.startsOpen);
  const world = {
    period: 0 as number | undefined,
    fate: (_operation: Operation): Fate | undefined => undefined,
  };
  const asked: Operation[] = [];
  let replaced = 0;
  const deaths: [Incarnation, boolean][] = [];
  const events: EventBody[] = [];
  const join = async (incarnation: Incarnation): Promise<void> => {
    await directory.register({
      incarnation,
      name: `silo-${incarnation[0]}`,
      types: {},
      roles: [],
      protocol: 1,
      proposedStoreId: "store",
      bootstrap: false,
    });
  };
  const renew = async (incarnation: Incarnation = OTHER): Promise<void> => {
    await directory.renew({
      incarnation,
      expectedRev: tables.member(incarnation)!.rev,
      load: 0,
      state: "alive",
    });
  };
  await join(SELF);
  await join(OTHER);
  const membership = new Membership({
    self: SELF,
    storeId: "store",
    timing: TIMING,
    clock,
    directory: scriptedDirectory(directory, { truth, silo: clock }, (operation) => {
      asked.push(operation);
      return world.fate(operation);
    }),
    emit: (event) => events.push(event),
    host: {
      died: (member, markedHere) => deaths.push([member.incarnation, markedHere]),
      witnessPeriod: () => world.period,
      replaced: () => void (replaced += 1),
    },
  });
  const run = new AbortController();
  running.push(run);
  void membership.run(run.signal).catch(() => undefined);
  await truth.settle();
  const state = (): string => tables.member(OTHER)!.state;
  const polls = (): number => asked.filter((operation) => operation === "members").length;
  return {
    truth,
    clock,
    directory,
    tables,
    membership,
    world,
    asked,
    deaths,
    events,
    join,
    renew,
    state,
    polls,
    replaced: () => replaced,
    run,
  };
}

test("a silo is marked dead after a whole watched wait, not before, and a moment after it (L2, V3)", async () => {
  const { truth, state, deaths, membership } = await observing();
  await truth.advance(TIMING.watchMs - 1);
  expect(state()).toBe("alive");
  await truth.advance(3);
  expect(state()).toBe("dead");
  expect(deaths).toEqual([[OTHER, true]]);
  expect(membership.isDead(OTHER)).toBe(true);
  expect(membership.alive().map((member) => member.incarnation)).toEqual([SELF]);
});

test("a silo that renews is never marked dead", async () => {
  const { truth, renew, state } = await observing();
  for (let i = 0; i < 20; i++) {
    await truth.advance(TTL - 100);
    await renew();
  }
  expect(state()).toBe("alive");
});

test("a silo that renewed after the last poll is not marked: the death names the rev that was watched (R3)", async () => {
  const { truth, renew, state, world, asked } = await observing();
  let renewed: Promise<void> | undefined;
  world.fate = (operation) => {
    if (operation === "markDead") renewed ??= renew();
    return undefined;
  };
  await truth.advance(TIMING.watchMs + 10);
  await renewed;
  expect(asked).toContain("markDead");
  expect(state()).toBe("alive");
  // A whole new wait, and only then.
  await truth.advance(TIMING.watchMs - 20);
  expect(state()).toBe("alive");
  await truth.advance(40);
  expect(state()).toBe("dead");
});

test("what a slow poll says counts as of its asking (W3)", async () => {
  const { truth, world, state } = await observing();
  world.fate = (operation) => (operation === "members" ? { request: 900 } : undefined);
  // The poll asked for at 4 s is answered at 4.9 s, when the wait of 4.008 s is over: the next one decides, at 5.8 s.
  await truth.advance(5_790);
  expect(state()).toBe("alive");
  await truth.advance(20);
  expect(state()).toBe("dead");
});

test("slow polls do not break the watching as long as they follow each other in time", async () => {
  const { truth, world, state } = await observing();
  world.fate = (operation) => (operation === "members" ? { request: 600, answer: 600 } : undefined);
  await truth.advance(TIMING.watchMs + TIMING.roundMs + 2_500);
  expect(state()).toBe("dead");
});

test.each<[string, (w: Awaited<ReturnType<typeof observing>>) => void]>([
  ["a failed poll", ({ world }) => (world.fate = (o) => (o === "members" ? REJECTED : undefined))],
  [
    "a poll without an answer",
    ({ world }) => (world.fate = (o) => (o === "members" ? NEVER : undefined)),
  ],
  ["a pause of the observer", ({ world }) => (world.period = undefined)],
  ["a machine that slept", ({ clock }) => clock.sleep(3_000)],
  ["a blocked event loop", ({ clock }) => clock.block(3_000)],
])("%s restarts every wait (W2)", async (_what, breakIt) => {
  const w = await observing();
  const { truth, world, state } = w;
  await truth.advance(TTL - 500);
  breakIt(w);
  await truth.advance(3_500);
  expect(state()).toBe("alive");
  world.fate = () => undefined;
  world.period ??= 2;
  const healedMs = truth.monotonicMs();
  await truth.advance(TIMING.watchMs - 1_600);
  expect(state()).toBe("alive");
  await truth.advance(healedMs + TIMING.watchMs + TIMING.roundMs + 10 - truth.monotonicMs());
  expect(state()).toBe("dead");
});

test("a pause that was over before the next poll restarts every wait too (W2)", async () => {
  const { truth, world, state } = await observing();
  await truth.advance(3_500);
  world.period = 1;
  // Noticed by the poll at 4 s.
  await truth.advance(500 + TIMING.watchMs - 1);
  expect(state()).toBe("alive");
  await truth.advance(3);
  expect(state()).toBe("dead");
});

test("the first silo back after the store was away lets the others renew first (W2)", async () => {
  for (const ttls of [1, 3, 10]) {
    const { truth, world, state, renew } = await observing();
    await truth.advance(1_000);
    world.fate = () => REJECTED;
    await truth.advance(ttls * TTL);
    world.period = 1;
    world.fate = () => undefined;
    await truth.advance(TTL);
    expect(state()).toBe("alive");
    await renew();
    await truth.advance(TIMING.watchMs - TIMING.roundMs);
    expect(state()).toBe("alive");
  }
});

test("a store that is away, or a pause, is not answered with more polls (R27)", async () => {
  for (const startsOpen of [true, false]) {
    const { truth, world, polls } = await observing({ startsOpen });
    await truth.advance(1_000);
    const before = polls();
    world.fate = () => REJECTED;
    await truth.advance(10 * TTL);
    expect(polls() - before).toBeLessThanOrEqual(31);
    world.fate = () => undefined;
    world.period = undefined;
    await truth.advance(10 * TTL);
    expect(polls() - before).toBeLessThanOrEqual(62);
  }
});

test("a paused observer marks nobody, however long it has watched", async () => {
  const { truth, world, state, asked } = await observing();
  world.period = undefined;
  await truth.advance(10 * TTL);
  expect(state()).toBe("alive");
  expect(asked).not.toContain("markDead");
});

test("a death whose answer is lost is still announced, by the poll that sees it", async () => {
  const { truth, world, deaths } = await observing();
  world.fate = (operation) => (operation === "markDead" ? APPLIED_BUT_REJECTED : undefined);
  await truth.advance(TIMING.watchMs + TIMING.roundMs + 10);
  expect(deaths).toEqual([[OTHER, true]]);
});

test("a death that another silo marked is learnt once, and not announced again", async () => {
  const { truth, directory, deaths, renew } = await observing();
  await renew();
  await directory.markDead({ incarnation: OTHER, expectedRev: 2 });
  await truth.advance(10 * TTL);
  expect(deaths).toEqual([[OTHER, false]]);
});

test("an announcement makes the observer look at once, also while it polls, and decides nothing", async () => {
  const { truth, directory, deaths, world, membership, polls, state } = await observing();
  membership.look(OTHER);
  await truth.settle();
  await truth.advance(1);
  expect(polls()).toBe(2);
  expect(state()).toBe("alive");
  expect(deaths).toEqual([]);
  await truth.advance(TIMING.retryMs);
  // The poll that is under way was answered before the death; the announcement comes before the answer.
  world.fate = (operation) => (operation === "members" ? { answer: 300 } : undefined);
  membership.look(OTHER);
  await truth.advance(100);
  await directory.markDead({ incarnation: OTHER, expectedRev: 1 });
  membership.look(OTHER);
  await truth.advance(540);
  expect(deaths).toEqual([[OTHER, false]]);
  const before = polls();
  membership.look(OTHER);
  await truth.advance(10);
  expect(polls()).toBe(before);
});

test("a flood of announcements makes one more poll each twelfth of a lease, and a true one among them is seen in that time (V5, I12)", async () => {
  const { truth, directory, membership, polls, deaths, renew } = await observing();
  const before = polls();
  const floodMs = TTL;
  for (let ms = 0; ms < floodMs; ms += 5) {
    membership.look("f".repeat(32));
    if (ms % 1_000 === 0) await renew();
    await truth.advance(5);
  }
  const early = floodMs / TIMING.retryMs;
  expect(polls() - before).toBeGreaterThan(early / 2);
  expect(polls() - before).toBeLessThanOrEqual(early + 1 + floodMs / TIMING.roundMs);
  await directory.markDead({ incarnation: OTHER, expectedRev: 5 });
  membership.look(OTHER);
  await truth.advance(TIMING.retryMs + 5);
  expect(deaths).toEqual([[OTHER, false]]);
});

test("an incarnation that an entry names and that has no record is watched a whole lease, then made dead (R16)", async () => {
  const { truth, tables, membership, deaths } = await observing();
  const GONE = "c".repeat(32);
  expect(await membership.standing(OTHER)).toBe("lives");
  const standing = membership.standing(GONE);
  await truth.settle();
  expect(await standing).toBe("missing");
  await truth.advance(TIMING.watchMs - 100);
  expect(tables.member(GONE)).toBeUndefined();
  await truth.advance(TIMING.roundMs + 200);
  expect(tables.member(GONE)?.state).toBe("dead");
  expect(deaths).toContainEqual([GONE, true]);
  expect(await membership.standing(GONE)).toBe("dead");
});

test("an incarnation that somebody waits at and that has no record is watched a whole lease, then made dead (R16, I13)", async () => {
  const { truth, tables, membership, deaths } = await observing();
  const GONE = "c".repeat(32);
  membership.suspected(GONE);
  await truth.advance(TIMING.watchMs - 100);
  expect(tables.member(GONE)).toBeUndefined();
  await truth.advance(2 * TIMING.roundMs);
  expect(tables.member(GONE)?.state).toBe("dead");
  expect(deaths).toContainEqual([GONE, true]);
});

test("whoever suspects silos that there never were has few of them recorded, and members not at all (R16, I12)", async () => {
  const { truth, tables, membership, renew } = await observing();
  const strange = Array.from({ length: 100 }, (_, i) => i.toString(16).padStart(32, "d"));
  for (const incarnation of [OTHER, ...strange]) membership.suspected(incarnation);
  for (let i = 0; i < 4; i++) {
    await truth.advance(TTL / 2);
    await renew();
  }
  expect(strange.filter((incarnation) => tables.member(incarnation)).length).toBe(16);
  expect(tables.member(OTHER)?.state).toBe("alive");
});

test("the wait for a missing record begins with the first poll that did not find it (R16, I13)", async () => {
  const { truth, tables, membership } = await observing();
  const GONE = "c".repeat(32);
  void membership.standing(GONE);
  await truth.settle();
  await truth.advance(TIMING.watchMs + 2);
  expect(tables.member(GONE)?.state).toBe("dead");
});

test("a death that the store has forgotten is forgotten here when the store says so, and watched for anew (A2, I13)", async () => {
  const { truth, tables, membership, deaths, renew, state } = await observing();
  await truth.advance(TIMING.watchMs + 2);
  expect(await membership.standing(OTHER)).toBe("dead");
  // The store loses that write; the silo was only paused, and renews.
  tables.putMember({ ...tables.member(OTHER)!, state: "alive", rev: 1 });
  await renew();
  await truth.advance(TIMING.roundMs);
  // A poll alone may be a stale one.
  expect(await membership.standing(OTHER)).toBe("dead");
  membership.reconsider(OTHER);
  const standing = membership.standing(OTHER);
  await truth.settle();
  expect(await standing).toBe("lives");
  await truth.advance(TIMING.watchMs + TIMING.roundMs);
  expect(state()).toBe("dead");
  expect(deaths).toEqual([
    [OTHER, true],
    [OTHER, true],
  ]);
});

test("one whose record comes while it is watched as missing is not made dead (R16)", async () => {
  const { truth, tables, membership, join, renew } = await observing();
  const LATE = "c".repeat(32);
  void membership.standing(LATE);
  await truth.advance(TTL - 200);
  await join(LATE);
  for (let i = 0; i < 5; i++) {
    await truth.advance(TTL / 2);
    await renew(LATE);
  }
  expect(tables.member(LATE)?.state).toBe("alive");
});

test("who asks while a poll is under way shares the next one (V4)", async () => {
  const { truth, world, membership, polls } = await observing();
  world.fate = (operation) => (operation === "members" ? { answer: 100 } : undefined);
  const before = polls();
  const all = Promise.all([1, 2, 3, 4, 5].map(() => membership.poll()));
  await truth.advance(250);
  await all;
  expect(polls() - before).toBe(2);
});

test("a directory whose entries may be lost is opened after a whole watched lease (R13)", async () => {
  const { truth, tables, events, renew } = await observing({ startsOpen: false });
  expect(tables.sentinel()?.open).toBe(false);
  await truth.advance(TTL / 2);
  await renew();
  await truth.advance(TIMING.watchMs - TTL / 2 - 1);
  expect(tables.sentinel()?.open).toBe(false);
  await truth.advance(3);
  expect(tables.sentinel()?.open).toBe(true);
  expect(events.map((event) => event.type)).toEqual(["directory.opened"]);
});

test.each<[string, (w: Awaited<ReturnType<typeof observing>>) => void]>([
  ["an outage of the store", ({ world }) => (world.fate = () => REJECTED)],
  ["a pause of the observer", ({ world }) => (world.period = undefined)],
])("%s restarts the wait for the directory (R13, W2)", async (_what, breakIt) => {
  const w = await observing({ startsOpen: false });
  const { truth, tables, world } = w;
  await truth.advance(TTL - 500);
  breakIt(w);
  await truth.advance(TTL / 2);
  world.fate = () => undefined;
  world.period ??= 1;
  await truth.advance(TTL / 2);
  expect(tables.sentinel()?.open).toBe(false);
  await truth.advance(TTL + TIMING.roundMs);
  expect(tables.sentinel()?.open).toBe(true);
});

test("a directory with another id is not the one that was registered in: nothing is judged by it (R14)", async () => {
  const { truth, tables, replaced, state } = await observing();
  await truth.advance(TIMING.roundMs);
  expect(replaced()).toBe(0);
  tables.putSentinel({ storeId: "another", open: true });
  await truth.advance(TIMING.watchMs + TIMING.roundMs);
  expect(replaced()).toBeGreaterThan(0);
  expect(state()).toBe("alive");
});

test("one death that cannot be marked keeps no other from being marked", async () => {
  const { truth, directory, tables, join, state } = await observing();
  const DAMAGED = "c".repeat(32);
  await join(DAMAGED);
  const markDead = directory.markDead.bind(directory);
  directory.markDead = (request) =>
    request.incarnation === DAMAGED ? Promise.reject(new Error("damaged")) : markDead(request);
  await truth.advance(TIMING.watchMs + TIMING.roundMs);
  expect(state()).toBe("dead");
  expect(tables.member(DAMAGED)?.state).toBe("alive");
});

test("a stopped observer decides and reports nothing, whatever is still under way", async () => {
  const { truth, world, membership, deaths, events, asked, state, run } = await observing();
  await truth.advance(TIMING.watchMs - 10);
  world.fate = (operation) => (operation === "members" ? { answer: 200 } : undefined);
  await truth.advance(20);
  membership.stop();
  run.abort();
  const before = asked.length;
  await truth.advance(3 * TTL);
  expect(asked).toHaveLength(before);
  expect(state()).toBe("alive");
  expect(deaths).toEqual([]);
  expect(events).toEqual([]);
});

test("a swept silo is found dead by its name, with no lease to wait for; its record is not missing (D7, R16)", async () => {
  const { truth, directory, membership, asked, tables } = await observing();
  await truth.advance(TIMING.watchMs + 2);
  await directory.sweep({ incarnation: OTHER });
  const newcomer = new Membership({
    self: SELF,
    storeId: "store",
    timing: TIMING,
    clock: truth,
    directory,
    emit: () => undefined,
    host: { died: () => undefined, witnessPeriod: () => 0, replaced: () => undefined },
  });
  expect(await newcomer.standing(OTHER)).toBe("dead");
  expect(newcomer.isDead(OTHER)).toBe(true);
  // Who has no record at all is neither: it is watched for a lease first.
  expect(await newcomer.standing("c".repeat(32))).toBe("missing");
  expect(tables.member("c".repeat(32))).toBeUndefined();
  // Who saw it die does not ask.
  asked.length = 0;
  await truth.advance(TIMING.roundMs + 1);
  expect(await membership.standing(OTHER)).toBe("dead");
  expect(asked).not.toContain("sweep");
});

test("where the store does not say whether a silo was swept, its record counts as missing", async () => {
  const { world, membership } = await observing();
  world.fate = (operation) => (operation === "sweep" ? REJECTED : undefined);
  expect(await membership.standing("c".repeat(32))).toBe("missing");
});
