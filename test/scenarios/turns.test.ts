// Turns: what runs beside what, and in which order.
import { Actor, defineActor, OverloadedError } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";
import { Stage } from "../support/stage.ts";

function actors(stage: Stage) {
  class Room extends Actor<{ steps: string[] }> {
    static readonly actor = defineActor<Room>({
      type: "room",
      state: () => ({ steps: [] }),
      methods: { look: "read", lookTwice: "read", peek: "interleave", steps: "read" },
    });
    async write(name: string) {
      this.state.steps.push(`${name} begins`);
      await stage.pass(name);
      this.state.steps.push(`${name} ends`);
      return this.state.steps.length;
    }
    async look(name: string) {
      await stage.pass(name);
    }
    async lookTwice(name: string) {
      const before = this.state.steps.length;
      await stage.pass(name);
      return [before, this.state.steps.length];
    }
    async peek(name: string) {
      stage.log.push(`+${name}`);
      return this.state.steps.length;
    }
    async note(name: string) {
      stage.log.push(name);
      this.state.steps.push(name);
    }
    steps() {
      return this.state.steps;
    }
  }

  /** Only writes: its turns are followed by a plain slot. */
  class Plain extends Actor<{ steps: number }> {
    static readonly actor = defineActor<Plain>({
      type: "plain",
      state: () => ({ steps: 0 }),
      maxQueue: 2,
    });
    async write(name: string) {
      await stage.pass(name);
      return ++this.state.steps;
    }
    async note(name: string) {
      stage.log.push(name);
    }
  }

  class Caller extends Actor<{ calls: number }> {
    static readonly actor = defineActor<Caller>({ type: "caller", state: () => ({ calls: 0 }) });
    async callAll(names: string[]) {
      const room = this.ctx.get(Room, "r");
      await Promise.all(names.map((name) => room.note(name)));
    }
    async commitThenCallAll(names: string[]) {
      this.state.calls += names.length;
      await this.callAll(names);
    }
  }
  return { Room, Plain, Caller };
}

async function stageWithSilos(silos = 1) {
  const stage = new Stage();
  const { Room, Plain, Caller } = actors(stage);
  const t = await testSilos({ actors: [Room, Plain, Caller], silos });
  return { stage, t, Room, Plain, Caller };
}

test.for(["room", "plain"])(
  "write turns of a %s never overlap, whatever they await (T2)",
  async (type) => {
    const { stage, t } = await stageWithSilos();
    await using _ = t;
    const ref = t.silos[0]!.client.get<InstanceType<ReturnType<typeof actors>["Plain"]>>(type, "a");
    const first = ref.write("first");
    const second = ref.write("second");
    await stage.entered("first");
    await t.clock.settle();
    expect(stage.log).toEqual(["+first"]);
    stage.door("second").resolve();
    stage.door("first").resolve();
    await Promise.all([first, second]);
    expect(stage.log).toEqual(["+first", "-first", "+second", "-second"]);
  },
);

test("reads run beside each other and never beside a write, in the order of arrival", async () => {
  const { stage, t, Room } = await stageWithSilos();
  await using _ = t;
  const room = t.silos[0]!.client.get(Room, "a");
  await room.note("warm");
  stage.log.length = 0;
  const calls = [
    room.look("read 1"),
    room.look("read 2"),
    room.write("write"),
    // It came after the write, so it does not overtake it: a stream of reads cannot starve a write.
    room.look("read 3"),
  ];
  await stage.entered("read 2");
  await t.clock.settle();
  expect(stage.log).toEqual(["+read 1", "+read 2"]);
  stage.door("read 1").resolve();
  await t.clock.settle();
  expect(stage.log).toEqual(["+read 1", "+read 2", "-read 1"]);
  stage.door("read 2").resolve();
  await stage.entered("write");
  await t.clock.settle();
  expect(stage.log.slice(-2)).toEqual(["-read 2", "+write"]);
  stage.door("write").resolve();
  await stage.entered("read 3");
  stage.door("read 3").resolve();
  await Promise.all(calls);
});

test("state does not change under a read, between its awaits", async () => {
  const { stage, t, Room } = await stageWithSilos();
  await using _ = t;
  const room = t.silos[0]!.client.get(Room, "a");
  const looked = room.lookTwice("read");
  const wrote = room.note("write");
  await stage.entered("read");
  await t.clock.settle();
  stage.door("read").resolve();
  expect(await looked).toEqual([0, 0]);
  await wrote;
});

