// Claims over a memory directory of which any answer can be lost.
import {
  type ActorAddress,
  type ClaimRequest,
  type EventBody,
  formatActor,
  type Incarnation,
  seededRandom,
} from "@tenure/core/internal";
import { expect, test } from "vitest";
import { memoryTables } from "../../../test/support/memory-tables.ts";
import {
  APPLIED_BUT_REJECTED,
  type Fate,
  type Operation,
  REJECTED,
  scriptedDirectory,
} from "../../../test/support/scripted-directory.ts";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import type { Standing } from "./membership.ts";
import { GenerationClock } from "./generation-clock.ts";
import { Ownership } from "./ownership.ts";

const ACTOR: ActorAddress = { type: "Cart", id: "alice" };

async function cluster({ startsOpen = true, joint = false } = {}) {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const { directory, tables, rows } = memoryTables(startsOpen);
  const world = { fate: (_operation: Operation): Fate | undefined => undefined };
  const events: EventBody[] = [];
  const sent: ClaimRequest[] = [];
  const standings = new Map<Incarnation, Standing>();
  const asked: Incarnation[] = [];
  /** The places of claims that were heard of. */
  const granted: number[] = [];
  const silo = async (digit: string): Promise<Ownership> => {
    const incarnation = digit.repeat(32);
    await directory.register({
      incarnation,
      name: `silo-${digit}`,
      types: {},
      roles: [],
      protocol: 1,
      proposedStoreId: "store",
      bootstrap: false,
    });
    return new Ownership({
      incarnation,
      clock,
      random,
      directory: scriptedDirectory(
        directory,
        { truth: clock, silo: clock },
        (operation, request) => {
          if (operation === "claim") sent.push(...(request as ClaimRequest[]));
          return world.fate(operation);
        },
      ),
      joint,
      emit: (event) => events.push(event),
      // A wall clock that says nothing: what the store decides can be read off the numbers.
      generations: new GenerationClock({ wallMs: () => 0 }),
      operationMs: 2_000,
      notDead: (other) => void standings.delete(other),
      acknowledged: () => 0,
      claimed: (counter) => granted.push(counter),
      standing: async (other) => {
        asked.push(other);
        const state = tables.member(other)?.state;
        return standings.get(other) ?? (state === "dead" ? "dead" : state ? "lives" : "missing");
      },
    });
  };
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    await clock.advance(5_000);
    return await promise;
  };
  const die = async (digit: string): Promise<void> => {
    const incarnation = digit.repeat(32);
    await directory.markDead({ incarnation, expectedRev: tables.member(incarnation)!.rev });
  };
  return {
    clock,
    directory,
    tables,
    rows,
    world,
    events,
    sent,
    granted,
    standings,
    asked,
    silo,
    settled,
    die,
  };
}

test("two silos race for an actor: one gets it, the other learns who", async () => {
  const { silo, settled } = await cluster();
  const [a, b] = [await silo("a"), await silo("b")];
  const [first, second] = await settled(Promise.all([a.acquire(ACTOR), b.acquire(ACTOR)]));
  expect(first).toMatchObject({ kind: "claimed", claim: { generation: 1 } });
  expect(second).toEqual({ kind: "elsewhere", silo: "a".repeat(32), generation: 1 });
});

test("only a dead owner is displaced, by the token that was seen, above its generation (R2, I6)", async () => {
  const { silo, settled, die, sent, events, tables } = await cluster();
  const [a, b] = [await silo("a"), await silo("b")];
  const first = await settled(a.acquire(ACTOR));
  expect(await settled(b.acquire(ACTOR))).toMatchObject({ kind: "elsewhere" });
  await die("a");
  const taken = await settled(b.acquire(ACTOR));
  expect(taken).toMatchObject({ kind: "claimed", claim: { generation: 2 } });
  expect(first.kind === "claimed" && sent.at(-1)!.expected).toEqual({
    token: first.kind === "claimed" && first.claim.token,
  });
  expect(events.at(-1)).toMatchObject({ type: "activation.claimed", reason: "takeover" });
  expect(tables.entry(ACTOR)?.claims.map((claim) => claim.reason)).toEqual(["call", "takeover"]);
});

test("an owner whose death the store has forgotten is not displaced, and calls go to it again (A2)", async () => {
  const { silo, settled, standings, asked } = await cluster();
  const [a, b] = [await silo("a"), await silo("b")];
  await settled(a.acquire(ACTOR));
  // What a poll has said, before the store lost it.
  standings.set("a".repeat(32), "dead");
  expect(await settled(b.acquire(ACTOR))).toMatchObject({
    kind: "elsewhere",
    silo: "a".repeat(32),
  });
  expect(asked).toHaveLength(2);
});

test("whoever does not want an actor any more displaces nobody, least of all its own successor (C5, R12)", async () => {
  const { silo, settled, sent } = await cluster();
  const a = await silo("a");
  // The successor's claim; the abandoned one only finds it.
  await settled(a.acquire(ACTOR));
  expect(
    await settled(a.acquire(ACTOR, 0, "call", { stateful: false, wanted: () => false })),
  ).toMatchObject({
    kind: "unavailable",
  });
  expect(sent).toHaveLength(2);
  expect(sent[1]!.expected).toBe("free");
});

