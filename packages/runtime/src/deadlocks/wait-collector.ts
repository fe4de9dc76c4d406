// Collects who waits for whom, from silo to silo, beginning with some calls of this one.
//   C1. It asks as far as turns have calls, all silos at once; never more than MAX_GRAPH calls, and no answer is waited for
//       longer than ANSWER_MS: what nobody answered moves.
//   C2. A silo is asked AT_ONCE questions at a time: the answers come in one frame, and a frame has its limits.
import {
  type AskedCall,
  type CallOnWay,
  type Clock,
  type Incarnation,
  MAX_ASKED,
  type Message,
  type Random,
  type RunningTurn,
  type WaitState,
} from "@tenure/core/internal";
import type { SeenCall, WaitGraph } from "./wait-graph.ts";

const MAX_GRAPH = 2_000;
const ANSWER_MS = 1_000;
const AT_ONCE = 8;
const MOVES: WaitState = { kind: "moves" };

export interface WaitCollectorHost {
  readonly self: Incarnation;
  readonly clock: Clock;
  readonly random: Random;
  send(to: Incarnation, message: Message): void;
  /** The same question, of this silo. */
  states(asked: readonly AskedCall[]): readonly WaitState[];
}

export class WaitCollector {
  readonly #host: WaitCollectorHost;
  readonly #questions = new Map<number, (states: readonly WaitState[]) => void>();

  constructor(host: WaitCollectorHost) {
    this.#host = host;
  }

  /** Questions that are not answered yet. */
  get open(): number {
    return this.#questions.size;
  }

  async collect(starts: readonly CallOnWay[]): Promise<WaitGraph> {
    const graph = new Map<number, SeenCall>();
    let next = starts;
    while (next.length > 0) {
      const { questions, later } = bySilo(next);
      const answers = await Promise.all(questions.map((calls) => this.#ask(calls)));
      for (const seen of answers.flat()) graph.set(seen.call.request, seen);
      const beyond = new Map(later.map((call) => [call.request, call]));
      for (const { state } of answers.flat())
        for (const turn of turnsOf(state))
          for (const call of turn.calls ?? [])
            if (!graph.has(call.request)) beyond.set(call.request, call);
      next = [...beyond.values()].slice(0, MAX_GRAPH - graph.size);
    }
    return graph;
  }

  answered(request: number, states: readonly WaitState[]): void {
    this.#questions.get(request)?.(states);
  }

  /** Nobody waits for an answer any more. */
  stop(): void {
    for (const answer of this.#questions.values()) answer([]);
  }

  /** All of them at one silo. */
  async #ask(calls: readonly CallOnWay[]): Promise<readonly SeenCall[]> {
    const { self, clock, random } = this.#host;
    const { silo } = calls[0]!;
    if (silo === self) return seen(calls, this.#host.states(calls));
    const request = random.id48();
    const states = await new Promise<readonly WaitState[]>((resolve) => {
      const timer = clock.after(ANSWER_MS, () => resolve([]));
      this.#questions.set(request, (answer) => {
        timer.cancel();
        resolve(answer);
      });
      this.#host.send(silo, { kind: "waits", request, calls });
    });
    this.#questions.delete(request);
    return seen(calls, states);
  }
}

function seen(calls: readonly CallOnWay[], states: readonly WaitState[]): readonly SeenCall[] {
  return calls.map((call, i) => ({ call, state: states[i] ?? MOVES }));
}

function turnsOf(state: WaitState): readonly RunningTurn[] {
  return state.kind === "waits" ? state.behind : state.kind === "runs" ? [state.turn] : [];
}

/** As questions of a size that may be asked (C2). */
function bySilo(calls: readonly CallOnWay[]): {
  readonly questions: readonly (readonly CallOnWay[])[];
  readonly later: readonly CallOnWay[];
} {
  const bySilos = new Map<Incarnation, CallOnWay[]>();
  for (const call of calls) {
    const others = bySilos.get(call.silo);
    if (others) others.push(call);
    else bySilos.set(call.silo, [call]);
  }
  const questions: CallOnWay[][] = [];
  const later: CallOnWay[] = [];
  for (const all of bySilos.values()) {
    for (let from = 0; from < Math.min(all.length, AT_ONCE * MAX_ASKED); from += MAX_ASKED)
      questions.push(all.slice(from, from + MAX_ASKED));
    later.push(...all.slice(AT_ONCE * MAX_ASKED));
  }
  return { questions, later };
}
