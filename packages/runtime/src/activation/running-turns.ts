// What runs in one activation, and what may start beside it (admission.ts decides).
import type { ChainLink, MethodMode, Reentrancy } from "@tenure/core/internal";
import {
  admit,
  keyLane,
  mayRunBeside,
  type mayStart,
  type RunningModes,
  type SeenTurn,
  type Verdict,
} from "./admission.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { Turn } from "./turn-context.ts";

const NONE: ReadonlySet<string> = new Set();

export class RunningTurns implements RunningModes {
  write = 0;
  read = 0;
  interleave = 0;
  /** Of the keyed calls; kept only where turns run beside each other at will. */
  readonly #lanes: Set<string> | undefined;
  readonly #reentrancy: Reentrancy;
  readonly #rule: typeof mayStart;

  constructor(reentrancy: Reentrancy, rule: typeof mayStart) {
    this.#reentrancy = reentrancy;
    this.#rule = rule;
    this.#lanes = reentrancy === "full" ? new Set() : undefined;
  }

  get none(): boolean {
    return this.write + this.read + this.interleave === 0;
  }

  begin(mode: MethodMode): void {
    this[mode] += 1;
  }

  end(mode: MethodMode): void {
    this[mode] -= 1;
  }

  beginCall(call: IncomingCall): void {
    this.begin(call.method.mode);
    const lane = this.#lanes && seen(call).lane;
    if (lane !== undefined) this.#lanes?.add(lane);
  }

  endCall(call: IncomingCall): void {
    this.end(call.method.mode);
    const lane = this.#lanes && seen(call).lane;
    if (lane !== undefined) this.#lanes?.delete(lane);
  }

  /** `own`: the turns of the call's own chain that run here. */
  verdict(call: IncomingCall, own: readonly Turn[]): Verdict {
    if (own.length === 0 && this.#reentrancy !== "full")
      return this.#rule(call.method.mode, this) ? "start" : "wait";
    const { write, read, interleave } = this;
    const running = { write, read, interleave };
    for (const turn of own) running[turn.mode] -= 1;
    const others = { running, lanes: this.#lanes ?? NONE };
    return admit(seen(call), own.map(seenTurn), others, this.#reentrancy, this.#rule);
  }

  /** Whether the call waits for that turn's end. */
  isInTheWayOf(call: IncomingCall, turn: Turn): boolean {
    if (this.#reentrancy === "full") {
      const { lane } = seen(call);
      return lane !== undefined && lane === seenTurn(turn).lane;
    }
    if (isOf(call.chain, turn)) return false;
    return !mayRunBeside(call.method.mode, turn.mode, this.#rule);
  }
}

function isOf(chain: readonly ChainLink[], turn: Turn): boolean {
  return chain.some((link) => link.turn === turn.request);
}

function seen({ key, method: { mode } }: IncomingCall): SeenTurn {
  return { mode, lane: keyLane(key, mode) };
}

function seenTurn({ mode, call }: Turn): SeenTurn {
  return { mode, lane: keyLane(call.idempotencyKey, mode) };
}