test("a thief that comes late does not steal from the one who was faster (H3)", async () => {
  const { clock, silo, settled, die, world } = await cluster();
  const [a, b, c] = [await silo("a"), await silo("b"), await silo("c")];
  await settled(a.acquire(ACTOR));
  await die("a");
  // c's request to displace a's claim is on its way while b displaces it.
  let claims = 0;
  world.fate = (operation) => (operation === "claim" && ++claims === 2 ? { request: 1_000 } : {});
  const late = c.acquire(ACTOR);
  await clock.advance(500);
  const fast = b.acquire(ACTOR);
  await clock.advance(100);
  expect(await fast).toMatchObject({ kind: "claimed", claim: { generation: 2 } });
  expect(await settled(late)).toEqual({
    kind: "elsewhere",
    silo: "b".repeat(32),
    generation: 2,
  });
});

test("a claim of a silo that is dead, or drains, is refused (R18)", async () => {
  const { silo, settled, die, directory, tables } = await cluster();
  const [a, b] = [await silo("a"), await silo("b")];
  await die("a");
  expect(await settled(a.acquire(ACTOR))).toMatchObject({ kind: "unavailable" });
  await directory.renew({
    incarnation: "b".repeat(32),
    expectedRev: 1,
    load: 0,
    state: "draining",
  });
  expect(await settled(b.acquire(ACTOR))).toMatchObject({ kind: "unavailable" });
  expect(tables.entry(ACTOR)).toBeUndefined();
});

test("a claim whose answer is lost is sent again with its token, and counts once (R8)", async () => {
  const { silo, settled, world, sent, tables } = await cluster();
  const a = await silo("a");
  let asked = 0;
  world.fate = (operation) =>
    operation === "claim" && asked++ === 0 ? APPLIED_BUT_REJECTED : undefined;
  expect(await settled(a.acquire(ACTOR))).toMatchObject({
    kind: "claimed",
    claim: { generation: 1 },
  });
  expect(sent.map((claim) => claim.token)).toEqual([sent[0]!.token, sent[0]!.token]);
  expect(tables.counter()).toBe(1);
});

test("a claim that stayed undecided is the one that the actor's next call asks for (C2, R7)", async () => {
  const { silo, settled, world, sent, granted } = await cluster();
  const a = await silo("a");
  world.fate = () => APPLIED_BUT_REJECTED;
  expect(await settled(a.acquire(ACTOR))).toMatchObject({ kind: "unavailable" });
  world.fate = () => undefined;
  expect(await settled(a.acquire(ACTOR))).toMatchObject({
    kind: "claimed",
    claim: { generation: 1 },
  });
  expect(new Set(sent.map((claim) => claim.token)).size).toBe(1);
  expect(granted).toEqual([2]);
});

test("a claim that stayed undecided and that no call asks for again is settled: heard of, and given up (C2, H41)", async () => {
  const { silo, settled, world, tables, granted } = await cluster();
  const a = await silo("a");
  world.fate = () => APPLIED_BUT_REJECTED;
  await settled(a.acquire(ACTOR));
  await settled(a.settle());
  expect(granted).toEqual([]);
  world.fate = () => undefined;
  await settled(a.settle());
  expect(granted).toEqual([2]);
  expect(tables.entry(ACTOR)?.free).toBe(true);
  await settled(a.settle());
  expect(granted).toEqual([2]);
});

test("a release frees the actor for anyone, only with its own token, and the next claim is higher", async () => {
  const { silo, settled, tables } = await cluster();
  const [a, b] = [await silo("a"), await silo("b")];
  const first = await settled(a.acquire(ACTOR));
  if (first.kind !== "claimed") throw new Error("not claimed");
  await settled(b.release(ACTOR, "another token"));
  expect(tables.entry(ACTOR)?.free).toBe(false);
  expect(await settled(a.release(ACTOR, first.claim.token))).toBe(true);
  expect(tables.entry(ACTOR)?.free).toBe(true);
  expect(await settled(b.acquire(ACTOR))).toMatchObject({
    kind: "claimed",
    claim: { generation: 2 },
  });
});

test("a release that gets no answer is sent twice and then left to the next claim", async () => {
  const { silo, settled, world } = await cluster();
  const a = await silo("a");
  let asked = 0;
  world.fate = (operation) => {
    if (operation === "release") asked += 1;
    return operation === "release" ? REJECTED : undefined;
  };
  expect(await settled(a.release(ACTOR, "token"))).toBe(false);
  expect(asked).toBe(2);
});

test("a claim rises above the floor that a fence showed, and above everything granted before (R15)", async () => {
  const { silo, settled } = await cluster();
  const a = await silo("a");
  expect(await settled(a.acquire(ACTOR, 41, "above-fence"))).toMatchObject({
    claim: { generation: 42 },
  });
  expect(await settled(a.acquire({ type: "Cart", id: "bob" }))).toMatchObject({
    claim: { generation: 43 },
  });
});

