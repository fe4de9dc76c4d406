// Becoming a member on a virtual clock: of a new name, a dead one's, a live one's.
import type { Incarnation, RegisterRequest } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { DriftingClock } from "../../../test/support/drifting-clock.ts";
import { memoryTables } from "../../../test/support/memory-tables.ts";
import {
  APPLIED_BUT_REJECTED,
  type Fate,
  type Operation,
  REJECTED,
  scriptedDirectory,
} from "../../../test/support/scripted-directory.ts";
import { StepClock } from "../../../test/support/step-clock.ts";
import { leaseTiming } from "./lease.ts";
import { register, type Registered } from "./registration.ts";

const TTL = 4_000;
const TIMING = leaseTiming(TTL);
const FIRST = "a".repeat(32);
const SECOND = "b".repeat(32);

function request(
  incarnation: Incarnation,
  changes: Partial<RegisterRequest> = {},
): RegisterRequest {
  return {
    incarnation,
    name: "silo-1",
    types: {},
    roles: [],
    protocol: 1,
    proposedStoreId: "store",
    bootstrap: true,
    ...changes,
  };
}

function cluster() {
  const truth = new StepClock();
  const clock = new DriftingClock(truth);
  const { directory, tables } = memoryTables();
  const world = { fate: (_operation: Operation): Fate | undefined => undefined };
  const deaths: Incarnation[] = [];
  const stop = new AbortController();
  const join = (
    incarnation: Incarnation,
    changes: Partial<RegisterRequest> = {},
    previous?: Incarnation,
  ): Promise<Registered> =>
    register(request(incarnation, changes), {
      clock,
      timing: TIMING,
      directory: scriptedDirectory(directory, { truth, silo: clock }, (operation) =>
        world.fate(operation),
      ),
      signal: stop.signal,
      previous,
      markedDead: (member) => deaths.push(member.incarnation),
    });
  const renew = async (incarnation: Incarnation): Promise<void> => {
    await directory.renew({
      incarnation,
      expectedRev: tables.member(incarnation)!.rev,
      load: 0,
      state: "alive",
    });
  };
  return { truth, clock, directory, tables, world, deaths, join, renew, stop };
}

test("the name of a silo that lives is refused as soon as its record has stirred twice (G1)", async () => {
  const { truth, join, renew, tables } = cluster();
  await join(FIRST);
  const second = join(SECOND).catch((error: unknown) => String(error));
  await truth.advance(500);
  await renew(FIRST);
  await truth.advance(TIMING.roundMs);
  await renew(FIRST);
  await truth.advance(TIMING.roundMs);
  expect(await second).toContain("another silo named 'silo-1' is alive");
  expect(tables.member(FIRST)?.state).toBe("alive");
  expect(tables.member(SECOND)).toBeUndefined();
});

test("a last renewal that was late on its way does not keep the name from its successor (G1)", async () => {
  const { truth, join, renew, tables, deaths } = cluster();
  await join(FIRST);
  let joined = false;
  void join(SECOND).then(() => (joined = true));
  await truth.advance(TTL / 2);
  await renew(FIRST);
  // Seen with the next poll: from then on a whole lease is watched.
  await truth.advance(TIMING.watchMs);
  expect(joined).toBe(false);
  expect(tables.member(FIRST)?.state).toBe("alive");
  await truth.advance(TIMING.roundMs + 5);
  expect(joined).toBe(true);
  expect(deaths).toEqual([FIRST]);
});

test("the name of a dead silo is free after a whole watched lease (G1)", async () => {
  const { truth, join, tables, deaths } = cluster();
  await join(FIRST);
  let joined = false;
  void join(SECOND).then(() => (joined = true));
  await truth.advance(TIMING.watchMs - 1);
  expect(joined).toBe(false);
  expect(tables.member(FIRST)?.state).toBe("alive");
  await truth.advance(5);
  expect(joined).toBe(true);
  expect(deaths).toEqual([FIRST]);
  expect(truth.monotonicMs()).toBeLessThan(2 * TTL);
});

