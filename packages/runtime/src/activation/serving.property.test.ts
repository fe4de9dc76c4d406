// Which calls of an activation run beside each other, in which order they start, and which are refused, whatever comes, calls back
// and ends when: against the contract in words.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CallResult, ChainLink, MethodMode, Reentrancy } from "@tenure/core/internal";
import { nextTurn } from "../../../../test/support/deferred.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { Life } from "./life.ts";
import { Serving, type ServingHost } from "./serving.ts";
import { turnRules } from "./turn-rules.ts";
import type { Turn } from "./turn-context.ts";

type Act =
  /** `within`: which of the running turns makes the call, by way of others; none: a client does. */
  | {
      readonly come: MethodMode;
      readonly within: number | undefined;
      readonly key: number | undefined;
    }
  | { readonly end: number };

/** Once in `times`; else undefined. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 1, arbitrary }, { weight: times - 1, arbitrary: fc.constant(undefined) });

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      come: fc.constantFrom<MethodMode>("write", "read", "read", "interleave"),
      within: seldom(fc.nat(9), 2),
      key: seldom(fc.nat(2), 5),
    }),
  },
  { weight: 2, arbitrary: fc.record({ end: fc.nat(9) }) },
);

interface Call {
  readonly n: number;
  readonly mode: MethodMode;
  /** Of its chain, outermost first; by number. */
  readonly within: readonly number[];
  readonly lane: string | undefined;
  fate: "waits" | "runs" | "ended" | "deadlock";
}

/** One activation, whose turns end when the test says so. */
class Stage {
  readonly calls: Call[] = [];
  readonly started: number[] = [];
  readonly pushedAhead: string[] = [];
  readonly #ends = new Map<number, (result: CallResult) => void>();
  readonly #turns = new Map<number, Turn>();
  readonly #serving: Serving;

  constructor(reentrancy: Reentrancy) {
    const turnsOf = (chain: readonly ChainLink[]): readonly Turn[] =>
      chain.flatMap((link) => this.#turns.get(link.turn) ?? []);
    const life = {
      runner: {
        turnsOf,
        turnOf: (request: number) => this.#turns.get(request),
        turns: () => this.#turns.values(),
        call: (call: IncomingCall) => this.#run(call),
      },
    } as unknown as Life;
    this.#serving = new Serving({
      clock: { monotonicMs: () => 0 },
      lease: { holds: () => true },
      gate: { open: () => true },
      rules: turnRules,
      maxQueue: 1_000,
      reentrancy,
      strictReads: false,
      life: () => life,
      active: () => life,
      startsTurns: () => true,
      turnEnded: () => undefined,
      disowned: () => undefined,
      broken: (error: unknown) => {
        throw error;
      },
    } as unknown as ServingHost);
  }

  get running(): readonly Call[] {
    return this.calls.filter(({ fate }) => fate === "runs");
  }

  come(mode: MethodMode, within: readonly number[], key: number | undefined): void {
    const n = this.calls.length;
    const lane = mode === "write" && key !== undefined ? `k${key}` : undefined;
    const call: Call = { n, mode, within, lane, fate: "waits" };
    this.calls.push(call);
    this.#serving.take(
      {
        request: n,
        actor: { type: "t", id: "i" },
        method: { name: "m", mode },
        key: key === undefined ? undefined : String(key),
        chain: within.map((turn) => ({ type: "t", id: "i", method: "m", turn })),
        deadlineMs: Infinity,
        strict: false,
        reply: (result: CallResult) => {
          if (result.status === "refused") call.fate = "deadlock";
        },
      } as unknown as IncomingCall,
      0,
    );
  }

  async end(call: Call): Promise<void> {
    call.fate = "ended";
    this.#turns.delete(call.n);
    this.#ends.get(call.n)!({ status: "ok", body: undefined as never });
    await nextTurn();
  }

  #run(call: IncomingCall): Promise<unknown> {
    const state = this.calls[call.request]!;
    const awaited = this.calls.find(
      (each) => each.fate === "waits" && each !== state && isAwaited(each, this.running),
    );
    if (awaited && state.within.length === 0 && state.mode !== "interleave")
      this.pushedAhead.push(`${state.n} starts before ${awaited.n}, for which a turn waits`);
    state.fate = "runs";
    this.started.push(call.request);
    const turn = {
      request: call.request,
      mode: call.method.mode,
      call: { idempotencyKey: call.key },
    } as unknown as Turn;
    this.#turns.set(call.request, turn);
    return new Promise((resolve) => {
      this.#ends.set(call.request, (result) =>
        resolve({ result, barrier: undefined, saves: true, turn: undefined }),
      );
    });
  }
}

