import {
  type CallResult,
  type Endpoint,
  type EventBody,
  isolate,
  type RefusalReason,
  seededRandom,
  valueBody,
} from "@tenure/core/internal";
import { expect, test } from "vitest";
import { rejection } from "../../../test/support/deferred.ts";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import type { LocalSilo } from "./departures.ts";
import { Invoker } from "./invoker.ts";
import { RETRY_BUDGET } from "./retry-budget.ts";
import { callRules } from "./retry-policy.ts";

const { deposit: DEPOSIT, perSecond: PER_SECOND, reserve: RESERVE } = RETRY_BUDGET;
const OK: CallResult = { status: "ok", body: valueBody("done") };
const refused = (reason: RefusalReason): CallResult => ({
  status: "refused",
  reason,
  message: "why",
  owner: undefined,
  generation: 0,
});
const ROUND_TRIP_MS = 2;
const TIME_MS = 10_000;

/** A client of one silo, which answers each call as `answer` says at that time. */
function setUp(answer: (id: string, nowMs: number) => CallResult, rules = callRules) {
  const clock = new VirtualClock();
  const sentAtMs: number[] = [];
  const events: EventBody[] = [];
  const connection = { up: true };
  const reply = (id: string): CallResult => answer(id, clock.monotonicMs());
  const endpoint: Endpoint = {
    snapshot: (value, root) => valueBody(isolate(value, root)),
    send: (to, message) => {
      if (!connection.up) return undefined;
      if (message.kind !== "call") return 1;
      sentAtMs.push(clock.monotonicMs());
      clock.after(ROUND_TRIP_MS, () =>
        invoker.reply({ kind: "reply", request: message.request, result: reply(message.id) }, to),
      );
      return 1;
    },
    setServing: () => undefined,
    close: () => Promise.resolve(),
    drop: () => undefined,
  };
  const local: LocalSilo = {
    deliver: (asked, request, _from, _nowMs, caller) => {
      clock.after(ROUND_TRIP_MS, () => caller.replied(asked, request, reply(asked.actor.id)));
    },
    cancel: () => false,
  };
  const place = { silo: "a" };
  const invoker = new Invoker({
    clock,
    random: seededRandom(7),
    locator: {
      locate: () => Promise.resolve({ status: "at", silo: place.silo, generation: 1 }),
    },
    callTimeoutMs: TIME_MS,
    rules,
    emit: (event) => void events.push(event),
  });
  invoker.attach({ address: "me", endpoint, local });
  const call = (id: number | string, signal?: AbortSignal): Promise<unknown> =>
    invoker.call({ type: "t", id: `${id}` }, "m", [], signal ? { signal } : {}, undefined);
  const callMany = (n: number): Promise<unknown>[] => Array.from({ length: n }, (_, i) => call(i));
  return { clock, sentAtMs, events, connection, place, invoker, call, callMany };
}

type World = ReturnType<typeof setUp>;
const CROWD = 400;
const OUTAGE_MS = 5_000;

test("a crowd of refused calls sends no more retries than the budget has, all of them are answered soon after the outage, and operators are told (R27, I12)", async () => {
  const { clock, sentAtMs, events, invoker, callMany } = setUp((_call, nowMs) =>
    nowMs < OUTAGE_MS ? refused("paused") : OK,
  );
  const calls = callMany(CROWD);
  await clock.advance(OUTAGE_MS);
  const retries = sentAtMs.length - CROWD;
  const budget = RESERVE + (PER_SECOND * OUTAGE_MS) / 1_000 + DEPOSIT * CROWD;
  expect(retries).toBeGreaterThan(RESERVE);
  expect(retries).toBeLessThanOrEqual(budget);
  expect(events.filter(({ type }) => type === "retries.held-back")).toEqual([
    { type: "retries.held-back", openCalls: CROWD },
  ]);
  expect(invoker.counters.heldBackRetries).toBeGreaterThan(0);
  await clock.advance(2_000);
  expect(await Promise.all(calls)).toEqual(calls.map(() => "done"));
  expect(invoker.held).toBe(0);
});

test("the same crowd without a budget sends many times as much (so the test above can fail)", async () => {
  const { clock, sentAtMs, callMany } = setUp(
    (_call, nowMs) => (nowMs < OUTAGE_MS ? refused("paused") : OK),
    { ...callRules, mayRetry: () => true },
  );
  const calls = callMany(CROWD);
  await clock.advance(OUTAGE_MS);
  expect(sentAtMs.length).toBeGreaterThan(10 * CROWD);
  await clock.advance(2_000);
  await Promise.all(calls);
});

