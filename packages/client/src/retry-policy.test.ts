import { CallError, type RefusalReason } from "@tenure/core/internal";
import { expect, test } from "vitest";
import {
  afterFailure,
  type Attempted,
  backoffMs,
  errorOf,
  type Failure,
  MAX_HOPS,
  mayHaveRun,
  outcomeOf,
} from "./retry-policy.ts";

const CALL: Attempted = {
  attempt: 1,
  hops: 0,
  evidence: 5,
  sentTo: "silo-a",
  repeatable: false,
  remainingMs: 10_000,
};
const refused = (reason: RefusalReason): Failure => ({
  status: "refused",
  reason,
  message: "why",
  owner: undefined,
  generation: 0,
});
const failed = (code: string): Failure => ({ status: "failed", code, message: "why" });

// Every failure: is it retried, is it retried when repeatable, may it have run, and which error is it in the end?
test.for<[string, Failure, boolean, boolean, boolean, string]>([
  ["moved", refused("moved"), true, true, false, "SILO_UNAVAILABLE"],
  ["paused", refused("paused"), true, true, false, "SILO_UNAVAILABLE"],
  ["draining", refused("draining"), true, true, false, "SILO_UNAVAILABLE"],
  ["no-silo", refused("no-silo"), true, true, false, "SILO_UNAVAILABLE"],
  ["unavailable", refused("unavailable"), true, true, false, "SILO_UNAVAILABLE"],
  ["overloaded", refused("overloaded"), false, false, false, "OVERLOADED"],
  ["expired", refused("expired"), false, false, false, "CALL_TIMEOUT"],
  ["unknown-type", refused("unknown-type"), false, false, false, "ACTOR_TYPE_NOT_FOUND"],
  ["unknown-method", refused("unknown-method"), false, false, false, "METHOD_NOT_FOUND"],
  ["invalid", refused("invalid"), false, false, false, "INVALID_ARGUMENT"],
  ["not-serializable", refused("not-serializable"), false, false, false, "NOT_SERIALIZABLE"],
  ["deadlock", refused("deadlock"), false, false, false, "DEADLOCK"],
  ["unauthorized", refused("unauthorized"), false, false, false, "UNAUTHORIZED"],
  ["activation-failed", refused("activation-failed"), false, false, false, "ACTIVATION_FAILED"],
  ["key-refused", refused("key-refused"), false, false, false, "INVALID_ARGUMENT"],
  ["undeliverable", { status: "undeliverable" }, true, true, false, "SILO_UNAVAILABLE"],
  ["not-connected", { status: "not-connected" }, true, true, false, "SILO_UNAVAILABLE"],
  ["disconnected", { status: "disconnected" }, false, true, true, "SILO_UNAVAILABLE"],
  ["silo-died", { status: "silo-died", silo: "silo-a" }, false, true, true, "SILO_UNAVAILABLE"],
  ["failed: fenced", failed("FENCED"), false, true, true, "FENCED"],
  ["failed: lost", failed("SILO_UNAVAILABLE"), false, true, true, "SILO_UNAVAILABLE"],
  // What the call itself does wrong it would do again, with the effects that it has on others.
  ["failed: result", failed("NOT_SERIALIZABLE"), false, false, true, "NOT_SERIALIZABLE"],
  ["failed: state", failed("INVALID_ARGUMENT"), false, false, true, "INVALID_ARGUMENT"],
  ["failed: unknown code", failed("FROM_THE_FUTURE"), false, false, true, "FROM_THE_FUTURE"],
])("%s (P1, P4)", ([_name, failure, plainly, whenRepeatable, ran, code]) => {
  const verdict = (repeatable: boolean) =>
    afterFailure(failure, { ...CALL, repeatable }, 0.5).kind === "retry";
  expect(verdict(false)).toBe(plainly);
  expect(verdict(true)).toBe(whenRepeatable);
  expect(mayHaveRun(failure)).toBe(ran);
  const error = errorOf(failure, "t/i.m", { outcome: outcomeOf(ran) });
  expect(error).toBeInstanceOf(CallError);
  expect(error).toMatchObject({ code, outcome: ran ? "unknown" : "not-executed" });
  expect(error.message).toContain("t/i.m: ");
});

const moved = (owner: string, generation: number): Failure => ({
  ...(refused("moved") as Extract<Failure, { status: "refused" }>),
  owner,
  generation,
});

test("a redirect is followed at once, with newer evidence and within the hops only (P2, R26)", () => {
  expect(afterFailure(moved("silo-b", 6), CALL, 0.5)).toEqual({
    kind: "redirect",
    to: "silo-b",
    generation: 6,
  });
  for (const [failure, call] of [
    [moved("silo-b", 5), CALL],
    [moved("silo-a", 6), CALL],
    [moved("silo-b", 6), { ...CALL, hops: MAX_HOPS }],
  ] as const)
    expect(afterFailure(failure, { ...call, attempt: 2 }, 0.5).kind).toBe("retry");
});

test("what has moved or drains is looked for at once, the first time; later tries wait", () => {
  for (const reason of ["moved", "draining"] as const) {
    expect(afterFailure(refused(reason), CALL, 0.5)).toEqual({ kind: "retry", afterMs: 0 });
    expect(afterFailure(refused(reason), { ...CALL, attempt: 2 }, 0.5)).toEqual({
      kind: "retry",
      afterMs: backoffMs(2, 0.5),
    });
  }
  expect(afterFailure(refused("paused"), CALL, 0.5)).not.toEqual({ kind: "retry", afterMs: 0 });
});

test("nothing is repeated past the deadline (P3)", () => {
  const wait = backoffMs(3, 0.5);
  const call = { ...CALL, attempt: 3 };
  expect(afterFailure(refused("paused"), { ...call, remainingMs: wait }, 0.5).kind).toBe("fail");
  expect(afterFailure(refused("paused"), { ...call, remainingMs: wait + 1 }, 0.5).kind).toBe(
    "retry",
  );
});

test("waits grow exponentially to a ceiling, with jitter of a half (P3)", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => backoffMs(attempt, 1))).toEqual([
    16, 32, 64, 128, 256, 400, 400, 400,
  ]);
  expect(backoffMs(3, 0)).toBe(32);
});
