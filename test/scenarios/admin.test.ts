// silo.admin: an operator ends, moves and looks at single actors, from any silo.
import {
  Actor,
  ActorTypeNotFoundError,
  CallTimeoutError,
  defineActor,
  InvalidArgumentError,
  SiloNotFoundError,
  SiloUnavailableError,
} from "tenure";
import { loopback, type Message, seededRandom } from "@tenure/core/internal";
import type { Silo } from "@tenure/runtime";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { diaries } from "../support/diary.ts";
import { ScriptedCluster } from "../support/scripted-cluster.ts";

/** Three silos that know each other, one of them without the class; the diary `d` is on silo-1. */
async function office() {
  const { Diary, begun, open, aborted } = diaries();
  const t = await testSilos({ actors: [Diary], silos: 2, seed: 9 });
  await t.add("desk", { actors: [] });
  await t.clock.advance("3s");
  const [one, two, desk] = t.silos as [Silo, Silo, Silo];
  const diary = one.client.get(Diary, "d");
  await diary.write("first");
  return { t, Diary, begun, open, aborted, one, two, desk, diary };
}

test("deactivate ends an activation from any silo, with or without the class, and says whether there was one", async () => {
  const o = await office();
  await using _ = o.t;
  for (const silo of [o.desk, o.two, o.one]) {
    const before = await o.diary.generation();
    expect(await silo.admin.deactivate("diary", "d")).toBe(true);
    expect(internalsOf(o.one).activations).toBe(0);
    expect(await silo.admin.deactivate(o.Diary, "d")).toBe(false);
    expect(await o.diary.lines()).toEqual(["first"]);
    expect(await o.diary.generation()).toBeGreaterThan(before);
  }
  expect(o.t.events).toContainEqual(
    expect.objectContaining({ type: "activation.deactivated", reason: "requested" }),
  );
});

test("deactivate waits for the turn that runs; one that outlasts the time of a call is told of, and ended when it is over", async () => {
  const o = await office();
  await using _ = o.t;
  const later = o.diary.$with({ timeoutMs: "1m" }).writeLater("slow");
  await o.begun("slow");
  const ended = rejection(o.desk.admin.deactivate("diary", "d"));
  const here = rejection(o.one.admin.deactivate("diary", "d"));
  await o.t.clock.advance("11s");
  for (const error of [await ended, await here]) {
    expect(error).toBeInstanceOf(CallTimeoutError);
    expect(error).toMatchObject({ outcome: "unknown" });
  }
  o.open("slow");
  expect(await later).toBe(2);
  await o.t.clock.settle();
  expect(internalsOf(o.one).activations).toBe(0);
});

test("move brings an actor with its state to the silo that is named, and every caller finds it there", async () => {
  const o = await office();
  await using _ = o.t;
  await o.desk.client.get<InstanceType<typeof o.Diary>>("diary", "d").write("second");
  await o.desk.admin.move(o.Diary, "d", "silo-2");
  expect(internalsOf(o.one).activations).toBe(0);
  expect(internalsOf(o.two).activations).toBe(1);
  for (const silo of [o.one, o.two, o.desk]) {
    const diary = silo.client.get<InstanceType<typeof o.Diary>>("diary", "d");
    expect(await diary.where()).toBe("silo-2");
    expect(await diary.lines()).toEqual(["first", "second"]);
  }
  // Where it is already, and back, by the silo that has it.
  await o.one.admin.move("diary", "d", "silo-2");
  await o.two.admin.move("diary", "d", "silo-1");
  expect(await o.diary.where()).toBe("silo-1");
});

test("calls that wait while their actor moves are served there, in order, and the turn that ran is kept", async () => {
  const o = await office();
  await using _ = o.t;
  const running = o.diary.writeLater("a");
  await o.begun("a");
  const waiting = [o.diary.write("b"), o.diary.write("c"), o.diary.where()];
  const moved = o.one.admin.move(o.Diary, "d", "silo-2");
  await o.t.clock.settle();
  const whileMoving = o.diary.write("d");
  o.open("a");
  await o.t.clock.advance("1s");
  await moved;
  expect(await running).toBe(2);
  expect(await Promise.all(waiting)).toEqual([3, 4, "silo-2"]);
  expect(await whileMoving).toBe(5);
  expect(await o.diary.lines()).toEqual(["first", "a", "b", "c", "d"]);
});

test("calls that come between the two silos wait for the one that is to have the actor, however slow its claim is", async () => {
  const { Diary } = diaries();
  const c = await ScriptedCluster.start({ actors: [Diary] });
  await using _ = c;
  const one = await c.add("silo-1");
  await c.add("silo-2");
  await c.clock.advance("3s");
  const diary = one.client.get(Diary, "d");
  await diary.write("first");
  c.scripts.set("silo-2", (operation) => (operation === "claim" ? { request: 300 } : undefined));
  const moved = one.admin.move(Diary, "d", "silo-2");
  await c.clock.advance(100);
  expect((await one.admin.explain(Diary, "d")).activation?.state).toBe("handing-over");
  const between = diary.where();
  await c.clock.advance("1s");
  await moved;
  expect(await between).toBe("silo-2");
  expect(c.of("activation.claimed").map(({ silo }) => silo)).toEqual(["silo-1", "silo-2"]);
});

test("an actor without an activation is activated by a move", async () => {
  const o = await office();
  await using _ = o.t;
  await o.two.admin.move(o.Diary, "new", "silo-1");
  expect((await o.one.admin.explain(o.Diary, "new")).activation?.state).toBe("active");
  expect(await o.two.client.get(o.Diary, "new").where()).toBe("silo-1");
});