const related = (a: Call, b: Call): boolean => a.within.includes(b.n) || b.within.includes(a.n);
const exclude = (a: MethodMode, b: MethodMode): boolean =>
  a !== "interleave" && b !== "interleave" && (a === "write" || b === "write");

/** A turn of its chain runs, which itself is in others' way. */
function isAwaited(call: Call, running: readonly Call[]): boolean {
  return running.some(({ n, mode }) => mode !== "interleave" && call.within.includes(n));
}

/** The contract: what may never be, and what must not wait. */
function problemsOf(stage: Stage, reentrancy: Reentrancy): string[] {
  const { calls, running, started } = stage;
  const problems: string[] = reentrancy === "full" ? [] : [...stage.pushedAhead];
  for (const [i, a] of running.entries())
    for (const b of running.slice(i + 1)) {
      const [inner, outer] = a.within.includes(b.n) ? [a, b] : [b, a];
      const may =
        reentrancy === "full"
          ? a.lane === undefined || a.lane !== b.lane
          : !exclude(a.mode, b.mode) ||
            (reentrancy === "chain" && related(a, b) && outer.lane === undefined);
      if (!may) problems.push(`${inner.n} runs beside ${outer.n}`);
    }
  for (const call of calls.filter(({ fate }) => fate === "waits")) {
    const inTheWay = running.filter((turn) =>
      reentrancy === "full"
        ? turn.lane === call.lane && call.lane !== undefined
        : exclude(turn.mode, call.mode) && !related(turn, call),
    );
    // Another may stand before it, unless a running turn waits for it.
    const before = calls.some((other) => other.fate === "waits" && other !== call);
    if (inTheWay.length === 0 && (reentrancy === "full" || isAwaited(call, running) || !before))
      problems.push(`${call.n} waits for nothing`);
    if (call.mode === "interleave") problems.push(`${call.n} interleaves, and waits`);
  }
  if (reentrancy !== "full") {
    const ordered = started.filter(
      (n) => calls[n]!.mode !== "interleave" && calls[n]!.within.length === 0,
    );
    if (ordered.some((n, i) => i > 0 && n < ordered[i - 1]!)) problems.push("one was overtaken");
  }
  return problems;
}

/** Whether the call, as it comes, may neither run beside a turn of its own chain nor wait for it. */
function isDeadlock(call: Call, running: readonly Call[], reentrancy: Reentrancy): boolean {
  const own = running.filter((turn) => call.within.includes(turn.n));
  if (reentrancy === "full")
    return own.some((turn) => turn.lane !== undefined && turn.lane === call.lane);
  return own.some(
    (turn) => exclude(turn.mode, call.mode) && (reentrancy === "detect" || turn.lane !== undefined),
  );
}

async function play(stage: Stage, one: Act, reentrancy: Reentrancy): Promise<string[]> {
  const before = stage.running;
  if ("end" in one) {
    // A turn ends after those inside of it.
    const inmost = before.filter((call) => !before.some(({ within }) => within.includes(call.n)));
    if (inmost.length > 0) await stage.end(inmost[one.end % inmost.length]!);
    return [];
  }
  const outer = one.within === undefined ? undefined : before[one.within % before.length];
  stage.come(one.come, outer ? [...outer.within, outer.n] : [], one.key);
  const call = stage.calls.at(-1)!;
  const should = isDeadlock(call, before, reentrancy);
  if ((call.fate === "deadlock") === should) return [];
  return [`${call.n} ${should ? "waits for itself" : "is refused for nothing"}`];
}

test.each(["detect", "chain", "full"] as const)(
  "under '%s' turns run beside each other as they may, in order, nobody waits for nothing, and what would wait for itself is refused at once",
  async (reentrancy) => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
        const stage = new Stage(reentrancy);
        for (const one of acts)
          expect([
            ...(await play(stage, one, reentrancy)),
            ...problemsOf(stage, reentrancy),
          ]).toEqual([]);
        while (stage.running.length > 0) await stage.end(stage.running.at(-1)!);
        expect(stage.calls.filter(({ fate }) => fate === "waits")).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  },
);
