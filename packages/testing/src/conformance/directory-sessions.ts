// Batches, names, sequences and sessions of the directory.
import { expect } from "vitest";
import { claimOne, type DirectoryRule, entryOf } from "./directory-bench.ts";
import { actors, clustersLike, STRANGE_ACTORS } from "./samples.ts";

const ACTOR = { type: "Cart", id: "alice" };

export function directorySessionTests(rule: DirectoryRule): void {
  rule("D4", "an empty batch is answered with nothing", async (bench) => {
    const directory = await bench.open();
    expect((await directory.claim([])).answer).toEqual([]);
    expect((await directory.release([])).answer).toEqual([]);
    expect((await directory.lookup([])).answer).toEqual([]);
  });

  rule(
    "D4",
    "a hundred actors are claimed, found and released in one batch each",
    async (bench) => {
      const directory = await bench.open();
      const { incarnation, counter } = await bench.join(directory);
      const all = actors(100);
      const requests = all.map((actor) => bench.claimRequest(actor, incarnation));
      const claimed = (await directory.claim(requests)).answer;
      expect(claimed.map((answer) => answer.ok && answer.counter)).toEqual(
        all.map((_, i) => counter + 1 + i),
      );
      const found = (await directory.lookup(all)).answer;
      expect(found.map((answer) => answer.ok && answer.entry?.token)).toEqual(
        requests.map(({ token }) => token),
      );
      const released = await directory.release(requests);
      expect(released.answer).toEqual(all.map(() => ({ ok: true })));
    },
  );

  rule("D4", "a batch of mixed requests is answered item by item, in order", async (bench) => {
    const directory = await bench.open();
    const [silo, rival] = [await bench.join(directory), await bench.join(directory)];
    const [owned, fresh, absent] = actors(3);
    const entry = await bench.own(directory, owned!, rival.incarnation);
    const first = bench.claimRequest(fresh!, silo.incarnation);
    const requests = [
      bench.claimRequest(owned!, silo.incarnation),
      first,
      // Decided after the one before it: it displaces a claim of this very batch.
      bench.claimRequest(fresh!, silo.incarnation, { expected: { token: first.token } }),
      bench.claimRequest(absent!, silo.incarnation, { expected: { token: "seen" } }),
      bench.claimRequest(absent!, bench.random.hex128()),
      first,
    ];
    expect((await directory.claim(requests)).answer).toEqual([
      { ok: false, refusal: "owned", entry },
      expect.objectContaining({ ok: true }),
      expect.objectContaining({ ok: true }),
      { ok: false, refusal: "changed" },
      { ok: false, refusal: "claimant-not-alive" },
      { ok: false, refusal: "token-used" },
    ]);
    const { answer } = await directory.lookup([absent!, owned!, fresh!]);
    expect(answer).toEqual([
      { ok: true, entry: undefined },
      { ok: true, entry },
      { ok: true, entry: expect.objectContaining({ token: requests[2]!.token }) },
    ]);
    const released = await directory.release([
      { actor: owned!, token: first.token },
      { actor: fresh!, token: requests[2]!.token },
    ]);
    expect(released.answer).toEqual([{ ok: false, refusal: "not-owner" }, { ok: true }]);
  });

  rule("D1 A2", "strange names are kept apart and come back whole", async (bench) => {
    const directory = await bench.open();
    const { incarnation } = await bench.join(directory);
    for (const actor of STRANGE_ACTORS) {
      expect([actor, await entryOf(directory, actor)]).toEqual([actor, undefined]);
      await bench.own(directory, actor, incarnation);
    }
    const { answer } = await directory.lookup(STRANGE_ACTORS);
    const tokens = answer.map((found) => found.ok && found.entry?.token);
    expect(new Set(tokens).size).toBe(STRANGE_ACTORS.length);
    const releases = STRANGE_ACTORS.map((actor, i) => ({ actor, token: tokens[i] as string }));
    expect((await directory.release(releases)).answer).toEqual(releases.map(() => ({ ok: true })));
  });

  rule("I14", "clusters of one store know nothing of each other", async (bench) => {
    const names = clustersLike(bench.cluster);
    for (const cluster of names) {
      const directory = await bench.open(cluster);
      expect((await directory.members()).answer).toMatchObject({
        members: [],
        sentinel: undefined,
      });
      expect(await entryOf(directory, ACTOR)).toBeUndefined();
      const request = bench.registration({ name: "same" });
      const { answer } = await directory.register(request);
      expect(answer).toMatchObject({ ok: true, sentinel: { storeId: request.proposedStoreId } });
      await bench.own(directory, ACTOR, request.incarnation);
    }
  });

  rule(
    "D3",
    "the sequence never goes back and every write that counts raises it",
    async (bench) => {
      const sessions = [await bench.open(), await bench.open()];
      const seen = [(await sessions[0]!.members()).sequence];
      const wrote = async (answer: Promise<{ readonly sequence: number }>): Promise<void> => {
        const { sequence } = await answer;
        expect(sequence).toBeGreaterThan(seen.at(-1)!);
        seen.push(sequence);
      };
      const read = async (answer: Promise<{ readonly sequence: number }>): Promise<void> => {
        const { sequence } = await answer;
        expect(sequence).toBeGreaterThanOrEqual(seen.at(-1)!);
        seen.push(sequence);
      };
      const registration = bench.registration();
      const { incarnation } = registration;
      const request = bench.claimRequest(ACTOR, incarnation);
      const releases = [{ actor: ACTOR, token: request.token }];
      await wrote(sessions[0]!.register(registration));
      await wrote(sessions[1]!.claim([request]));
      await read(sessions[0]!.claim([request]));
      await read(sessions[0]!.lookup([ACTOR]));
      await wrote(sessions[0]!.release(releases));
      await wrote(sessions[1]!.renew({ incarnation, expectedRev: 1, load: 0, state: "alive" }));
      await read(sessions[1]!.members());
      await wrote(sessions[0]!.markDead({ incarnation, expectedRev: 2 }));
      await read(sessions[1]!.lookup([]));
    },
  );

  rule("D1", "the promise of durability is one sentence", async (bench) => {
    const { durability } = await bench.open();
    expect(durability.trim().length).toBeGreaterThan(10);
    expect(durability).not.toMatch(/[\r\n]/);
  });

  rule("D6", "after close every operation rejects, and other sessions go on", async (bench) => {
    const [directory, other] = [await bench.open(), await bench.open()];
    const { incarnation } = await bench.join(directory);
    const entry = await bench.own(directory, ACTOR, incarnation);
    await directory.close();
    await directory.close();
    const operations: (() => Promise<unknown>)[] = [
      () => directory.register(bench.registration()),
      () => directory.renew({ incarnation, expectedRev: 1, load: 0, state: "alive" }),
      () => directory.markDead({ incarnation, expectedRev: 1 }),
      () => directory.members(),
      () => directory.open("any"),
      () => directory.claim([]),
      () => directory.release([]),
      () => directory.lookup([ACTOR]),
    ];
    for (const operation of operations)
      await expect(operation()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await entryOf(other, ACTOR)).toEqual(entry);
  });

  rule("D5 R15", "a restart keeps entries, deaths and the height of generations", async (bench) => {
    const before = await bench.open();
    const [silo, dead] = [await bench.join(before), await bench.join(before)];
    const high = bench.claimRequest(ACTOR, silo.incarnation, { floor: 5_000 });
    await claimOne(before, high);
    await bench.kill(before, dead.incarnation);
    const entry = await entryOf(before, ACTOR);
    const { answer } = await before.members();

    const after = await bench.restart();
    expect(await entryOf(after, ACTOR)).toEqual(entry);
    expect((await after.members()).answer.sentinel).toEqual(answer.sentinel);
    const again = bench.registration({ incarnation: dead.incarnation });
    expect((await after.register(again)).answer).toEqual({ ok: false, refusal: "dead" });
    const heir = await bench.join(after);
    const claim = bench.claimRequest({ type: "Cart", id: "new" }, heir.incarnation);
    const granted = await claimOne(after, claim);
    if (!granted.ok) throw new Error(granted.refusal);
    expect(granted.generation).toBeGreaterThan(entry!.generation);
  });
}