test("an owner without a member record is neither alive nor dead: it is watched first (R16)", async () => {
  const { silo, settled, tables, asked, directory } = await cluster();
  const a = await silo("a");
  const GONE = "f".repeat(32);
  tables.putEntry(ACTOR, {
    incarnation: GONE,
    token: "old",
    generation: 7,
    free: false,
    claims: [],
  });
  expect(await settled(a.acquire(ACTOR))).toMatchObject({ kind: "unavailable" });
  expect(asked).toEqual([GONE]);
  expect(tables.entry(ACTOR)?.token).toBe("old");
  await directory.markDead({ incarnation: GONE, expectedRev: "absent" });
  expect(await settled(a.acquire(ACTOR))).toMatchObject({
    kind: "claimed",
    claim: { generation: 8 },
  });
});

test("an owner that is believed dead but has no record is watched again (R16)", async () => {
  const { silo, settled, tables, standings, asked } = await cluster();
  const a = await silo("a");
  const GONE = "f".repeat(32);
  standings.set(GONE, "dead");
  tables.putEntry(ACTOR, {
    incarnation: GONE,
    token: "old",
    generation: 7,
    free: false,
    claims: [],
  });
  expect(await settled(a.acquire(ACTOR))).toMatchObject({ kind: "unavailable" });
  expect(asked).toEqual([GONE, GONE]);
  expect(tables.entry(ACTOR)?.token).toBe("old");
});

test("while the directory is closed nobody claims what is absent, and what is there can be claimed (R13)", async () => {
  const { silo, settled, tables, directory } = await cluster({ startsOpen: false });
  const a = await silo("a");
  const known: ActorAddress = { type: "Cart", id: "known" };
  tables.putEntry(known, {
    incarnation: "f".repeat(32),
    token: "old",
    generation: 7,
    free: true,
    claims: [],
  });
  expect(await settled(a.acquire(ACTOR))).toEqual({
    kind: "unavailable",
    why: "the directory is not open yet",
  });
  expect(await settled(a.acquire(known))).toMatchObject({
    kind: "claimed",
    claim: { generation: 8 },
  });
  await directory.open("store");
  expect(await settled(a.acquire(ACTOR))).toMatchObject({ kind: "claimed" });
});

test("an entry that changes under every claim is given up after a few, not for ever (I12)", async () => {
  const { silo, settled, tables, world, sent } = await cluster();
  const a = await silo("a");
  let n = 0;
  world.fate = (operation) => {
    if (operation === "claim")
      tables.putEntry(ACTOR, {
        incarnation: "a".repeat(32),
        token: `token ${n++}`,
        generation: n,
        free: false,
        claims: [],
      });
    return undefined;
  };
  expect(await settled(a.acquire(ACTOR))).toMatchObject({ kind: "unavailable" });
  expect(sent.length).toBeLessThan(10);
  expect(formatActor(sent[0]!.actor)).toBe("Cart/alice");
});

test("where directory and rows are one store, the claim of an actor with state brings its row, and no other does (C6)", async () => {
  const { silo, settled, tables, rows, world } = await cluster({ joint: true });
  const a = await silo("a");
  const stateful = { stateful: true, wanted: () => true };
  const asked: Operation[] = [];
  world.fate = (operation) => {
    asked.push(operation);
    return undefined;
  };
  const claimed = await settled(a.acquire(ACTOR, 0, "call", stateful));
  expect(claimed).toMatchObject({
    kind: "claimed",
    row: { ok: true, row: { meta: { etag: "" } } },
  });
  const { token } = tables.entry(ACTOR)!;
  expect(rows.row(ACTOR)).toMatchObject({ token });
  const without = await settled(a.acquire({ type: "Cart", id: "bob" }));
  expect(without).toEqual({ kind: "claimed", claim: expect.anything(), row: undefined });
  expect(asked).toEqual(["claimAndLoad", "claim"]);
});

test("a claim whose answers were lost brings its row when it is sent again, and none when it is only settled (C2, C6)", async () => {
  const { silo, settled, tables, rows, world } = await cluster({ joint: true });
  const a = await silo("a");
  const stateful = { stateful: true, wanted: () => true };
  world.fate = () => APPLIED_BUT_REJECTED;
  expect(await settled(a.acquire(ACTOR, 0, "call", stateful))).toMatchObject({
    kind: "unavailable",
  });
  const { token } = tables.entry(ACTOR)!;
  world.fate = () => undefined;
  expect(await settled(a.acquire(ACTOR, 0, "call", stateful))).toMatchObject({
    claim: { token },
    row: { ok: true, row: { meta: { token } } },
  });
  const other: ActorAddress = { type: "Cart", id: "bob" };
  world.fate = () => REJECTED;
  await settled(a.acquire(other, 0, "call", stateful));
  world.fate = () => undefined;
  await settled(a.settle());
  expect(tables.entry(other)).toMatchObject({ free: true });
  expect(rows.row(other)).toBeUndefined();
});
