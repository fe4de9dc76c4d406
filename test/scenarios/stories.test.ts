// Golden traces: one short script per story of the protocol, and every event that follows, as a reader would tell it.
// A change here is a change of behaviour: look at it, then update the file (vitest -u).
import { Actor, CallError, defineActor } from "tenure";
import { testCluster, type TestCluster } from "@tenure/testing";
import { expect, test } from "vitest";

class Counter extends Actor<{ count: number }> {
  static readonly actor = defineActor<Counter>({
    type: "counter",
    state: () => ({ count: 0 }),
    methods: { get: "read", where: "read" },
  });
  async add(n: number) {
    return (this.state.count += n);
  }
  get() {
    return this.state.count;
  }
  where() {
    return this.ctx.silo;
  }
}

/** The trace of a script, in a cluster of two silos. */
async function story(seed: number, script: (t: TestCluster) => Promise<void>): Promise<string> {
  await using t = await testCluster({ actors: [Counter], silos: 2, seed });
  await script(t);
  t.assertSingleOwner();
  return t.trace();
}

const file = (name: string): string => `./${name}.trace.txt`;

const ownerOf = async (t: TestCluster): Promise<[owner: string, other: string]> => {
  const owner = await t.client.get(Counter, "a").where();
  return [owner, owner === "silo-1" ? "silo-2" : "silo-1"];
};

test("takeover: the owner is killed; when its lease must be over, another silo takes the actor", async () => {
  const trace = await story(1, async (t) => {
    const counter = t.client.get(Counter, "a");
    t.note(`add(1) answers ${await counter.add(1)}`);
    const [owner] = await ownerOf(t);
    t.note(`${owner} is killed`);
    t.crash(owner);
    await t.clock.advance("6s");
    t.note(`get() answers ${await counter.get()}`);
  });
  await expect(trace).toMatchFileSnapshot(file("takeover"));
});

test("pause and resume: the store is away for longer than a lease; the owner resumes, and nothing moves", async () => {
  const trace = await story(2, async (t) => {
    const counter = t.client.get(Counter, "a");
    await counter.add(1);
    t.note("the store is away");
    const back = t.storeAway();
    await t.clock.advance("10s");
    t.note("the store is back");
    back();
    await t.clock.advance("2s");
    t.note(`add(1) answers ${await counter.add(1)}`);
  });
  await expect(trace).toMatchFileSnapshot(file("pause-and-resume"));
});

test("fenced save: a save is held on its way until another silo owns the actor; it changes nothing", async () => {
  const trace = await story(3, async (t) => {
    const counter = t.client.get(Counter, "a");
    await counter.add(1);
    const [owner, other] = await ownerOf(t);
    t.note(`what ${owner} asks of the store is held on its way; add(10) is called`);
    const letGo = t.holdStore(owner);
    const lost = counter.add(10).catch((error: unknown) => error);
    await t.clock.advance("100ms");
    t.note(`${owner} is paused for 10 s`);
    t.pause(owner, "10s");
    await t.clock.advance("6s");
    t.note(`add(1), through ${other}, answers ${await t.clientOf(other).get(Counter, "a").add(1)}`);
    t.note("the save arrives");
    letGo();
    await t.clock.advance("5s");
    const error = await lost;
    t.note(`add(10) ended as ${error instanceof CallError ? error.outcome : String(error)}`);
    t.note(`get() answers ${await counter.get()}`);
  });
  await expect(trace).toMatchFileSnapshot(file("fenced-save"));
});

test("drain: a silo that is stopped hands its actors over; nobody waits for its lease", async () => {
  const trace = await story(4, async (t) => {
    const counter = t.client.get(Counter, "a");
    await counter.add(1);
    const [owner] = await ownerOf(t);
    t.note(`${owner} is stopped`);
    await t.stop(owner);
    await t.clock.advance("100ms");
    t.note(`add(1) answers ${await counter.add(1)}`);
  });
  await expect(trace).toMatchFileSnapshot(file("drain"));
});

test("lost answers: a save whose answer never came is sent again, and found applied", async () => {
  const trace = await story(5, async (t) => {
    const counter = t.client.get(Counter, "a");
    await counter.add(1);
    t.note("the store applies, and its answers are lost");
    t.faults.store.answerLost = 1;
    const added = counter.add(1);
    await t.clock.advance("100ms");
    t.faults.store.answerLost = 0;
    t.note(`answers come again; add(1) answers ${await added}`);
  });
  await expect(trace).toMatchFileSnapshot(file("resent-save"));
});

test("partition: the owner is cut off from everyone but the store; it stops renewing, and is taken from", async () => {
  const trace = await story(6, async (t) => {
    const counter = t.client.get(Counter, "a");
    await counter.add(1);
    const [owner, other] = await ownerOf(t);
    t.note(`${owner} hears nobody, itself included`);
    t.partition([owner], [owner, other, "client"]);
    await t.clock.advance("8s");
    t.note(`add(1) answers ${await counter.add(1)}`);
    t.note("the partition heals");
    t.heal();
    await t.clock.advance("3s");
    t.note(`get(), through ${owner}, answers ${await t.clientOf(owner).get(Counter, "a").get()}`);
  });
  await expect(trace).toMatchFileSnapshot(file("partition"));
});

test("rollback: the store loses its newest writes; the silo that made them notices at its next renewal, and numbers go on upwards", async () => {
  const trace = await story(7, async (t) => {
    const counter = t.client.get(Counter, "a");
    await counter.add(1);
    t.note(`add(1) answers ${await counter.add(1)}`);
    t.note("the store loses its newest four writes: both saves, the load and the claim");
    t.loseWrites(4);
    await t.clock.advance("2s");
    t.note(`get() answers ${await counter.get()}`);
    t.note(`add(1) answers ${await counter.add(1)}`);
  });
  await expect(trace).toMatchFileSnapshot(file("rollback"));
});

test("lost directory: the store comes back empty; silos join anew, and nobody owns anything before a whole lease was watched", async () => {
  const trace = await story(8, async (t) => {
    const counter = t.client.get(Counter, "a");
    t.note(`add(1) answers ${await counter.add(1)}`);
    t.note("the store loses everything");
    t.loseStore();
    const error = await counter
      .$with({ timeoutMs: "3s" })
      .add(1)
      .catch((thrown: unknown) => thrown);
    t.note(`add(1) fails: ${error instanceof CallError ? `${error.code}, ${error.outcome}` : "?"}`);
    await t.clock.advance("5s");
    t.note(`add(1) answers ${await counter.add(1)}`);
  });
  await expect(trace).toMatchFileSnapshot(file("lost-directory"));
});
