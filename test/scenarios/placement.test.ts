// Placement: on which silo an actor's first call activates it.
import {
  Actor,
  CallError,
  connect,
  defineActor,
  type Placement,
  SiloUnavailableError,
} from "tenure";
import { loopback, seededRandom } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { crash } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";

function placedBy(placement: Placement) {
  return class Placed extends Actor {
    static readonly actor = defineActor<Placed>({ type: "placed", placement });
    async where() {
      return this.ctx.silo;
    }
  };
}

/** Where the actors are that each of three silos called first. */
async function spread(placement: Placement, perSilo = 60) {
  const Placed = placedBy(placement);
  await using t = await testSilos({ actors: [Placed], silos: 3, seed: 11 });
  // By then each silo knows the others, and their loads.
  await t.clock.advance("3s");
  const found: { caller: string; where: string }[] = [];
  for (let i = 0; i < perSilo; i++) {
    for (const silo of t.silos)
      found.push({
        caller: silo.name,
        where: await silo.client.get(Placed, `${silo.name} ${i}`).where(),
      });
    if (i % 5 === 0) await t.clock.advance("2s");
  }
  const counts = t.silos.map((silo) => found.filter(({ where }) => where === silo.name).length);
  return { found, counts };
}

test("an actor's calls reach its one silo from every silo", async () => {
  const Placed = placedBy("balanced");
  await using t = await testSilos({ actors: [Placed], silos: 3 });
  const calls = t.silos.map((silo) => silo.client.get(Placed, "a").where());
  const [first, ...others] = await Promise.all(calls);
  expect(others).toEqual([first, first]);
});

test("'local' activates at the caller's silo", async () => {
  const { found } = await spread("local", 5);
  for (const { caller, where } of found) expect(where).toBe(caller);
});

test.for(["random", "balanced"] as const)(
  "'%s' spreads actors over the silos",
  async (placement) => {
    const { counts } = await spread(placement);
    for (const count of counts) expect(count).toBeGreaterThan(30);
  },
);

test("an actor's first calls from all silos at once still activate it once", async () => {
  const Placed = placedBy("random");
  await using t = await testSilos({ actors: [Placed], silos: 3 });
  await t.clock.advance("3s");
  const calls = t.silos.flatMap((silo) =>
    Array.from({ length: 5 }, () => silo.client.get(Placed, "one").where()),
  );
  await t.clock.advance("2s");
  expect(new Set(await Promise.all(calls)).size).toBe(1);
});

test("an actor is placed only where its class is", async () => {
  const Placed = placedBy("random");
  await using t = await testSilos({ actors: [], silos: 2 });
  const worker = await t.add("worker", { actors: [Placed] });
  await t.clock.advance("3s");
  for (let i = 0; i < 10; i++)
    for (const silo of t.silos)
      expect(await silo.client.get<InstanceType<typeof Placed>>("placed", `${i}`).where()).toBe(
        worker.name,
      );
});

type Where = InstanceType<ReturnType<typeof placedBy>>;

/** Two silos that have the class, one that does not, and a client that is no silo. */
async function withGateway(placement: Placement) {
  const Placed = placedBy(placement);
  const transport = loopback();
  const t = await testSilos({ actors: [Placed], silos: 0, transport, seed: 5 });
  const hosts = [
    await t.add("host-1", { roles: ["big"] }),
    await t.add("host-2", { roles: ["small"] }),
  ];
  const gateway = await t.add("gateway", { actors: [], roles: ["big", "small"] });
  const client = await connect({ transport }, { clock: t.clock, random: seededRandom(6) });
  await t.clock.advance("3s");
  const callers = [...[...hosts, gateway].map((silo) => silo.client), client];
  /** Calls by the type's name alone: not every caller has the class. */
  const where = (caller: (typeof callers)[number], id: string): Promise<string> =>
    caller.get<Where>("placed", id).where();
  const dispose = async (): Promise<void> => {
    await client.close();
    await t[Symbol.asyncDispose]();
  };
  return { t, callers, where, [Symbol.asyncDispose]: dispose };
}

