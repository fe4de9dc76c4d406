// The conformance suite of stores in which a claim and its load are one step (D8): what both answer, and leave, is what a claim and then
// a load would.
import {
  type ClaimedRow,
  type ClaimRequest,
  type Directory,
  type DirectoryProvider,
  type Incarnation,
  type LoadAnswer,
  type LoadRequest,
  type SaveRequest,
  seededRandom,
  STATE_PART,
  type Storage,
  StoreUnavailableError,
} from "@tenure/core/internal";
import { expect } from "vitest";
import { DirectoryBench, entryOf, type OpenedDirectory } from "./directory-bench.ts";
import { bytes, pattern, STRANGE_ACTORS } from "./samples.ts";
import { holds, loadOne, saveOne, type StoragePlants } from "./storage-bench.ts";
import {
  type ConformanceOptions,
  conformanceSuite,
  environmentOf,
  needed,
  type RuleTest,
} from "./suite.ts";

export interface OpenedJoint extends OpenedDirectory {
  /** Without it, skip S5. */
  readonly plantRow?: Pick<StoragePlants, "damagedRow">;
}

export type JointConformanceOptions = ConformanceOptions<OpenedJoint>;

const ACTOR = { type: "Cart", id: "alice" };
/** Of the test that compares both ways with each other. */
const STEPS = 150;

class JointBench extends DirectoryBench {
  declare readonly store: OpenedJoint;

  async openBoth(cluster: string = this.cluster): Promise<Both> {
    const { rows } = this.store.provider;
    const opening = needed(rows, "rows", "D8").open(environmentOf(cluster));
    return new Both(await this.open(cluster), await this.keep(opening));
  }

  /** The first save of a claim. */
  saveOf(claim: LoadRequest, put: ReadonlyMap<string, Uint8Array>): SaveRequest {
    const { actor, generation, token } = claim;
    const newEtag = this.random.hex128();
    return { actor, generation, token, etag: "", newEtag, put, del: [], due: 77 };
  }
}

class Both {
  readonly directory: Directory;
  readonly storage: Storage;

  constructor(directory: Directory, storage: Storage) {
    this.directory = directory;
    this.storage = storage;
  }

  async together(requests: readonly ClaimRequest[]): Promise<readonly ClaimedRow[]> {
    return (await this.directory.claimAndLoad!(requests)).answer;
  }

  async sequences(): Promise<readonly number[]> {
    const answers = await Promise.all([this.directory.lookup([]), this.storage.verify([])]);
    return answers.map(({ sequence }) => sequence);
  }

  async apart(request: ClaimRequest): Promise<ClaimedRow> {
    const claim = (await this.directory.claim([request])).answer[0]!;
    if (!claim.ok) return { claim, row: undefined };
    const { actor, token } = request;
    return { claim, row: await loadOne(this.storage, { actor, token, ...claim }) };
  }
}

/**
 * Declares the tests of a directory that claims and loads in one step.
 * @example jointConformance({ name: "redis", open: async () => ({ provider: redis({ url }).directory, dispose: async () => {} }) })
 */
export function jointConformance(options: JointConformanceOptions): void {
  conformanceSuite("joint store", options, (store) => new JointBench(store), declareRules);
}

