import { CallError, type RefusalReason } from "@tenure/core/internal";
import fc from "fast-check";
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
  type Verdict,
} from "./retry-policy.ts";

const CALL: Attempted = {
  attempt: 1,
  hops: 0,
  evidence: 5,
  sentTo: "silo-a",
  repeatable: false,
  remainingMs: 10_000,
  funded: true,
  heldBack: 0,
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
  ["overloaded", refused("overloaded"), true, true, false, "OVERLOADED"],
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

test("without budget a refused call waits longer, never past its time, and never ends for that (P5)", () => {
  const paused = refused("paused");
  const verdict = (fields: Partial<Attempted>) =>
    afterFailure(paused, { ...CALL, funded: false, ...fields }, 0.5);
  expect(verdict({})).toEqual({ kind: "retry", afterMs: 2 * backoffMs(1, 0.5) });
  expect(verdict({ heldBack: 3 })).toEqual({ kind: "retry", afterMs: 2 * backoffMs(4, 0.5) });
  expect(verdict({ attempt: 20, remainingMs: 500 })).toEqual({ kind: "retry", afterMs: 250 });
  // With budget it would have failed, too: there is no time for another attempt.
  expect(verdict({ attempt: 20, remainingMs: backoffMs(20, 0.5) })).toEqual({ kind: "fail" });
});

test("redirects, and looking again at once, need no budget (Y1)", () => {
  const call = { ...CALL, funded: false };
  expect(afterFailure(moved("silo-b", 6), call, 0.5).kind).toBe("redirect");
  for (const reason of ["moved", "draining"] as const)
    expect(afterFailure(refused(reason), call, 0.5)).toEqual({ kind: "retry", afterMs: 0 });
});

// PROTOCOL.md §9 as a table of its own. A record: who adds a reason, a status or a row has to say here what it means.
type Row = "again" | "with budget" | "if repeatable" | "never";
const REFUSED: Readonly<Record<RefusalReason, Row>> = {
  moved: "again",
  paused: "again",
  draining: "again",
  "no-silo": "again",
  unavailable: "again",
  overloaded: "with budget",
  expired: "never",
  "unknown-type": "never",
  "unknown-method": "never",
  invalid: "never",
  "not-serializable": "never",
  deadlock: "never",
  unauthorized: "never",
  "activation-failed": "never",
  "key-refused": "never",
};
const REASONS = Object.keys(REFUSED) as readonly RefusalReason[];
type Rows = readonly (readonly [Failure, Row])[];
const TABLE: Readonly<Record<Failure["status"], Rows>> = {
  refused: REASONS.flatMap((reason) => variantsOf(reason).map((one) => [one, REFUSED[reason]])),
  undeliverable: [[{ status: "undeliverable" }, "again"]],
  "not-connected": [[{ status: "not-connected" }, "again"]],
  disconnected: [[{ status: "disconnected" }, "if repeatable"]],
  "silo-died": [[{ status: "silo-died", silo: "silo-a" }, "if repeatable"]],
  failed: [
    [failed("FENCED"), "if repeatable"],
    [failed("SILO_UNAVAILABLE"), "if repeatable"],
    [failed("NOT_SERIALIZABLE"), "never"],
    [failed("FROM_THE_FUTURE"), "never"],
  ],
};

/** With and without a hint, newer and not: for `moved` alone it counts who owns the actor, for `overloaded` the wait. */
function variantsOf(reason: RefusalReason): Failure[] {
  const hints = [
    { owner: undefined, generation: 0 },
    { owner: "silo-a", generation: 9 },
    { owner: "silo-b", generation: 5 },
    { owner: "silo-b", generation: 6 },
  ];
  return hints.flatMap(({ owner, generation }) =>
    [undefined, 0, 300, 50_000].map((retryAfterMs): Failure => {
      return { status: "refused", reason, message: "why", owner, generation, retryAfterMs };
    }),
  );
}

function* calls(): Generator<Attempted> {
  for (const repeatable of [false, true])
    for (const funded of [true, false])
      for (const attempt of [1, 2, 3, 9, 1_000])
        for (const hops of [0, MAX_HOPS - 1, MAX_HOPS])
          for (const remainingMs of [-1, 0, 0.5, 4, 30, 399, 60_000])
            for (const heldBack of [0, 5])
              yield { ...CALL, repeatable, funded, attempt, hops, remainingMs, heldBack };
}

test("every failure of every call gets the one verdict of the protocol's table (P1, P2, P3, P5, P6)", () => {
  const met = new Map<string, number>();
  const wrong: unknown[] = [];
  for (const [failure, row] of Object.values(TABLE).flat())
    for (const call of calls())
      for (const chance of [0, 0.5, 0.999]) {
        const verdict = afterFailure(failure, call, chance);
        met.set(verdict.kind, (met.get(verdict.kind) ?? 0) + 1);
        const found = problemsOf(verdict, failure, row, call, chance);
        if (found.length > 0) wrong.push({ failure, call, chance, verdict, found });
      }
  expect(wrong.slice(0, 3)).toEqual([]);
  expect([...met.keys()].toSorted()).toEqual(["fail", "redirect", "retry"]);
});

/** What in a verdict is not as the table's row says. Said by what is true of a verdict, not by how it is come to. */
function problemsOf(
  verdict: Verdict,
  failure: Failure,
  row: Row,
  call: Attempted,
  chance: number,
): string[] {
  const problems: string[] = [];
  const must = (holds: boolean, problem: string): void => void (holds || problems.push(problem));
  const { attempt, hops, evidence, sentTo, remainingMs, funded, repeatable } = call;
  const refusal = failure.status === "refused" ? failure : undefined;
  const isNews =
    refusal?.reason === "moved" &&
    refusal.owner !== undefined &&
    refusal.owner !== sentTo &&
    refusal.generation > evidence;
  const mayComeAgain = row === "again" || row === "with budget" || (row !== "never" && repeatable);
  const isFreeLook =
    attempt === 1 && (refusal?.reason === "moved" || refusal?.reason === "draining");
  const askedMs = row === "with budget" ? (refusal?.retryAfterMs ?? 0) : 0;
  const leastMs = Math.max(askedMs * (1 + chance / 2), backoffMs(attempt + call.heldBack, chance));
  switch (verdict.kind) {
    case "redirect":
      must(isNews && hops < MAX_HOPS, "P2: redirected without newer evidence, or too often");
      must(verdict.to === refusal?.owner, "P2: redirected elsewhere");
      must(verdict.generation === refusal?.generation, "P2: redirected with other evidence");
      break;
    case "retry":
      must(mayComeAgain, "P1: repeated though the table forbids it");
      must(!mayHaveRun(failure) || repeatable, "P1: what may have run is repeated");
      must(!isNews || hops >= MAX_HOPS, "P2: located afresh though the owner is known");
      must(verdict.afterMs < remainingMs, "P3: repeated past the deadline");
      must(verdict.afterMs >= askedMs, "P6: back before it was asked to be");
      must(row !== "with budget" || funded, "P5: an overloaded silo is asked without budget");
      if (isFreeLook) must(verdict.afterMs === 0, "the first look again waits");
      else if (funded) must(verdict.afterMs === leastMs, "P3: not the wait of this attempt");
      else
        must(
          verdict.afterMs === Math.min(2 * leastMs, remainingMs / 2),
          "P5: not the longer wait of a call without budget",
        );
      break;
    case "fail": {
      const hasTime = remainingMs > (isFreeLook ? 0 : leastMs);
      const hasBudget = row !== "with budget" || funded;
      must(!(isNews && hops < MAX_HOPS), "P2: the owner is known and not asked");
      must(!(mayComeAgain && hasTime && hasBudget), "given up though the table repeats it");
    }
  }
  return problems;
}

const overloaded = (retryAfterMs?: number): Failure => ({
  ...(refused("overloaded") as Extract<Failure, { status: "refused" }>),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

test("who is overloaded is left alone for as long as it asks, and not by all for the same time (P6)", () => {
  expect(afterFailure(overloaded(), CALL, 0.5)).toEqual({
    kind: "retry",
    afterMs: backoffMs(1, 0.5),
  });
  expect(afterFailure(overloaded(1_000), CALL, 0)).toEqual({ kind: "retry", afterMs: 1_000 });
  expect(afterFailure(overloaded(1_000), CALL, 0.5)).toEqual({ kind: "retry", afterMs: 1_250 });
  expect(afterFailure(overloaded(1), CALL, 0.5)).toEqual({
    kind: "retry",
    afterMs: backoffMs(1, 0.5),
  });
  // A call that has less time than that is told at once; so is any call of a caller without budget (P5).
  expect(afterFailure(overloaded(10_000), CALL, 0).kind).toBe("fail");
  expect(afterFailure(overloaded(), { ...CALL, funded: false }, 0).kind).toBe("fail");
  expect(errorOf(overloaded(70), "t/i.m", { outcome: "not-executed" })).toMatchObject({
    code: "OVERLOADED",
    retryAfterMs: 70,
    details: { retryAfterMs: 70 },
  });
});

test("whatever fails in whatever call, the verdict is total, in time, and the same for the same chance (P1, P3, P5)", () => {
  const failure: fc.Arbitrary<Failure> = fc.oneof(
    fc.record({
      status: fc.constant("refused" as const),
      reason: fc.constantFrom(...REASONS),
      message: fc.string(),
      owner: fc.constantFrom("silo-a", "silo-b", undefined),
      generation: fc.nat(10),
      retryAfterMs: fc.option(fc.nat(60_000), { nil: undefined }),
    }),
    fc.constantFrom<Failure>(
      { status: "undeliverable" },
      { status: "not-connected" },
      { status: "disconnected" },
      { status: "silo-died", silo: "silo-a" },
      failed("FENCED"),
      failed("OTHER"),
    ),
  );
  const attempted: fc.Arbitrary<Attempted> = fc.record({
    attempt: fc.integer({ min: 0, max: 1_000 }),
    hops: fc.nat(MAX_HOPS),
    evidence: fc.nat(10),
    sentTo: fc.constantFrom("silo-a", "silo-b", undefined),
    repeatable: fc.boolean(),
    remainingMs: fc.double({ min: -100, max: 60_000, noNaN: true }),
    funded: fc.boolean(),
    heldBack: fc.nat(1_000),
  });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(failure, attempted, chance, (what, call, drawn) => {
      const verdict = afterFailure(what, call, drawn);
      expect(afterFailure(what, call, drawn)).toEqual(verdict);
      const afterMs = verdict.kind === "retry" ? verdict.afterMs : undefined;
      expect(afterMs === undefined || (afterMs >= 0 && afterMs < call.remainingMs)).toBe(true);
      const ended = verdict.kind === "fail";
      expect(ended || !mayHaveRun(what) || call.repeatable).toBe(true);
      // Only an overloaded call ends because there is no budget; for all others it is a matter of when.
      const isOverloaded = what.status === "refused" && what.reason === "overloaded";
      const funded = afterFailure(what, { ...call, funded: true }, drawn);
      expect(isOverloaded || verdict.kind === funded.kind).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});
