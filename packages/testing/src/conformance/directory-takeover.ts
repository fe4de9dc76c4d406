// Claims when someone is dead, absent, damaged, or the directory itself is in doubt.
import type { Directory } from "@tenure/core/internal";
import { expect } from "vitest";
import { claimOne, type DirectoryRule, entryOf, memberOf } from "./directory-bench.ts";
import { needed } from "./suite.ts";

const ACTOR = { type: "Cart", id: "alice" };
const OTHER = { type: "Cart", id: "bob" };
const RACERS = 16;

export function takeoverTests(rule: DirectoryRule): void {
  rule("I6 R15", "a dead owner's actor is taken over, at a higher generation", async (bench) => {
    const directory = await bench.open();
    const [dead, heir] = [await bench.join(directory), await bench.join(directory)];
    const entry = await bench.own(directory, ACTOR, dead.incarnation);
    await bench.kill(directory, dead.incarnation);
    const expected = { token: entry.token };
    const request = bench.claimRequest(ACTOR, heir.incarnation, { expected, reason: "takeover" });
    const answer = await claimOne(directory, request);
    if (!answer.ok) throw new Error(answer.refusal);
    expect(answer.generation).toBeGreaterThan(entry.generation);
    expect(await entryOf(directory, ACTOR)).toMatchObject({
      incarnation: heir.incarnation,
      token: request.token,
      claims: [{ token: entry.token }, { token: request.token, reason: "takeover" }],
    });
  });

  rule("R2 D1", "of silos that take a dead owner's actor at once, one wins", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    const dead = await bench.join(sessions[0]!);
    const heirs = await Promise.all(Array.from({ length: RACERS }, () => bench.join(sessions[0]!)));
    const { token } = await bench.own(sessions[0]!, ACTOR, dead.incarnation);
    await bench.kill(sessions[0]!, dead.incarnation);
    const answers = await Promise.all(
      heirs.map(({ incarnation }, i) =>
        claimOne(sessions[i % 2]!, bench.claimRequest(ACTOR, incarnation, { expected: { token } })),
      ),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
  });

  rule(
    "R2 H3",
    "a claim that names a displaced claim does not steal from the thief",
    async (bench) => {
      const directory = await bench.open();
      const [dead, heir, late] = [
        await bench.join(directory),
        await bench.join(directory),
        await bench.join(directory),
      ];
      const seen = await bench.own(directory, ACTOR, dead.incarnation);
      await bench.kill(directory, dead.incarnation);
      const expected = { token: seen.token };
      await claimOne(directory, bench.claimRequest(ACTOR, heir.incarnation, { expected }));
      const entry = await entryOf(directory, ACTOR);
      const stale = bench.claimRequest(ACTOR, late.incarnation, { expected });
      expect(await claimOne(directory, stale)).toEqual({ ok: false, refusal: "owned", entry });
      // Not even from a thief that has died since: the claim must name it.
      await bench.kill(directory, heir.incarnation);
      expect(await claimOne(directory, stale)).toEqual({ ok: false, refusal: "owned", entry });
      expect(await entryOf(directory, ACTOR)).toEqual(entry);
    },
  );

  rule("R8", "a claim sent again after it was displaced is a late duplicate", async (bench) => {
    const directory = await bench.open();
    const silo = await bench.join(directory);
    const first = bench.claimRequest(ACTOR, silo.incarnation);
    await claimOne(directory, first);
    const second = bench.claimRequest(ACTOR, silo.incarnation, {
      expected: { token: first.token },
    });
    await claimOne(directory, second);
    const entry = await entryOf(directory, ACTOR);
    const late = { ...first, expected: { token: second.token } };
    for (const request of [first, late])
      expect(await claimOne(directory, request)).toEqual({ ok: false, refusal: "token-used" });
    expect(await entryOf(directory, ACTOR)).toEqual(entry);
  });

  rule("R18 H23", "only a living member can claim", async (bench) => {
    const directory = await bench.open();
    const [dead, draining] = [await bench.join(directory), await bench.join(directory)];
    const claimed = bench.claimRequest(ACTOR, dead.incarnation);
    await claimOne(directory, claimed);
    await bench.kill(directory, dead.incarnation);
    const { incarnation, rev } = draining;
    await directory.renew({ incarnation, expectedRev: rev, load: 0, state: "draining" });

    const refused = { ok: false, refusal: "claimant-not-alive" };
    for (const claimant of [bench.random.hex128(), dead.incarnation, incarnation])
      expect(await claimOne(directory, bench.claimRequest(OTHER, claimant))).toEqual(refused);
    // Nor does a dead silo's own claim, sent again, tell it that it owns the actor.
    expect(await claimOne(directory, claimed)).toEqual(refused);
    expect(await entryOf(directory, OTHER)).toBeUndefined();
  });

  rule("R16", "an owner without a record is not dead until it is made so", async (bench) => {
    const before = await bench.open();
    const lost = await bench.join(before);
    const { token } = await bench.own(before, ACTOR, lost.incarnation);
    await bench.closeAll();
    const plant = needed(bench.store.plant, "plant", "R16");
    await plant.lostMember(bench.cluster, lost.incarnation);

    const directory = await bench.open();
    const heir = await bench.join(directory);
    const entry = await entryOf(directory, ACTOR);
    const request = bench.claimRequest(ACTOR, heir.incarnation, { expected: { token } });
    expect(await claimOne(directory, request)).toEqual({
      ok: false,
      refusal: "owner-absent",
      entry,
    });
    await directory.markDead({ incarnation: lost.incarnation, expectedRev: "absent" });
    expect(await claimOne(directory, request)).toMatchObject({ ok: true });
  });

  rule(
    "R13",
    "a directory without its sentinel grants no absent entry until opened",
    async (bench) => {
      const directory = await bench.open();
      expect((await directory.open("any")).answer).toBe(false);
      const request = bench.registration({ bootstrap: false });
      const storeId = request.proposedStoreId;
      const { answer } = await directory.register(request);
      expect(answer).toMatchObject({ ok: true, sentinel: { storeId, open: false } });
      const claim = bench.claimRequest(ACTOR, request.incarnation);
      const closed = { ok: false, refusal: "closed" };
      expect(await claimOne(directory, claim)).toEqual(closed);
      expect((await directory.open("another")).answer).toBe(false);
      expect(await claimOne(directory, claim)).toEqual(closed);
      // A later start that is declared new does not make this directory trustworthy.
      await bench.join(directory);
      expect(await claimOne(directory, claim)).toEqual(closed);

      expect((await directory.open(storeId)).answer).toBe(true);
      expect((await directory.open(storeId)).answer).toBe(true);
      expect((await directory.members()).answer.sentinel).toEqual({ storeId, open: true });
      expect(await claimOne(directory, claim)).toMatchObject({ ok: true });
    },
  );

  rule("D1 H19", "a start that is declared new opens a new directory at once", async (bench) => {
    const directory = await bench.open();
    const request = bench.registration({ bootstrap: true });
    const sentinel = { storeId: request.proposedStoreId, open: true };
    expect((await directory.register(request)).answer).toMatchObject({ sentinel });
    expect((await directory.open(sentinel.storeId)).answer).toBe(true);
    expect((await directory.open("another")).answer).toBe(false);
    await bench.own(directory, ACTOR, request.incarnation);
  });

  rule("C2 D4", "a damaged entry is answered as such, alone, and left as it is", async (bench) => {
    const before = await bench.open();
    const { incarnation } = await bench.join(before);
    const { token } = await bench.own(before, ACTOR, incarnation);
    await bench.closeAll();
    const planted = await needed(bench.store.plant, "plant", "C2").damagedEntry(
      bench.cluster,
      ACTOR,
    );

    const directory = await bench.open();
    const claimant = await bench.join(directory);
    const damaged = { ok: false, refusal: "damaged", problem: expect.stringMatching(/./) };
    const claims = [
      bench.claimRequest(ACTOR, claimant.incarnation),
      bench.claimRequest(OTHER, claimant.incarnation),
      bench.claimRequest(ACTOR, claimant.incarnation, { expected: { token } }),
    ];
    const ok = expect.objectContaining({ ok: true });
    expect((await directory.claim(claims)).answer).toEqual([damaged, ok, damaged]);
    expect((await directory.lookup([ACTOR, OTHER])).answer).toEqual([damaged, ok]);
    const releases = [
      { actor: ACTOR, token },
      { actor: OTHER, token: claims[1]!.token },
    ];
    expect((await directory.release(releases)).answer).toEqual([damaged, { ok: true }]);
    await bench.closeAll();
    expect(await planted.unchanged()).toBe(true);
  });

  rule("C2 D4", "a damaged member is reported by key and decides nothing", async (bench) => {
    const before = await bench.open();
    const { incarnation } = await bench.join(before);
    const { token } = await bench.own(before, ACTOR, incarnation);
    await bench.closeAll();
    const planted = await needed(bench.store.plant, "plant", "C2").damagedMember(
      bench.cluster,
      incarnation,
    );

    const directory = await bench.open();
    const claimant = await bench.join(directory);
    const { answer } = await directory.members();
    expect(answer.damaged).toEqual([
      { key: expect.stringContaining(incarnation), problem: expect.stringMatching(/./) },
    ]);
    expect(answer.members.map((member) => member.incarnation)).toContain(claimant.incarnation);
    const theft = bench.claimRequest(ACTOR, claimant.incarnation, { expected: { token } });
    expect(await claimOne(directory, theft)).toMatchObject({ ok: false, refusal: "damaged" });
    await expectUndecided(directory, incarnation);
    expect(await memberOf(directory, incarnation)).toBeUndefined();
    await bench.closeAll();
    expect(await planted.unchanged()).toBe(true);
  });
}

// Decisions on one member have no word for damage: they reject (D2).
async function expectUndecided(directory: Directory, incarnation: string): Promise<void> {
  const renewal = { incarnation, expectedRev: 1, load: 0, state: "alive" } as const;
  await expect(directory.renew(renewal)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  for (const expectedRev of [1, "absent"] as const)
    await expect(directory.markDead({ incarnation, expectedRev })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
}
