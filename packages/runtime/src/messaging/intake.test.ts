// IN1 to IN4 of intake.ts, with a clock that calls move forward by what they cost.
import type { Refused } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { EVIDENCE, Intake, MAX_WAIT_MS, SLICE_MS, type Taken } from "./intake.ts";

interface Numbered extends Taken {
  readonly n: number;
}

const CAPACITY = 20_000;

function setUp(costMs: number) {
  let nowMs = 0;
  const turns: (() => void)[] = [];
  const started: number[] = [];
  const refusals: { readonly n: number; readonly refusal: Refused }[] = [];
  const clock = { monotonicMs: () => nowMs, afterTurn: (fn: () => void) => void turns.push(fn) };
  const intake = new Intake<Numbered>(clock, CAPACITY);
  let made = 0;
  /** Answers why it is refused, if it is. */
  const take = (): Refused | undefined => {
    const n = made++;
    const before = refusals.length;
    const call: Numbered = {
      n,
      refuse: (refusal) => void refusals.push({ n, refusal }),
      start: () => {
        started.push(n);
        nowMs += costMs;
      },
    };
    intake.take(call, nowMs);
    return refusals.length > before ? refusals.at(-1)!.refusal : undefined;
  };
  /** What is due at the end of this turn of the event loop. */
  const nextTurn = () => {
    for (const fn of turns.splice(0)) fn();
  };
  const cost = (ms: number) => {
    costMs = ms;
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { intake, take, nextTurn, started, refusals, cost, pass, now: () => nowMs };
}

const upTo = (end: number): readonly number[] => Array.from({ length: end }, (_, i) => i);

test("calls that cost little start as they come, however many (IN1)", () => {
  const { intake, take, started } = setUp(0);
  for (let i = 0; i < 50_000; i++) expect(take()).toBeUndefined();
  expect(started.length).toBe(50_000);
  expect(intake.size).toBe(0);
});

test("calls that cost much start for a slice of a turn of the event loop, and the rest in order in the next ones (IN1, IN2)", () => {
  const { take, nextTurn, started, now } = setUp(1);
  for (let i = 0; i < 100; i++) take();
  expect(started).toEqual(upTo(SLICE_MS));
  const fromMs = now();
  nextTurn();
  expect(now() - fromMs).toBe(SLICE_MS);
  // What comes now goes behind those that wait, though this turn has time.
  take();
  while (started.length < 101) nextTurn();
  expect(started).toEqual(upTo(101));
});

/** So many slices in which something waited. */
function busy(world: ReturnType<typeof setUp>): void {
  for (let i = 0; i < (EVIDENCE + 2) * SLICE_MS; i++) world.take();
  for (let i = 0; i < EVIDENCE; i++) world.nextTurn();
  expect(world.intake.size).toBeGreaterThan(0);
}

test("one that would wait for too long is refused at once, with the time that those before it take (IN3)", () => {
  const world = setUp(1);
  busy(world);
  const answers = Array.from({ length: 5_000 }, world.take);
  const refused = answers.filter((answer) => answer !== undefined);
  expect(world.intake.size).toBeGreaterThanOrEqual(MAX_WAIT_MS);
  expect(world.intake.size).toBeLessThanOrEqual(MAX_WAIT_MS + 1);
  expect(refused.length).toBeGreaterThan(4_000);
  for (const answer of refused)
    expect(answer).toMatchObject({ reason: "overloaded", retryAfterMs: MAX_WAIT_MS + 1 });
});

test("before there is evidence, no more wait than the silo takes calls (IN3)", () => {
  const { intake, take } = setUp(1);
  const answers = Array.from({ length: 2 * CAPACITY }, take);
  expect(intake.size).toBe(CAPACITY);
  expect(answers.at(-1)).toMatchObject({ reason: "overloaded", retryAfterMs: MAX_WAIT_MS });
});

test("what came before there was evidence and would wait for too long is refused when there is, the newest first (IN3)", () => {
  const { intake, take, nextTurn, started, refusals } = setUp(1);
  for (let i = 0; i < CAPACITY; i++) expect(take()).toBeUndefined();
  for (let i = 0; i < EVIDENCE; i++) nextTurn();
  expect(intake.size).toBeLessThanOrEqual(MAX_WAIT_MS);
  expect(refusals.length).toBe(CAPACITY - started.length - intake.size);
  expect(Math.min(...refusals.map(({ n }) => n))).toBe(started.length + intake.size);
  while (intake.size > 0) nextTurn();
  expect(started).toEqual(upTo(started.length));
});

test("a crowd that comes while the process stood still once is not refused for it (IN3)", () => {
  const { take, nextTurn, pass, started } = setUp(0.001);
  take();
  pass(400);
  const refused = Array.from({ length: 5_000 }, take).filter((answer) => answer !== undefined);
  expect(refused).toEqual([]);
  nextTurn();
  expect(started.length).toBe(5_001);
});

test("after calls that cost much, cheap ones are not refused for it (IN3)", () => {
  const world = setUp(1);
  const { intake, take, nextTurn, cost, pass } = world;
  busy(world);
  while (intake.size > 0) nextTurn();
  nextTurn();
  cost(0.001);
  take();
  pass(SLICE_MS);
  const refused = Array.from({ length: 5_000 }, take).filter((answer) => answer !== undefined);
  expect(refused).toEqual([]);
});

test("what waits is reckoned with all that a turn of the event loop takes, not with the calls alone (IN3)", () => {
  const { intake, take, nextTurn, pass, started, refusals } = setUp(1);
  for (let i = 0; i < 400; i++) take();
  // Their replies and saves cost nine times as much as they did.
  for (let i = 0; i < EVIDENCE; i++) {
    pass(9 * SLICE_MS);
    nextTurn();
  }
  // A tenth of what there would be time for.
  expect(intake.size).toBeLessThanOrEqual(MAX_WAIT_MS / 10);
  expect(refusals.length).toBe(400 - started.length - intake.size);
});

test("a call that is given up while it waits never starts (IN2)", () => {
  const { intake, take, nextTurn, started } = setUp(1);
  for (let i = 0; i < 30; i++) take();
  expect(intake.remove(({ n }) => n === 15)?.n).toBe(15);
  while (intake.size > 0) nextTurn();
  expect(started).toEqual(upTo(30).filter((n) => n !== 15));
});

test("when it closes, all that waits is looked at at once, and so is what still comes (IN4)", () => {
  const { intake, take, started } = setUp(1);
  for (let i = 0; i < 30; i++) take();
  intake.close();
  expect(started).toEqual(upTo(30));
  take();
  expect(started).toEqual(upTo(31));
});