function declareRules(rule: RuleTest<JointBench>): void {
  rule("D8 S1", "a claim that is granted raises the fence and brings the row", async (bench) => {
    const both = await bench.openBoth();
    const { incarnation } = await bench.join(both.directory);
    const first = bench.claimRequest(ACTOR, incarnation);
    const before = await both.sequences();
    const [fresh] = await both.together([first]);
    // Both have changed.
    for (const [i, sequence] of (await both.sequences()).entries())
      expect(sequence).toBeGreaterThan(before[i]!);
    expect(fresh).toMatchObject({ claim: { ok: true }, row: { ok: true } });
    const { generation, row } = grantedRow(fresh!);
    expect(row.meta).toMatchObject({ generation, token: first.token, etag: "", version: 0 });
    expect(row.parts.size).toBe(0);
    const claim = { actor: ACTOR, token: first.token, generation };
    const large = pattern(100_000);
    const put = new Map([
      [STATE_PART, large],
      ["k/one", pattern(100)],
      ["o/empty", bytes()],
    ]);
    const save = bench.saveOf(claim, put);
    expect(await saveOne(both.storage, save)).toEqual({ ok: true });
    await both.directory.release([{ actor: ACTOR, token: first.token }]);

    const second = bench.claimRequest(ACTOR, incarnation);
    const found = grantedRow((await both.together([second]))[0]!);
    expect(found.generation).toBeGreaterThan(generation);
    expect(found.row.meta).toEqual({
      format: 1,
      generation: found.generation,
      token: second.token,
      etag: save.newEtag,
      version: 1,
      due: 77,
    });
    expect(found.row.parts).toEqual(
      new Map([
        [STATE_PART, large],
        ["k/one", pattern(100).slice(0, 24)],
        ["o/empty", bytes()],
      ]),
    );
    expect(await holds(both.storage, claim)).toBe(false);
    expect(await saveOne(both.storage, { ...save, etag: save.newEtag, newEtag: "late" })).toEqual({
      ok: false,
      refusal: "fenced",
      generation: found.generation,
    });
  });

  rule("D8", "a claim that is refused loads nothing and raises no fence", async (bench) => {
    const both = await bench.openBoth();
    const [mine, other] = [await bench.join(both.directory), await bench.join(both.directory)];
    const own = bench.claimRequest(ACTOR, mine.incarnation);
    const { generation } = grantedRow((await both.together([own]))[0]!);
    const foreign = bench.claimRequest(ACTOR, other.incarnation);
    const [refused] = await both.together([foreign]);
    expect(refused).toMatchObject({ claim: { ok: false, refusal: "owned" }, row: undefined });
    expect(await holds(both.storage, { actor: ACTOR, token: own.token, generation })).toBe(true);
    const unknown = bench.claimRequest({ type: "Cart", id: "bob" }, bench.random.hex128());
    expect(await both.together([unknown])).toEqual([
      { claim: { ok: false, refusal: "claimant-not-alive" }, row: undefined },
    ]);
    const nobodys = { actor: unknown.actor, generation: 1, token: "t" };
    expect(await loadOne(both.storage, nobodys)).toMatchObject({ ok: true });
  });

  rule("D8 R8", "the same again is answered the same, and changes nothing", async (bench) => {
    const both = await bench.openBoth();
    const { incarnation } = await bench.join(both.directory);
    const request = bench.claimRequest(ACTOR, incarnation);
    const first = await both.directory.claimAndLoad!([request]);
    const again = await both.directory.claimAndLoad!([request]);
    expect(again).toEqual(first);
    await both.directory.release([{ actor: ACTOR, token: request.token }]);
    expect(await both.together([request])).toEqual([
      { claim: { ok: false, refusal: "token-used" }, row: undefined },
    ]);
  });

  rule("D8 R15", "a row that is fenced above its claim says so, and stays", async (bench) => {
    const both = await bench.openBoth();
    const { incarnation } = await bench.join(both.directory);
    const newer = { actor: ACTOR, generation: 5_000, token: "newer" };
    await loadOne(both.storage, newer);
    const [answer] = await both.together([bench.claimRequest(ACTOR, incarnation)]);
    expect(answer).toMatchObject({
      claim: { ok: true },
      row: { ok: false, refusal: "fenced", generation: 5_000 },
    });
    expect(await holds(both.storage, newer)).toBe(true);
    const { token } = (await entryOf(both.directory, ACTOR))!;
    const above = bench.claimRequest(ACTOR, incarnation, { expected: { token }, floor: 5_000 });
    expect(grantedRow((await both.together([above]))[0]!).generation).toBeGreaterThan(5_000);
  });

  rule("D8 D4 S5", "a row that is damaged spoils no other", async (bench) => {
    const plant = needed(bench.store.plantRow, "plantRow", "S5");
    let both = await bench.openBoth();
    await loadOne(both.storage, { actor: ACTOR, generation: 1, token: "t1" });
    await bench.closeAll();
    const planted = await plant.damagedRow(bench.cluster, ACTOR);
    both = await bench.openBoth();
    const { incarnation } = await bench.join(both.directory);
    const bob = { type: "Cart", id: "bob" };
    const answers = await both.together(
      [ACTOR, bob].map((actor) => bench.claimRequest(actor, incarnation)),
    );
    expect(answers).toMatchObject([
      { claim: { ok: true }, row: { ok: false, refusal: "damaged" } },
      { claim: { ok: true }, row: { ok: true } },
    ]);
    await bench.closeAll();
    expect(await planted.unchanged()).toBe(true);
  });

  rule("D8 D4", "a batch with every kind of name, and one name twice", async (bench) => {
    const both = await bench.openBoth();
    const { incarnation } = await bench.join(both.directory);
    const requests = [...STRANGE_ACTORS, ACTOR, ACTOR].map((actor) =>
      bench.claimRequest(actor, incarnation),
    );
    const answers = await both.together(requests);
    expect(answers.map(({ claim }) => claim.ok)).toEqual([
      ...STRANGE_ACTORS.map(() => true),
      true,
      false,
    ]);
    const claims = answers.slice(0, -1).map((answer, i): LoadRequest => {
      const { actor, token } = requests[i]!;
      return { actor, token, generation: grantedRow(answer).generation };
    });
    expect((await both.storage.verify(claims)).answer).toEqual(claims.map(() => true));
  });

  rule("D8 D6", "a closed session refuses", async (bench) => {
    const { directory } = await bench.openBoth();
    const request = bench.claimRequest(ACTOR, bench.random.hex128());
    await directory.close();
    await expect(directory.claimAndLoad!([request])).rejects.toThrow(StoreUnavailableError);
  });

  rule("D8 D1 S1", "whatever comes, both ways decide the same", async (bench) => {
    const seed = Math.floor(bench.random.next() * 2 ** 31);
    const random = seededRandom(seed);
    const of = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
    // Two clusters of the same store: what one is asked together, the other is asked apart.
    const [joined, split] = [
      await bench.openBoth(),
      await bench.openBoth(`${bench.cluster}-apart`),
    ];
    const silos: Incarnation[] = ["a", "b", "c"].map((digit) => digit.repeat(32));
    for (const [i, incarnation] of silos.entries())
      for (const { directory } of [joined, split])
        await directory.register({
          ...bench.registration({ incarnation, name: `silo-${i}` }),
          proposedStoreId: "store",
        });
    const actors = [ACTOR, { type: "Cart", id: "bob" }];
    const tokens: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const actor = of(actors);
      const entry = await entryOf(joined.directory, actor);
      const token = tokens.length > 0 && random.next() < 0.2 ? of(tokens) : `token-${step}`;
      tokens.push(token);
      const request = bench.claimRequest(actor, of(silos), {
        token,
        floor: Math.floor(random.next() * step),
        expected: entry && random.next() < 0.6 ? { token: entry.token } : "free",
      });
      const [answer] = await joined.together([request]);
      expect({ seed, step, answer }).toEqual({ seed, step, answer: await split.apart(request) });
      const fence = { actor, generation: step * 2, token: `fence-${step}` };
      const dead = random.next() < 0.02 ? of(silos.slice(1)) : undefined;
      for (const { directory, storage } of [joined, split]) {
        if (step % 7 === 0) await directory.release([{ actor, token }]);
        if (step % 11 === 0) await loadOne(storage, fence);
        if (dead) await bench.kill(directory, dead);
        if (answer!.row?.ok && step % 3 === 0)
          await saveOne(storage, {
            ...bench.saveOf({ actor, ...answer!.row.row.meta }, new Map([["state", bytes(step)]])),
            etag: answer!.row.row.meta.etag,
            newEtag: `etag-${step}`,
          });
      }
    }
  });
}

function grantedRow({ claim, row }: ClaimedRow): {
  readonly generation: number;
  readonly row: Extract<LoadAnswer, { ok: true }>["row"];
} {
  if (!claim.ok) throw new Error(`not granted: ${claim.refusal}`);
  if (!row?.ok) throw new Error(`not loaded: ${row?.refusal}`);
  return { generation: claim.generation, row: row.row };
}

/** A directory whose every claim is a claim and a load: for the suites of the directory port. */
export function claimingWithLoads(provider: DirectoryProvider): DirectoryProvider {
  return {
    name: `${provider.name}, with loads`,
    open: async (environment) => {
      const inner = await provider.open(environment);
      return new Proxy(inner, {
        get: (target, name) => {
          if (name === "claim")
            return async (requests: readonly ClaimRequest[]) => {
              const { sequence, answer } = await target.claimAndLoad!(requests);
              return { sequence, answer: answer.map(({ claim }) => claim) };
            };
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}
