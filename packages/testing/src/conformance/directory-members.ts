// Members: registration, renewal, death.
import { PROTOCOL_VERSION } from "@tenure/core/internal";
import { expect } from "vitest";
import { claimOne, type DirectoryRule, granted, memberOf } from "./directory-bench.ts";

const RACERS = 16;
const ACTOR = { type: "Cart", id: "alice" };

export function memberTests(rule: DirectoryRule): void {
  rule("D1 D3", "a registered silo is a member, alive, as it described itself", async (bench) => {
    const directory = await bench.open();
    const request = bench.registration({
      name: "silo \n.*> 😀 \u0000",
      types: { Cart: 3, "Shop.Order": 1, constructor: 2 },
      roles: ["edge", "", "a b"],
    });
    const member = granted((await directory.register(request)).answer);
    expect(member).toMatchObject({
      incarnation: request.incarnation,
      name: request.name,
      types: request.types,
      roles: request.roles,
      protocol: request.protocol,
      state: "alive",
      load: 0,
    });
    expect(await memberOf(directory, request.incarnation)).toEqual(member);
  });

  rule("D1", "the first registration names the store, later ones are told", async (bench) => {
    const directory = await bench.open();
    const first = bench.registration();
    const second = bench.registration();
    const sentinel = { storeId: first.proposedStoreId, open: true };
    expect((await directory.register(first)).answer).toMatchObject({ sentinel });
    expect((await directory.register(second)).answer).toMatchObject({ sentinel });
    expect((await directory.members()).answer.sentinel).toEqual(sentinel);
  });

  rule("R8", "a registration sent again answers the record as it is by now", async (bench) => {
    const directory = await bench.open();
    const request = bench.registration();
    const first = granted((await directory.register(request)).answer);
    expect(granted((await directory.register(request)).answer)).toEqual(first);
    await directory.renew({
      incarnation: request.incarnation,
      expectedRev: first.rev,
      load: 7,
      state: "alive",
    });
    expect(granted((await directory.register(request)).answer)).toMatchObject({
      rev: first.rev + 1,
      load: 7,
    });
    expect((await directory.members()).answer.members).toHaveLength(1);
  });

  rule("R19", "a second silo of a living name is refused and told who has it", async (bench) => {
    const directory = await bench.open();
    const holder = await bench.join(directory);
    const request = bench.registration({ name: holder.name });
    expect((await directory.register(request)).answer).toEqual({
      ok: false,
      refusal: "name-taken",
      holder,
    });
    expect(await memberOf(directory, request.incarnation)).toBeUndefined();
  });

  rule("R19", "the name of a dead silo is free for a new incarnation", async (bench) => {
    const directory = await bench.open();
    const { incarnation, name } = await bench.join(directory);
    await bench.kill(directory, incarnation);
    expect((await directory.register(bench.registration({ name }))).answer.ok).toBe(true);
  });

  rule("R19", "of silos that register one name at once, exactly one is let in", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    const answers = await Promise.all(
      Array.from({ length: RACERS }, async (_, i) => {
        const request = bench.registration({ name: "same" });
        return (await sessions[i % 2]!.register(request)).answer;
      }),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
  });

  rule("R3 I5", "a dead incarnation cannot register again", async (bench) => {
    const directory = await bench.open();
    const request = bench.registration();
    await directory.register(request);
    await bench.kill(directory, request.incarnation);
    expect((await directory.register(request)).answer).toEqual({ ok: false, refusal: "dead" });
    expect(await memberOf(directory, request.incarnation)).toMatchObject({ state: "dead" });
  });

  rule("I14", "a silo of another protocol is refused while one of ours lives", async (bench) => {
    const directory = await bench.open();
    const holder = await bench.join(directory);
    const request = bench.registration({ protocol: holder.protocol + 1 });
    expect((await directory.register(request)).answer).toEqual({
      ok: false,
      refusal: "protocol",
      holder,
    });
    await bench.kill(directory, holder.incarnation);
    expect((await directory.register(request)).answer.ok).toBe(true);
  });

  rule("D1 R14", "a renewal raises rev and counter, and says load and state", async (bench) => {
    const directory = await bench.open();
    const before = await bench.join(directory);
    const { answer } = await directory.renew({
      incarnation: before.incarnation,
      expectedRev: before.rev,
      load: 12,
      state: "draining",
    });
    const after = {
      ...before,
      rev: before.rev + 1,
      counter: before.counter + 1,
      load: 12,
      state: "draining",
    };
    expect(answer).toEqual({ ok: true, member: after });
    expect(await memberOf(directory, before.incarnation)).toEqual(after);
  });

  rule(
    "D1 R8",
    "a renewal at another rev changes nothing and answers the record",
    async (bench) => {
      const directory = await bench.open();
      const member = await bench.join(directory);
      const { incarnation, rev } = member;
      for (const expectedRev of [rev - 1, rev + 1]) {
        const request = { incarnation, expectedRev, load: 5, state: "draining" } as const;
        const { answer } = await directory.renew(request);
        expect(answer).toEqual({ ok: false, refusal: "conflict", member });
      }
      expect(await memberOf(directory, incarnation)).toEqual(member);
    },
  );

  rule("D1", "of renewals at one rev exactly one counts", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    const { incarnation, rev } = await bench.join(sessions[0]!);
    const answers = await Promise.all(
      Array.from({ length: RACERS }, async (_, i) => {
        const request = { incarnation, expectedRev: rev, load: i, state: "alive" } as const;
        return (await sessions[i % 2]!.renew(request)).answer;
      }),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect((await memberOf(sessions[1]!, incarnation))?.rev).toBe(rev + 1);
  });

  rule("H22", "an unknown incarnation cannot renew", async (bench) => {
    const directory = await bench.open();
    const request = { expectedRev: 1, load: 0, state: "alive" } as const;
    const incarnation = bench.random.hex128();
    expect((await directory.renew({ ...request, incarnation })).answer).toEqual({
      ok: false,
      refusal: "absent",
    });
    expect(await memberOf(directory, incarnation)).toBeUndefined();
  });

  rule("R3 I5", "a dead incarnation cannot renew, at any rev", async (bench) => {
    const directory = await bench.open();
    const { incarnation, rev } = await bench.join(directory);
    await bench.kill(directory, incarnation);
    const member = await memberOf(directory, incarnation);
    for (const expectedRev of [rev, rev + 1, rev + 2]) {
      const request = { incarnation, expectedRev, load: 0, state: "alive" } as const;
      const { answer } = await directory.renew(request);
      expect(answer).toEqual({ ok: false, refusal: "dead", member });
    }
    expect(await memberOf(directory, incarnation)).toEqual(member);
  });

  rule("D1", "draining is not undone by a renewal that says alive", async (bench) => {
    const directory = await bench.open();
    const { incarnation, rev } = await bench.join(directory);
    const request = { incarnation, load: 0 };
    await directory.renew({ ...request, expectedRev: rev, state: "draining" });
    const { answer } = await directory.renew({ ...request, expectedRev: rev + 1, state: "alive" });
    expect(answer).toMatchObject({ ok: true, member: { state: "draining", rev: rev + 2 } });
  });

  rule("R3 H4", "a death counts only at the rev that was watched", async (bench) => {
    const directory = await bench.open();
    const { incarnation, rev } = await bench.join(directory);
    await directory.renew({ incarnation, expectedRev: rev, load: 0, state: "alive" });
    const member = await memberOf(directory, incarnation);
    const { answer } = await directory.markDead({ incarnation, expectedRev: rev });
    expect(answer).toEqual({ ok: false, refusal: "conflict", member });
    expect(await memberOf(directory, incarnation)).toEqual(member);
  });

  rule("R3 R8", "a death marked again, by anyone, answers the same record", async (bench) => {
    const directory = await bench.open();
    const { incarnation, rev } = await bench.join(directory);
    const first = await directory.markDead({ incarnation, expectedRev: rev });
    expect(first.answer).toMatchObject({ ok: true, member: { state: "dead", incarnation } });
    for (const expectedRev of [rev, rev + 5, "absent"] as const)
      expect((await directory.markDead({ incarnation, expectedRev })).answer).toEqual(first.answer);
  });

  rule(
    "D7",
    "a dead member that is swept is not listed, and stays dead for whoever names it",
    async (bench) => {
      const directory = await bench.open();
      const { incarnation, rev } = await bench.join(directory);
      const owned = await claimOne(directory, bench.claimRequest(ACTOR, incarnation));
      expect(owned.ok).toBe(true);
      await bench.kill(directory, incarnation);
      const member = await memberOf(directory, incarnation);
      for (let times = 0; times < 2; times++)
        expect((await directory.sweep({ incarnation })).answer).toEqual({ ok: true, member });
      expect(await memberOf(directory, incarnation)).toBeUndefined();
      // A request that was late, and everything else that it might still ask.
      expect((await directory.register(bench.registration({ incarnation }))).answer).toEqual({
        ok: false,
        refusal: "dead",
      });
      const renewal = { incarnation, expectedRev: rev, load: 0, state: "alive" } as const;
      expect((await directory.renew(renewal)).answer).toMatchObject({ ok: false, refusal: "dead" });
      expect((await directory.markDead({ incarnation, expectedRev: "absent" })).answer).toEqual({
        ok: true,
        member,
      });
      const again = await claimOne(directory, bench.claimRequest(ACTOR, incarnation));
      expect(again).toEqual({ ok: false, refusal: "claimant-not-alive" });
      expect(await memberOf(directory, incarnation)).toBeUndefined();
    },
  );

  rule("D7", "what a swept member owned can be taken like any dead one's", async (bench) => {
    const directory = await bench.open();
    const first = await bench.join(directory);
    const { token } = await bench.own(directory, ACTOR, first.incarnation);
    await bench.kill(directory, first.incarnation);
    await directory.sweep({ incarnation: first.incarnation });
    const second = await bench.join(directory);
    const taken = bench.claimRequest(ACTOR, second.incarnation, { expected: { token } });
    expect(await claimOne(directory, taken)).toMatchObject({ ok: true });
  });

  rule("D7", "nobody is swept who is not dead", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const member = await memberOf(directory, incarnation);
    expect((await directory.sweep({ incarnation })).answer).toEqual({
      ok: false,
      refusal: "not-dead",
      member,
    });
    expect((await directory.sweep({ incarnation: bench.random.hex128() })).answer).toEqual({
      ok: false,
      refusal: "absent",
    });
    expect(await memberOf(directory, incarnation)).toEqual(member);
  });

  rule("R3 D1", "of a renewal and a death at one rev, one wins", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    for (let round = 0; round < RACERS; round++) {
      const { incarnation, rev } = await bench.join(sessions[0]!);
      const [renewed, marked] = await Promise.all([
        sessions[round % 2]!.renew({ incarnation, expectedRev: rev, load: 0, state: "alive" }),
        sessions[(round + 1) % 2]!.markDead({ incarnation, expectedRev: rev }),
      ]);
      expect(renewed.answer.ok).toBe(!marked.answer.ok);
      const state = (await memberOf(sessions[0]!, incarnation))?.state;
      expect(state).toBe(marked.answer.ok ? "dead" : "alive");
    }
  });

  rule("H22", "an incarnation without a record can be made dead, for ever", async (bench) => {
    const directory = await bench.open();
    const request = bench.registration();
    const { incarnation } = request;
    expect((await directory.markDead({ incarnation, expectedRev: 1 })).answer).toEqual({
      ok: false,
      refusal: "absent",
    });
    expect(await memberOf(directory, incarnation)).toBeUndefined();
    const { answer } = await directory.markDead({ incarnation, expectedRev: "absent" });
    expect(answer).toMatchObject({
      ok: true,
      member: { incarnation, state: "dead", name: "", protocol: PROTOCOL_VERSION },
    });
    expect((await directory.register(request)).answer).toEqual({ ok: false, refusal: "dead" });
  });

  rule("H22 R3", "a living record is not absent", async (bench) => {
    const directory = await bench.open();
    const member = await bench.join(directory);
    const { incarnation } = member;
    const { answer } = await directory.markDead({ incarnation, expectedRev: "absent" });
    expect(answer).toEqual({ ok: false, refusal: "conflict", member });
    expect(await memberOf(directory, incarnation)).toEqual(member);
  });
}