test("an actor that cannot be activated where it is to go stays available where it can", async () => {
  class Picky extends Actor {
    static readonly actor = defineActor<Picky>({ type: "picky", placement: "local" });
    override async onActivate() {
      if (this.ctx.silo === "silo-2") throw new Error("not here");
    }
    async where() {
      return this.ctx.silo;
    }
  }
  await using t = await testSilos({ actors: [Picky], silos: 2 });
  await t.clock.advance("3s");
  const [one, two] = t.silos as [Silo, Silo];
  const picky = one.client.get(Picky, "p");
  expect(await picky.where()).toBe("silo-1");
  const error = await rejection(two.admin.move(Picky, "p", "silo-2"));
  expect(error).toMatchObject({ code: "ACTIVATION_FAILED" });
  expect(String(error)).toContain("not here");
  expect(await picky.where()).toBe("silo-1");
});

test("a silo that drains takes no actor that is moved to it", async () => {
  const o = await office();
  await using _ = o.t;
  const drained = o.two.drain();
  await o.t.clock.advance("1s");
  await drained;
  const error = await rejection(o.two.admin.move(o.Diary, "d", "silo-2"));
  expect(error).toBeInstanceOf(SiloNotFoundError);
  expect(await o.diary.where()).toBe("silo-1");
});

test("unknown actors, types and silos are typed errors, and change nothing", async () => {
  const o = await office();
  await using _ = o.t;
  const { admin } = o.desk;
  const noType = [
    () => admin.deactivate("nope", "d"),
    () => admin.move("nope", "d", "silo-1"),
    () => admin.explain("nope", "d"),
  ];
  for (const call of noType) {
    const error = await rejection(call());
    expect(error).toBeInstanceOf(ActorTypeNotFoundError);
    expect(error).toMatchObject({ outcome: "not-executed" });
  }
  for (const call of [() => admin.deactivate("diary", ""), () => admin.explain("a b", "d")])
    expect(await rejection(call())).toBeInstanceOf(InvalidArgumentError);
  // One that is not there, and one without the class.
  for (const name of ["silo-9", "desk"]) {
    const error = await rejection(admin.move(o.Diary, "d", name));
    expect(error).toBeInstanceOf(SiloNotFoundError);
    expect(error).toMatchObject({
      code: "SILO_NOT_FOUND",
      details: { silo: name, silos: ["silo-1", "silo-2"] },
    });
  }
  expect(internalsOf(o.one).activations).toBe(1);
  await o.desk.stop();
  expect(await rejection(admin.deactivate("diary", "d"))).toBeInstanceOf(SiloUnavailableError);
});

test("explain tells who owns an actor, by which claims it came there, and what is going on there", async () => {
  const o = await office();
  await using _ = o.t;
  expect(await o.desk.admin.explain(o.Diary, "never")).toEqual({
    type: "diary",
    id: "never",
    owner: undefined,
    generation: 0,
    claims: [],
    activation: undefined,
  });
  await o.desk.admin.move(o.Diary, "d", "silo-2");
  const running = o.diary.writeLater("slow");
  await o.begun("slow");
  const waiting = [o.diary.write("b"), o.diary.write("c")];
  await o.t.clock.settle();
  const told = await o.two.admin.explain(o.Diary, "d");
  expect(told).toMatchObject({
    owner: { silo: "silo-2", standing: "lives", incarnation: internalsOf(o.two).incarnation },
    claims: [
      { silo: "silo-1", reason: "call" },
      { silo: "silo-2", reason: "call", generation: told.generation },
    ],
    activation: {
      state: "active",
      generation: told.generation,
      waitingCalls: 2,
      runningMethods: ["writeLater"],
    },
  });
  expect((await o.one.admin.explain(o.Diary, "d")).activation).toBeUndefined();
  o.open("slow");
  await o.t.clock.settle();
  await Promise.all([running, ...waiting]);
  await o.one.admin.deactivate(o.Diary, "d");
  const free = await o.one.admin.explain(o.Diary, "d");
  expect(free).toMatchObject({ owner: undefined, generation: told.generation });
});

test("an endpoint that is no silo of the cluster moves nothing (W2)", async () => {
  const { Diary } = diaries();
  const provider = loopback();
  await using t = await testSilos({ actors: [Diary], transport: provider });
  const [silo] = t.silos;
  await silo!.client.get(Diary, "d").write("first");
  const transport = await provider.open({
    cluster: "default",
    clock: t.clock,
    random: seededRandom(2),
    emit: () => undefined,
    leaseTtlMs: 4_000,
    openTimeoutMs: 1_000,
    durability: "default",
  });
  const answers: Message[] = [];
  const stranger = await transport.join("a".repeat(32), {
    message: (_from, message) => answers.push(message),
    undeliverable: () => undefined,
    disconnected: () => undefined,
    reconnected: () => undefined,
  });
  const about = { type: "diary", id: "d", to: undefined };
  const { incarnation } = internalsOf(silo!);
  stranger.send(incarnation!, { kind: "admin", request: 1, operation: "deactivate", ...about });
  stranger.send(incarnation!, {
    kind: "admin",
    request: 2,
    operation: "activate",
    ...about,
    id: "",
  });
  await t.clock.settle();
  expect(answers).toContainEqual({
    kind: "administered",
    request: 1,
    result: expect.objectContaining({ status: "refused", reason: "unauthorized" }) as unknown,
  });
  expect(answers).toContainEqual({
    kind: "administered",
    request: 2,
    result: expect.objectContaining({ status: "refused", reason: "invalid" }) as unknown,
  });
  expect(internalsOf(silo!).activations).toBe(1);
});
