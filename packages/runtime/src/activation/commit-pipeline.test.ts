import { type SaveAnswer, type SaveRequest, seededRandom } from "@tenure/core/internal";
import { expect, test, vi } from "vitest";
import {
  type Deferred,
  deferred,
  nextTurn,
  rejection,
  stateOf,
} from "../../../../test/support/deferred.ts";
import { VirtualClock } from "../../../testing/src/virtual-clock.ts";
import { CommitPipeline } from "./commit-pipeline.ts";
import type { CommitRefused } from "./commit.ts";

function setUp() {
  const clock = new VirtualClock();
  const sent: {
    request: SaveRequest;
    answer: Deferred<SaveAnswer>;
    late: (answer: SaveAnswer) => void;
  }[] = [];
  const undecided: boolean[] = [];
  const refusals: CommitRefused[] = [];
  const resent: number[] = [];
  const lease: { held: Promise<void> | undefined } = { held: undefined };
  const pipeline = new CommitPipeline(
    {
      address: { type: "t", id: "i" },
      claim: { token: "token", generation: 7 },
      clock,
      random: seededRandom(1),
      emit: (event) => {
        if (event.type === "commit.resent") resent.push(event.attempt);
      },
      save: (asked) => {
        const answer = deferred<SaveAnswer>();
        sent.push({ request: asked.request, answer, late: (late) => asked.answered(late) });
        answer.promise.then(
          (answered) => asked.answered(answered),
          () => asked.unanswered(),
        );
      },
      whenHeld: () => lease.held,
      undecided: (is) => undecided.push(is),
      refused: (refusal) => refusals.push(refusal),
    },
    "etag-0",
  );
  const stage = (name: string, byte: number, del: readonly string[] = []) =>
    pipeline.stage({ put: [[name, Uint8Array.of(byte)]], del }).done;
  return { clock, sent, undecided, refusals, resent, lease, pipeline, stage };
}

const partsOf = (request: SaveRequest) => [...request.put].map(([name, bytes]) => [name, bytes[0]]);

test("one save is undecided at a time; what is staged meanwhile joins the next, computed from its etag (P1)", async () => {
  const { sent, pipeline, stage } = setUp();
  const first = stage("state", 1);
  await nextTurn();
  const joined = [stage("state", 2), stage("k/a", 3), stage("state", 4)];
  expect(sent).toHaveLength(1);
  expect(joined[0]).toBe(joined[2]);
  expect(await stateOf(first)).toBe("pending");
  sent[0]!.answer.resolve({ ok: true });
  await first;
  await nextTurn();
  expect(sent).toHaveLength(2);
  expect(sent[0]!.request).toMatchObject({ etag: "etag-0", generation: 7, token: "token" });
  expect(sent[1]!.request.etag).toBe(sent[0]!.request.newEtag);
  expect(partsOf(sent[1]!.request)).toEqual([
    ["state", 4],
    ["k/a", 3],
  ]);
  expect(await stateOf(joined[0]!)).toBe("pending");
  sent[1]!.answer.resolve({ ok: true });
  await Promise.all(joined);
  expect(pipeline.barrier()).toBeUndefined();
});

test("the barrier is the newest staged change's commit, and nothing when all is durable (P2)", async () => {
  const { sent, pipeline, stage } = setUp();
  expect(pipeline.barrier()).toBeUndefined();
  const first = stage("state", 1);
  await nextTurn();
  expect(pipeline.barrier()?.done).toBe(first);
  const second = stage("state", 2);
  expect(pipeline.barrier()?.done).toBe(second);
  sent[0]!.answer.resolve({ ok: true });
  await first;
  expect(pipeline.barrier()?.done).toBe(second);
});

test("who listens is told at once when the commit is durable, also one who asks later, and may stage more (P1, P2)", async () => {
  const { sent, pipeline, stage } = setUp();
  void stage("state", 1);
  const commit = pipeline.barrier()!;
  const told: string[] = [];
  commit.tell(() => {
    told.push("first");
    // While the next save is already under way.
    void stage("state", 3);
  });
  commit.tell(() => told.push("second"));
  void stage("state", 2);
  await nextTurn();
  expect(told).toEqual([]);
  sent[0]!.late({ ok: true });
  expect(told).toEqual(["first", "second"]);
  commit.tell(() => told.push("late"));
  expect(told).toEqual(["first", "second", "late"]);
  await commit.done;
  expect(sent.map(({ request }) => partsOf(request))).toEqual([[["state", 1]], [["state", 2]]]);
  sent[1]!.late({ ok: true });
  expect(partsOf(sent[2]!.request)).toEqual([["state", 3]]);
});