test("'hash' activates an actor on the same silo, whoever calls it first, and again after a restart of the silo", async () => {
  const Placed = placedBy("hash");
  /** Where 20 actors are whose first calls come from this silo of three. */
  const placesSeenFrom = async (caller: number, restart: boolean): Promise<readonly string[]> => {
    await using t = await testSilos({ actors: [Placed], silos: 3, seed: 20 + caller });
    if (restart) {
      await t.silos[1]!.stop();
      await t.add("silo-2");
    }
    await t.clock.advance("3s");
    const ids = Array.from({ length: 20 }, (_unused, i) => `${i}`);
    return await Promise.all(ids.map((id) => t.silos[caller]!.client.get(Placed, id).where()));
  };
  const places = await placesSeenFrom(0, false);
  expect(new Set(places).size).toBe(3);
  expect(await placesSeenFrom(2, false)).toEqual(places);
  expect(await placesSeenFrom(0, true)).toEqual(places);
});

test("by role an actor is activated only on silos that have it, whoever calls", async () => {
  await using g = await withGateway({ role: "small" });
  for (const [i, caller] of g.callers.entries())
    expect(await g.where(caller, `${i}`)).toBe("host-2");
});

test("while no silo has the role the call waits, typed when its time is up, and is served when one joins", async () => {
  const Placed = placedBy({ role: "gpu" });
  await using t = await testSilos({ actors: [Placed], silos: 1 });
  const placed = t.silos[0]!.client.get(Placed, "a");
  const refused = rejection(placed.$with({ timeoutMs: "1s" }).where());
  await t.clock.advance("2s");
  const error = await refused;
  expect(error).toBeInstanceOf(SiloUnavailableError);
  expect(error).toMatchObject({ outcome: "not-executed" });
  expect(String(error)).toContain("no silo with the role 'gpu' that has 'placed'");
  const waits = placed.where();
  await t.clock.advance("1s");
  await t.add("strong", { roles: ["gpu"] });
  await t.clock.advance("2s");
  expect(await waits).toBe("strong");
});

test("a placement function decides for every caller, also for those that do not have the class", async () => {
  const asked: string[] = [];
  await using g = await withGateway((actor, silos) => {
    asked.push(
      silos
        .map(({ name, roles }) => `${name} ${roles.join()}`)
        .toSorted()
        .join("; "),
    );
    return actor.id.startsWith("heavy") ? "host-1" : "host-2";
  });
  for (const [i, caller] of g.callers.entries()) {
    expect(await g.where(caller, `heavy ${i}`)).toBe("host-1");
    expect(await g.where(caller, `light ${i}`)).toBe("host-2");
  }
  // A silo without the class is not among those to choose from.
  expect(new Set(asked)).toEqual(new Set(["host-1 big; host-2 small"]));
});

test.for<[string, () => string, string]>([
  [
    "throws",
    () => {
      throw new Error("no idea");
    },
    "threw: Error: no idea",
  ],
  ["names no silo that is there", () => "gateway", 'answered "gateway", which is none of'],
  [
    "answers a promise that fails",
    () => Promise.reject(new Error("later")) as unknown as string,
    "answered an object",
  ],
])(
  "a placement function that %s fails the call at once for every caller, typed and not executed",
  async ([_what, choose, problem]) => {
    await using g = await withGateway(choose);
    for (const caller of g.callers) {
      const error = await rejection(g.where(caller, "x"));
      expect(error).toBeInstanceOf(CallError);
      expect(error).toMatchObject({ code: "ACTIVATION_FAILED", outcome: "not-executed" });
      expect(String(error)).toContain(`placed/x has no place: the placement function of 'placed'`);
      expect(String(error)).toContain(problem);
    }
  },
);

test("a silo without the class finds another to ask when the one that it asked is gone", async () => {
  await using g = await withGateway("hash");
  const gateway = g.callers[2]!;
  crash(g.t.silos[0]!);
  const places = Promise.all(Array.from({ length: 10 }, (_unused, i) => g.where(gateway, `${i}`)));
  await g.t.clock.advance("9s");
  expect(new Set(await places)).toEqual(new Set(["host-2"]));
});