test.each(["sleep", "block"] as const)(
  "a wait in which nobody looked starts again: %s (W2)",
  async (still) => {
    const { truth, clock, join, tables } = cluster();
    await join(FIRST);
    let joined = false;
    void join(SECOND).then(() => (joined = true));
    await truth.advance(1_000);
    clock[still](10_000);
    await truth.advance(12_000);
    expect(joined).toBe(false);
    expect(tables.member(FIRST)?.state).toBe("alive");
    await truth.advance(TTL);
    expect(joined).toBe(true);
  },
);

test("a holder that says goodbye meanwhile makes way at once, and its death is not announced again", async () => {
  const { truth, directory, join, deaths } = cluster();
  await join(FIRST);
  const second = join(SECOND);
  await truth.advance(100);
  await directory.markDead({ incarnation: FIRST, expectedRev: 1 });
  await truth.advance(TIMING.roundMs);
  expect((await second).member.incarnation).toBe(SECOND);
  expect(deaths).toEqual([]);
});

test("a holder that renews at the last moment is not marked dead: the name is refused (R3)", async () => {
  const { truth, world, join, renew, tables } = cluster();
  await join(FIRST);
  const second = join(SECOND).catch((error: unknown) => String(error));
  world.fate = (operation) => {
    if (operation === "markDead") void renew(FIRST);
    return operation === "markDead" ? { request: 1 } : undefined;
  };
  await truth.advance(TIMING.watchMs + 5);
  expect(tables.member(FIRST)?.state).toBe("alive");
  for (let renewals = 0; renewals < 2; renewals++) {
    await renew(FIRST);
    await truth.advance(TIMING.roundMs);
  }
  expect(await second).toContain("is alive");
});

test("a silo's own last incarnation needs no watching (G2)", async () => {
  const { truth, join, tables, deaths } = cluster();
  await join(FIRST);
  const second = join(SECOND, {}, FIRST);
  await truth.settle();
  expect((await second).member.state).toBe("alive");
  expect(tables.member(FIRST)?.state).toBe("dead");
  expect(deaths).toEqual([FIRST]);
});

test("a silo's own last incarnation is dead at once also where its record is gone (G2, R16)", async () => {
  const { truth, join, tables } = cluster();
  const second = join(SECOND, {}, FIRST);
  await truth.settle();
  expect((await second).member.state).toBe("alive");
  expect(tables.member(FIRST)?.state).toBe("dead");
});

test("a registration whose answer is lost is sent again and meets itself (R8)", async () => {
  const { join, world } = cluster();
  let asked = 0;
  world.fate = (operation) =>
    operation === "register" && asked++ === 0 ? APPLIED_BUT_REJECTED : undefined;
  expect((await join(FIRST)).member.incarnation).toBe(FIRST);
  expect(asked).toBe(2);
});

test("a store that does not answer, a foreign protocol and a dead incarnation are told apart", async () => {
  const { join, world, directory } = cluster();
  world.fate = () => REJECTED;
  await expect(join(FIRST)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  world.fate = () => undefined;
  await join(FIRST);
  await expect(join(SECOND, { name: "silo-2", protocol: 2 })).rejects.toThrow("speaks protocol 1");
  await directory.markDead({ incarnation: FIRST, expectedRev: 1 });
  await expect(join(FIRST)).rejects.toThrow("marked dead while it started");
});

test("a start that is given up stops waiting at once and changes nothing", async () => {
  const { truth, join, stop, tables } = cluster();
  await join(FIRST);
  const second = join(SECOND).catch((error: unknown) => error);
  await truth.advance(3_000);
  stop.abort(new Error("stopped"));
  expect(String(await second)).toContain("stopped");
  await truth.advance(2 * TTL);
  expect(tables.member(FIRST)?.state).toBe("alive");
  expect(tables.member(SECOND)).toBeUndefined();
});