test("a call that is held back until its time is up was refused, not lost: it says why (I11)", async () => {
  const { clock, invoker, callMany } = setUp(() => refused("unavailable"));
  const calls = callMany(CROWD).map(rejection);
  await clock.advance(TIME_MS);
  for (const error of await Promise.all(calls))
    expect(error).toMatchObject({ code: "SILO_UNAVAILABLE", outcome: "not-executed" });
  expect(invoker.held).toBe(0);
});

/** Leaves the caller without budget, but for what comes back with time. */
async function useUp({ clock, callMany }: World): Promise<unknown[]> {
  const crowd = callMany(CROWD).map(rejection);
  await clock.advance(2_000);
  return crowd;
}

test("a call that an overloaded silo refused is repeated while there is budget, and fails at once, typed, when there is none (P5)", async () => {
  const world = setUp((id, nowMs) => {
    if (id === "early") return nowMs < 100 ? refused("overloaded") : OK;
    return refused(id === "late" ? "overloaded" : "paused");
  });
  const early = world.call("early");
  await world.clock.advance(500);
  expect(await early).toBe("done");
  const crowd = await useUp(world);
  const sent = world.sentAtMs.length;
  const late = rejection(world.call("late"));
  await world.clock.advance(ROUND_TRIP_MS);
  expect(await late).toMatchObject({
    code: "OVERLOADED",
    outcome: "not-executed",
    details: { attempts: 1 },
  });
  expect(world.sentAtMs.length - sent).toBeLessThanOrEqual(2);
  await world.clock.advance(TIME_MS);
  await Promise.all(crowd);
});

test("of a crowd that an overloaded silo refused, whoever has no budget fails at once, and nobody waits for what others spend (P5, Y2)", async () => {
  const crowd = RESERVE + 1_500;
  const { clock, sentAtMs, callMany } = setUp(() => refused("overloaded"));
  const failedAtMs: number[] = [];
  const calls = callMany(crowd).map((call) =>
    rejection(call).then(() => failedAtMs.push(clock.monotonicMs())),
  );
  await clock.advance(ROUND_TRIP_MS);
  const budget = RESERVE + DEPOSIT * crowd + (PER_SECOND * ROUND_TRIP_MS) / 1_000;
  expect(failedAtMs.length).toBeGreaterThanOrEqual(crowd - Math.ceil(budget));
  await clock.advance(TIME_MS);
  await Promise.all(calls);
  expect(sentAtMs.length).toBeGreaterThan(crowd);
});

test("what a call has paid for a retry is given back when its caller gives it up before (Y3)", async () => {
  const world = setUp(() => refused("overloaded"));
  const stop = new AbortController();
  // They pay for all that there is, and wait.
  const given = Array.from({ length: 2 * RESERVE }, (_, i) =>
    rejection(world.call(`given-${i}`, stop.signal)),
  );
  await world.clock.advance(ROUND_TRIP_MS);
  stop.abort();
  await Promise.all(given);
  const sent = world.sentAtMs.length;
  const calls = world.callMany(RESERVE / 2).map(rejection);
  await world.clock.advance(1_000);
  expect(world.sentAtMs.length - sent).toBeGreaterThanOrEqual(RESERVE);
  await world.clock.advance(TIME_MS);
  await Promise.all(calls);
});

test("redirects and one look again are free: actors that moved are found without budget (Y1)", async () => {
  const seen = new Set<string>();
  const world = setUp((id) => {
    if (!id.startsWith("moved")) return refused("paused");
    const known = seen.has(id);
    seen.add(id);
    return known ? OK : refused("moved");
  });
  const crowd = await useUp(world);
  const moved = Promise.all(Array.from({ length: 500 }, (_, i) => world.call(`moved ${i}`)));
  await world.clock.advance(3 * ROUND_TRIP_MS);
  expect(await moved).toHaveLength(500);
  await world.clock.advance(TIME_MS);
  await Promise.all(crowd);
});

test.for<[string, (world: World) => void]>([
  [
    "there is no connection",
    (world) => {
      world.connection.up = false;
    },
  ],
  [
    "its own silo is paused",
    (world) => {
      world.place.silo = "me";
    },
  ],
])("while %s, retries cost nothing: nothing leaves (B2)", async ([_why, begin]) => {
  const world = setUp((_call, nowMs) => (nowMs < OUTAGE_MS ? refused("paused") : OK));
  begin(world);
  const calls = world.callMany(CROWD);
  await world.clock.advance(OUTAGE_MS - 1);
  expect(world.sentAtMs).toEqual([]);
  expect(world.invoker.counters.heldBackRetries).toBe(0);
  world.connection.up = true;
  await world.clock.advance(500);
  expect(await Promise.all(calls)).toHaveLength(CROWD);
});