test("who listens is told of a refusal when whoever refuses is done, and once (P4)", async () => {
  const { sent, pipeline, refusals, stage } = setUp();
  void stage("state", 1);
  const told: unknown[] = [];
  pipeline.barrier()!.tell((refusal) => told.push(refusal));
  await nextTurn();
  sent[0]!.late({ ok: false, refusal: "fenced", generation: 9 });
  expect(told).toEqual([]);
  await nextTurn();
  pipeline.abandon(refusals[0]!);
  pipeline.barrier()!.tell((refusal) => told.push(refusal));
  sent[0]!.late({ ok: true });
  await nextTurn();
  expect(told).toEqual([refusals[0], refusals[0]]);
});

test("a listener's fault is its own: the others are told, and it is thrown where the process hears of it", async () => {
  const { sent, pipeline, stage } = setUp();
  void stage("state", 1);
  const told: unknown[] = [];
  const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
  pipeline.barrier()!.tell(() => {
    throw new Error("a bug");
  });
  pipeline.barrier()!.tell((refusal) => told.push(refusal));
  sent[0]!.late({ ok: true });
  const thrown = later.mock.lastCall![0];
  later.mockRestore();
  expect(told).toEqual([undefined]);
  expect(thrown).toThrow("a bug");
});

test("a part both put and deleted in one save ends as it was staged last", async () => {
  const { sent, stage } = setUp();
  void stage("state", 1);
  await nextTurn();
  void stage("k/a", 2);
  void stage("k/b", 3, ["k/a", "k/c"]);
  void stage("k/c", 4);
  sent[0]!.answer.resolve({ ok: true });
  await nextTurn();
  expect(partsOf(sent[1]!.request)).toEqual([
    ["k/b", 3],
    ["k/c", 4],
  ]);
  expect(sent[1]!.request.del).toEqual(["k/a"]);
});

test("a save whose answer is lost is sent again, the very same, until it is decided (P3, R7, R8)", async () => {
  const { clock, sent, undecided, resent, stage } = setUp();
  const committed = stage("state", 1);
  await nextTurn();
  for (let i = 0; i < 3; i++) {
    sent.at(-1)!.answer.reject(new Error("lost"));
    await clock.advance("1s");
  }
  expect(await stateOf(committed)).toBe("pending");
  expect(sent).toHaveLength(4);
  expect(new Set(sent.map(({ request }) => request)).size).toBe(1);
  sent.at(-1)!.answer.resolve({ ok: true });
  await committed;
  expect(resent).toEqual([1, 2, 3]);
  expect(undecided).toEqual([true, true, true, false]);
});

test.for<[string, Exclude<SaveAnswer, { ok: true }>, number]>([
  ["fenced", { ok: false, refusal: "fenced", generation: 9 }, 9],
  ["a conflict", { ok: false, refusal: "conflict", etag: "other" }, 0],
  ["damaged", { ok: false, refusal: "damaged", problem: "bits" }, 0],
  ["of a newer format", { ok: false, refusal: "newer-format", format: 2 }, 0],
])(
  "a save that is %s refuses everything that waits or comes later (P4)",
  async ([_name, answer, stored]) => {
    const { sent, refusals, pipeline, stage } = setUp();
    const first = rejection(stage("state", 1));
    await nextTurn();
    const joined = rejection(stage("state", 2));
    sent[0]!.answer.resolve(answer);
    const expected = { code: "FENCED", definitive: true, storedGeneration: stored };
    expect(await first).toMatchObject(expected);
    expect(await joined).toBe(await first);
    expect(refusals).toEqual([await first]);
    expect(await rejection(stage("state", 3))).toBe(await first);
    expect(await rejection(pipeline.barrier()!.done)).toBe(await first);
    await nextTurn();
    expect(sent).toHaveLength(1);
  },
);

test("a refusal after a lost answer proves nothing (R24)", async () => {
  const { clock, sent, stage } = setUp();
  const refused = rejection(stage("state", 1));
  await nextTurn();
  sent[0]!.answer.reject(new Error("lost"));
  await clock.advance("1s");
  sent[1]!.answer.resolve({ ok: false, refusal: "fenced", generation: 9 });
  expect(await refused).toMatchObject({ definitive: false });
});

