// Claims and releases while everyone lives.
import { type ClaimAnswer, CLAIMS_KEPT } from "@tenure/core/internal";
import { expect } from "vitest";
import {
  claimOne,
  type DirectoryBench,
  type DirectoryRule,
  entryOf,
  memberOf,
} from "./directory-bench.ts";

const ACTOR = { type: "Cart", id: "alice" };
const RACERS = 16;

export function claimTests(rule: DirectoryRule): void {
  rule("D1 D3", "a first claim owns the actor, and every session sees it", async (bench) => {
    const [directory, other] = [await bench.open(), await bench.open()];
    const { incarnation } = await bench.join(directory);
    expect(await entryOf(other, ACTOR)).toBeUndefined();
    const request = bench.claimRequest(ACTOR, incarnation);
    const answer = await claimOne(directory, request);
    if (!answer.ok) throw new Error(answer.refusal);
    expect(answer.generation).toBeGreaterThan(0);
    const { generation, counter } = answer;
    const { token, reason } = request;
    expect(await entryOf(other, ACTOR)).toEqual({
      incarnation,
      token,
      generation,
      free: false,
      claims: [{ generation, incarnation, token, reason, counter }],
    });
  });

  rule("R14", "a claim raises the claimant's own counter", async (bench) => {
    const directory = await bench.open();
    const { incarnation, counter } = await bench.join(directory);
    const answer = await claimOne(directory, bench.claimRequest(ACTOR, incarnation));
    expect(answer).toMatchObject({ ok: true, counter: counter + 1 });
    expect(await memberOf(directory, incarnation)).toMatchObject({ counter: counter + 1, rev: 1 });
  });

  rule("R14 R8", "a claim sent again answers the place that it had", async (bench) => {
    const directory = await bench.open();
    const { incarnation, counter } = await bench.join(directory);
    const request = bench.claimRequest(ACTOR, incarnation);
    await claimOne(directory, request);
    await bench.own(directory, { type: "Cart", id: "bob" }, incarnation);
    expect(await claimOne(directory, request)).toMatchObject({ ok: true, counter: counter + 1 });
    expect(await memberOf(directory, incarnation)).toMatchObject({ counter: counter + 2 });
  });

  rule("R15", "a generation is above the floor, and above all that were granted", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const other = { type: "Cart", id: "bob" };
    const first = await claimOne(directory, bench.claimRequest(ACTOR, incarnation, { floor: 100 }));
    if (!first.ok) throw new Error(first.refusal);
    expect(first.generation).toBeGreaterThan(100);
    const second = await claimOne(directory, bench.claimRequest(other, incarnation));
    if (!second.ok) throw new Error(second.refusal);
    expect(second.generation).toBeGreaterThan(first.generation);
  });

  rule("R8 R14", "a claim sent again gets the same answer and changes nothing", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const request = bench.claimRequest(ACTOR, incarnation);
    const first = await claimOne(directory, request);
    const entry = await entryOf(directory, ACTOR);
    expect(await claimOne(directory, request)).toEqual(first);
    expect(await claimOne(directory, { ...request, floor: 1_000 })).toEqual(first);
    expect(await entryOf(directory, ACTOR)).toEqual(entry);
  });

  rule("R8 D1", "one claim sent many times at once is one claim", async (bench) => {
    const { answers, before } = await claimOnceManyTimes(bench);
    expect(answers[0]).toMatchObject({ ok: true });
    expect(answers[0]!.ok && answers[0]!.counter).toBeGreaterThan(before);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await entryOf(await bench.open(), ACTOR))?.claims).toHaveLength(1);
  });

  rule(
    "PLACES",
    "one claim sent many times at once takes one place of its claimant",
    async (bench) => {
      const { answers, before } = await claimOnceManyTimes(bench);
      expect(answers[0]).toMatchObject({ ok: true, counter: before + 1 });
    },
  );

  rule("R2 D1", "of claims of a free actor at once, exactly one wins", async (bench) => {
    const sessions = [await bench.open(), await bench.open()];
    const silos = await Promise.all(Array.from({ length: RACERS }, () => bench.join(sessions[0]!)));
    const answers = await Promise.all(
      silos.map(({ incarnation }, i) =>
        claimOne(sessions[i % 2]!, bench.claimRequest(ACTOR, incarnation)),
      ),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    const entry = await entryOf(sessions[1]!, ACTOR);
    expect(entry?.incarnation).toBe(silos[answers.findIndex((answer) => answer.ok)]!.incarnation);
    for (const answer of answers)
      if (!answer.ok) expect(answer).toEqual({ ok: false, refusal: "owned", entry });
  });

  rule("R2 I6", "an owned actor is not free, and its living owner keeps it", async (bench) => {
    const directory = await bench.open();
    const [owner, other] = [await bench.join(directory), await bench.join(directory)];
    const entry = await bench.own(directory, ACTOR, owner.incarnation);
    const owned = { ok: false, refusal: "owned", entry };
    for (const expected of ["free", { token: entry.token }, { token: "another" }] as const) {
      const request = bench.claimRequest(ACTOR, other.incarnation, { expected });
      expect(await claimOne(directory, request)).toEqual(owned);
    }
    expect(await entryOf(directory, ACTOR)).toEqual(entry);
  });

  rule("I6", "a draining owner keeps its actors", async (bench) => {
    const directory = await bench.open();
    const [owner, other] = [await bench.join(directory), await bench.join(directory)];
    const entry = await bench.own(directory, ACTOR, owner.incarnation);
    const { incarnation } = owner;
    const { rev } = (await memberOf(directory, incarnation))!;
    await directory.renew({ incarnation, expectedRev: rev, load: 1, state: "draining" });
    const expected = { token: entry.token };
    const request = bench.claimRequest(ACTOR, other.incarnation, { expected });
    expect(await claimOne(directory, request)).toMatchObject({ ok: false, refusal: "owned" });
  });

  rule("R11 R2", "an owner claims again only by naming its own claim", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const entry = await bench.own(directory, ACTOR, incarnation);
    expect(await claimOne(directory, bench.claimRequest(ACTOR, incarnation))).toEqual({
      ok: false,
      refusal: "owned",
      entry,
    });
    const again = bench.claimRequest(ACTOR, incarnation, {
      expected: { token: entry.token },
      reason: "reactivate",
    });
    expect(await claimOne(directory, again)).toMatchObject({ ok: true });
    const after = await entryOf(directory, ACTOR);
    expect(after).toMatchObject({ token: again.token, incarnation });
    expect(after!.generation).toBeGreaterThan(entry.generation);
  });

  rule("R2", "a claim that names an owner finds a free or absent entry changed", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const expected = { token: "as seen" };
    const request = bench.claimRequest(ACTOR, incarnation, { expected });
    const changed = { ok: false, refusal: "changed" };
    expect(await claimOne(directory, request)).toEqual(changed);
    expect(await entryOf(directory, ACTOR)).toBeUndefined();
    const { token } = await bench.own(directory, ACTOR, incarnation);
    await directory.release([{ actor: ACTOR, token }]);
    const late = bench.claimRequest(ACTOR, incarnation, { expected: { token } });
    expect(await claimOne(directory, late)).toEqual(changed);
    expect(await entryOf(directory, ACTOR)).toMatchObject({ free: true });
  });

  rule("D1 R15", "a released actor can be claimed, at a higher generation", async (bench) => {
    const directory = await bench.open();
    const [first, second] = [await bench.join(directory), await bench.join(directory)];
    const entry = await bench.own(directory, ACTOR, first.incarnation);
    expect((await directory.release([{ actor: ACTOR, token: entry.token }])).answer).toEqual([
      { ok: true },
    ]);
    expect(await entryOf(directory, ACTOR)).toEqual({ ...entry, free: true });
    const after = await bench.own(directory, ACTOR, second.incarnation);
    expect(after.generation).toBeGreaterThan(entry.generation);
    expect(after.claims.map((claim) => claim.token)).toEqual([entry.token, after.token]);
  });

  rule("R8", "a release sent again is answered alike; it frees no later claim", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const { token } = await bench.own(directory, ACTOR, incarnation);
    const release = async (): Promise<unknown> =>
      (await directory.release([{ actor: ACTOR, token }])).answer[0];
    expect(await release()).toEqual({ ok: true });
    expect(await release()).toEqual({ ok: true });
    const later = await bench.own(directory, ACTOR, incarnation);
    expect(await release()).toEqual({ ok: false, refusal: "not-owner" });
    expect(await entryOf(directory, ACTOR)).toEqual(later);
  });

  rule("D1 R1", "only the token of the claim releases it", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const entry = await bench.own(directory, ACTOR, incarnation);
    const absent = { type: "Cart", id: "nobody" };
    const { answer } = await directory.release([
      { actor: ACTOR, token: "another" },
      { actor: absent, token: entry.token },
    ]);
    const refused = { ok: false, refusal: "not-owner" };
    expect(answer).toEqual([refused, refused]);
    expect(await entryOf(directory, ACTOR)).toEqual(entry);
    expect(await entryOf(directory, absent)).toBeUndefined();
  });

  rule("R8 R1", "a claim sent again after its release is a late duplicate", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const request = bench.claimRequest(ACTOR, incarnation);
    await claimOne(directory, request);
    await directory.release([{ actor: ACTOR, token: request.token }]);
    const used = { ok: false, refusal: "token-used" };
    expect(await claimOne(directory, request)).toEqual(used);
    const entry = await bench.own(directory, ACTOR, incarnation);
    expect(await claimOne(directory, request)).toEqual(used);
    const stealing = { ...request, expected: { token: entry.token } };
    expect(await claimOne(directory, stealing)).toEqual(used);
    expect(await entryOf(directory, ACTOR)).toEqual(entry);
  });

  rule("D1", "an entry remembers its last claims and why they were made", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    const reasons = ["call", "takeover", "reactivate", "above-fence", "recovery"] as const;
    const tokens: string[] = [];
    for (let i = 0; i < CLAIMS_KEPT + 2; i++) {
      const request = bench.claimRequest(ACTOR, incarnation, {
        expected: i === 0 ? "free" : { token: tokens.at(-1)! },
        reason: reasons[i % reasons.length]!,
      });
      expect(await claimOne(directory, request)).toMatchObject({ ok: true });
      tokens.push(request.token);
    }
    const { claims } = (await entryOf(directory, ACTOR))!;
    expect(claims.map((claim) => claim.token)).toEqual(tokens.slice(-CLAIMS_KEPT));
    expect(claims.map((claim) => claim.reason)).toEqual(
      tokens.map((_, i) => reasons[i % reasons.length]).slice(-CLAIMS_KEPT),
    );
  });
}

/** By two sessions, all at once. `before`: the claimant's place before that. */
async function claimOnceManyTimes(
  bench: DirectoryBench,
): Promise<{ readonly answers: readonly ClaimAnswer[]; readonly before: number }> {
  const sessions = [await bench.open(), await bench.open()];
  const { incarnation, counter } = await bench.join(sessions[0]!);
  const request = bench.claimRequest(ACTOR, incarnation);
  const answers = await Promise.all(
    Array.from({ length: RACERS }, (_, i) => claimOne(sessions[i % 2]!, request)),
  );
  return { answers, before: counter };
}