test("an interleave call runs in the middle of a write turn and sees what it has changed so far", async () => {
  const { stage, t, Room } = await stageWithSilos(2);
  await using _ = t;
  const room = t.silos[0]!.client.get(Room, "a");
  const elsewhere = t.silos[1]!.client.get(Room, "a");
  const write = room.write("write");
  await stage.entered("write");
  expect(await elsewhere.peek("peek")).toBe(1);
  expect(stage.log).toEqual(["+write", "+peek"]);
  stage.door("write").resolve();
  expect(await write).toBe(2);
});

test("an interleave call that arrives before the activation is ready does not wait behind its writes", async () => {
  const { stage, t, Room } = await stageWithSilos();
  await using _ = t;
  const room = t.silos[0]!.client.get(Room, "a");
  const writes = [room.write("one"), room.write("two")];
  const peek = room.peek("peek");
  await stage.entered("one");
  expect(await peek).toBe(1);
  expect(stage.log).toEqual(["+one", "+peek"]);
  stage.door("one").resolve();
  stage.door("two").resolve();
  await Promise.all(writes);
});

test("a caller's calls start in the order in which it made them, also the very first ones (V2)", async () => {
  const { stage, t, Room } = await stageWithSilos(3);
  await using _ = t;
  const names = Array.from({ length: 50 }, (_unused, i) => `n${i}`);
  for (const [i, silo] of t.silos.entries()) {
    const room = silo.client.get(Room, `room ${i}`);
    stage.log.length = 0;
    await Promise.all(names.map((name) => room.note(name)));
    expect(stage.log).toEqual(names);
  }
});

test("calls made inside a turn start in the order in which it made them, while its commits are under way too", async () => {
  const { stage, t, Caller } = await stageWithSilos(3);
  await using _ = t;
  const names = Array.from({ length: 50 }, (_unused, i) => `n${i}`);
  const caller = t.silos[0]!.client.get(Caller, "c");
  await caller.callAll(names);
  expect(stage.log).toEqual(names);
  stage.log.length = 0;
  // The second turn's calls wait for the first one's commit.
  const turns = [caller.commitThenCallAll(["x"]), caller.commitThenCallAll(names)];
  await Promise.all(turns);
  expect(stage.log).toEqual(["x", ...names]);
});

test("a full mailbox refuses one more call, typed, and serves the others (M2)", async () => {
  const { stage, t, Plain } = await stageWithSilos();
  await using _ = t;
  const plain = t.silos[0]!.client.get(Plain, "a");
  const first = plain.write("1");
  await stage.entered("1");
  const waiting = [plain.write("2"), plain.write("3")];
  const time = t.clock.advance(200);
  const refused = await rejection(plain.$with({ timeoutMs: 100 }).write("4"));
  await time;
  expect(refused).toBeInstanceOf(OverloadedError);
  expect(refused).toMatchObject({ code: "OVERLOADED", outcome: "not-executed" });
  expect(String(refused)).toContain("2 calls wait for plain/a");
  for (const name of ["1", "2", "3"]) stage.door(name).resolve();
  expect(await Promise.all([first, ...waiting])).toEqual([1, 2, 3]);
  expect(stage.log).not.toContain("+4");
});

test("a call that a full mailbox refused is served when there is room, within its time", async () => {
  const { stage, t, Plain } = await stageWithSilos();
  await using _ = t;
  const plain = t.silos[0]!.client.get(Plain, "a");
  const first = plain.write("1");
  await stage.entered("1");
  const waiting = [plain.write("2"), plain.write("3")];
  const late = plain.write("4");
  await t.clock.advance(100);
  for (const name of ["1", "2", "3", "4"]) stage.door(name).resolve();
  expect(await Promise.all([first, ...waiting])).toEqual([1, 2, 3]);
  await t.clock.advance(400);
  expect(await late).toBe(4);
});

test("a silo that has maxCalls open refuses one more, and says how long it wants to be left alone", async () => {
  const stage = new Stage();
  const { Room } = actors(stage);
  await using t = await testSilos({ actors: [Room], options: { maxCalls: 2 } });
  const get = (id: string) => t.silos[0]!.client.get(Room, id);
  const open = [get("a").write("1"), get("b").write("2")];
  await Promise.all([stage.entered("1"), stage.entered("2")]);
  // Less time than the silo asks for: there is nothing to wait for.
  expect(await rejection(get("c").$with({ timeoutMs: 90 }).write("3"))).toMatchObject({
    code: "OVERLOADED",
    outcome: "not-executed",
    retryAfterMs: 100,
    details: { retryAfterMs: 100, attempts: 1 },
  });
  const late = get("c").write("3");
  stage.door("1").resolve();
  stage.door("2").resolve();
  await Promise.all(open);
  stage.door("3").resolve();
  await t.clock.advance(150);
  expect(await late).toBe(2);
});
