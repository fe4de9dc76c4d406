// Records that are damaged, foreign or of newer code: their actor fails with an error that names it, alone, and no byte of them is changed.
import { Actor, CallError, defineActor, SiloUnavailableError } from "tenure";
import {
  encodeValue,
  type LoadAnswer,
  ROW_FORMAT,
  STATE_PART,
  type StorageProvider,
} from "@tenure/core/internal";
import { memoryDirectory } from "@tenure/directory/internal";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { ScriptedStorage } from "../support/scripted-storage.ts";

class Jar extends Actor<{ n: number }> {
  static readonly actor = defineActor<Jar>({
    type: "jar",
    state: () => ({ n: 0 }),
    methods: { look: "read" },
  });
  async add(n: number) {
    return (this.state.n += n);
  }
  look() {
    return this.state.n;
  }
}

const ACTOR = { type: "jar", id: "j" };

/** Puts bytes into the place of the actor's state, behind its silo's back. The generation is above what the silo has claimed. */
async function plant(
  storage: ScriptedStorage,
  bytes: Uint8Array,
  generation: number,
): Promise<void> {
  const session = await storage.session();
  const claim = { actor: ACTOR, generation, token: `planted ${generation}` };
  const [loaded] = (await session.load([claim])).answer;
  if (!loaded?.ok) throw new Error("the row cannot be had");
  const { etag } = loaded.row.meta;
  const put = new Map([[STATE_PART, bytes]]);
  await session.save([
    { ...claim, etag, newEtag: `planted ${generation}`, put, del: [], due: undefined },
  ]);
}

const GOOD = (n: number): Uint8Array => Buffer.concat([Buffer.from([1, 0, 1]), encodeValue({ n })]);

test.for<[string, Uint8Array, string]>([
  ["cut short", GOOD(7).subarray(0, -1), "stored state cannot be decoded"],
  ["nothing at all", new Uint8Array(), "stored state has format none"],
  ["half a header", new Uint8Array([1, 0]), "stored state has format 1"],
  ["of another program", Buffer.from('{"n":7}'), "stored state has format 123, not 1"],
  ["of format 0", GOOD(7).with(0, 0), "stored state has format 0"],
  ["of version 0", GOOD(7).with(2, 0), "stored state has version 0, which no class has"],
  ["with a byte too many", Buffer.concat([GOOD(7), Buffer.from([0])]), "cannot be decoded"],
  ["of a newer version", GOOD(7).with(2, 2), "jar/j has state of version 2"],
  ["of a newer format", GOOD(7).with(0, 2), "jar/j has state of format 2"],
  ["without a header", encodeValue({ n: 7 }), "stored state has format"],
])(
  "stored state that is %s fails its actor's calls, not executed, names the key, and stays as it is",
  async ([, bytes, problem]) => {
    const storage = new ScriptedStorage();
    await using t = await testSilos({ actors: [Jar], storage });
    const silo = t.silos[0]!;
    const jar = silo.client.get(Jar, "j");
    await plant(storage, bytes, 2 ** 40);
    for (const call of [() => jar.look(), () => jar.add(1)]) {
      const failed = rejection(Promise.resolve(call()));
      await t.clock.advance("11s");
      const error = await failed;
      expect(error).toBeInstanceOf(CallError);
      expect(error).toMatchObject({ outcome: "not-executed" });
      expect(String(error)).toContain("jar/j");
      expect(String(error)).toContain(problem);
    }
    expect(await storage.part(ACTOR, STATE_PART)).toEqual(new Uint8Array(bytes));
    expect(storage.saves).toEqual([]);
    expect(await silo.client.get(Jar, "other").add(1)).toBe(1);
    // Repaired, it is served again.
    await plant(storage, GOOD(7), 2 ** 41);
    expect(await jar.add(1)).toBe(8);
  },
);

/** A storage that says of each row of the actor, to loads, that it is so. */
function saying(inner: ScriptedStorage, answer: LoadAnswer): StorageProvider {
  return {
    name: "saying",
    open: async (environment) => {
      const storage = await inner.open(environment);
      const load: typeof storage.load = async (requests) => {
        const { sequence, answer: answers } = await storage.load(requests);
        return {
          sequence,
          answer: answers.map((each, i) => (requests[i]!.actor.id === ACTOR.id ? answer : each)),
        };
      };
      return { ...storage, load };
    },
  };
}

test("a damaged row fails its actor at once, named, and an operator is told; others go on", async () => {
  const inner = new ScriptedStorage();
  const storage = saying(inner, { ok: false, refusal: "damaged", problem: "token is 7" });
  await using t = await testSilos({ actors: [Jar], storage });
  const error = await rejection(t.silos[0]!.client.get(Jar, "j").add(1));
  expect(error).toMatchObject({ code: "ACTIVATION_FAILED", outcome: "not-executed" });
  expect(String(error)).toContain("the row of jar/j is damaged: token is 7");
  expect(t.events).toContainEqual(expect.objectContaining({ type: "store.damaged", key: "jar/j" }));
  expect(inner.saves).toEqual([]);
  expect(await t.silos[0]!.client.get(Jar, "other").add(1)).toBe(1);
});

test("a row of a newer format is served by a silo that knows it; where there is none its calls wait, and end not executed", async () => {
  const inner = new ScriptedStorage();
  const directory = memoryDirectory();
  const format = ROW_FORMAT + 1;
  const outdated = saying(inner, { ok: false, refusal: "newer-format", format });
  await using t = await testSilos({ actors: [Jar], silos: 0, directory, storage: inner });
  const old = await t.add("old", { storage: outdated });
  const jar = old.client.get(Jar, "j");
  const failed = rejection(jar.add(1));
  await t.clock.advance("11s");
  const error = await failed;
  expect(error).toBeInstanceOf(SiloUnavailableError);
  expect(error).toMatchObject({ outcome: "not-executed" });
  expect(String(error)).toContain(`jar/j has a row of format ${format}`);
  expect(inner.saves).toEqual([]);

  await t.add("older", { storage: outdated });
  await t.add("newer");
  await t.clock.advance("2s");
  const served = jar.add(1);
  await t.clock.advance("8s");
  expect(await served).toBe(1);
  expect(t.events).toContainEqual(
    expect.objectContaining({ type: "activation.activated", silo: "newer", actor: ACTOR }),
  );
});