test("a paused silo holds its saves until its lease holds again, and discards them when it is over (P5, R6)", async () => {
  const { sent, lease, stage } = setUp();
  const resumed = deferred();
  lease.held = resumed.promise;
  const committed = stage("state", 1);
  await nextTurn();
  expect(sent).toHaveLength(0);
  lease.held = undefined;
  resumed.resolve();
  await nextTurn();
  expect(sent).toHaveLength(1);
  sent[0]!.answer.resolve({ ok: true });
  await committed;
  lease.held = Promise.reject(new Error("over"));
  const lost = await rejection(stage("state", 2));
  expect(lost).toMatchObject({ code: "SILO_UNAVAILABLE", definitive: true });
  expect(sent).toHaveLength(1);
});

test("an abandoned pipeline is refused at once, sends nothing more, and takes no late answer for a commit", async () => {
  const { clock, sent, refusals, pipeline, stage } = setUp();
  const first = rejection(stage("state", 1));
  await nextTurn();
  const joined = rejection(stage("state", 2));
  sent[0]!.answer.reject(new Error("lost"));
  await nextTurn();
  const loss = { name: "loss" } as unknown as CommitRefused;
  pipeline.abandon(loss);
  expect([await first, await joined]).toEqual([loss, loss]);
  await clock.advance("5s");
  expect(sent).toHaveLength(1);
  expect(refusals).toEqual([]);
});

test("what is heard of the first send of an abandoned pipeline is of no use, and sends nothing", async () => {
  const { sent, undecided, pipeline, stage } = setUp();
  void stage("state", 1);
  void stage("state", 2);
  pipeline.abandon({ name: "loss" } as unknown as CommitRefused);
  sent[0]!.late({ ok: true });
  await nextTurn();
  expect(sent).toHaveLength(1);
  expect(undecided).toEqual([]);
});

test("a refusal that comes after its send was given up, and while the lease is gone, still decides (P6, R7)", async () => {
  const { clock, sent, refusals, lease, stage } = setUp();
  const committed = stage("state", 1);
  await nextTurn();
  const paused = deferred<void>();
  lease.held = paused.promise;
  sent[0]!.answer.reject(new Error("no answer in time"));
  await clock.advance("1s");
  expect(sent).toHaveLength(1);
  sent[0]!.late({ ok: false, refusal: "fenced", generation: 9 });
  expect(await rejection(committed)).toMatchObject({ storedGeneration: 9, definitive: true });
  await nextTurn();
  expect(refusals).toHaveLength(1);
});

test("an answer that comes while the next send is waited for decides, also when the lease is over by then (P6, R7)", async () => {
  const { sent, lease, undecided, stage } = setUp();
  const done = stage("state", 1);
  await nextTurn();
  sent[0]!.answer.reject(new Error("no answer in time"));
  await nextTurn();
  expect(undecided).toEqual([true]);
  lease.held = Promise.reject(new Error("over"));
  lease.held.catch(() => undefined);
  sent[0]!.late({ ok: true });
  await done;
  expect(sent).toHaveLength(1);
});

test("a save that was sent, and not answered until the incarnation is over, may have been applied (R24)", async () => {
  const { clock, sent, lease, stage } = setUp();
  const refused = rejection(stage("state", 1));
  await nextTurn();
  lease.held = Promise.reject(new Error("over"));
  lease.held.catch(() => undefined);
  sent[0]!.answer.reject(new Error("no answer in time"));
  await nextTurn();
  await clock.advance("1m");
  expect(await refused).toMatchObject({ code: "SILO_UNAVAILABLE", definitive: false });
});

test("a confirmation that comes late is one: nothing is sent again (P6, R7)", async () => {
  const { clock, sent, stage } = setUp();
  const committed = stage("state", 1);
  await nextTurn();
  sent[0]!.answer.reject(new Error("no answer in time"));
  await nextTurn();
  sent[0]!.late({ ok: true });
  await committed;
  await clock.advance("5s");
  expect(sent).toHaveLength(1);
});

test("a save that is too large is refused as such; those behind it are told that the activation is gone (P4)", async () => {
  const { sent, refusals, stage } = setUp();
  const first = rejection(stage("k/a", 1));
  await nextTurn();
  const second = rejection(stage("state", 2));
  sent[0]!.answer.resolve({ ok: false, refusal: "too-large", problem: "too much" });
  expect(await first).toMatchObject({ code: "NOT_SERIALIZABLE", definitive: true });
  const others = { code: "FENCED", definitive: true, message: "too much" };
  expect(await second).toMatchObject(others);
  expect(await rejection(stage("state", 3))).toMatchObject(others);
  expect(refusals).toMatchObject([{ code: "NOT_SERIALIZABLE" }]);
  expect(sent).toHaveLength(1);
});
