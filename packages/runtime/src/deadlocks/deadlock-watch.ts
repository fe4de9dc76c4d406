// Finds calls that wait for each other though no chain of calls shows it: A calls B while B calls A.
//   K1. While turns have calls open, it looks every LOOK_MS. A turn all of whose calls have been on their way for WAIT_MS is
//       asked after, and again later, each time after twice as long: most of them are just slow.
//   K2. A ring counts when two looks agree (wait-graph.ts); then one call of it, the same for all who look, is refused at
//       the silo where it waits. The others go on.
//   K3. A turn that has calls open counts as waiting for them. What it waits for besides, a timer or a socket, nobody sees.
import type { Invoker, TurnCall } from "@tenure/client/internal";
import type { CallOnWay, Clock, Timer } from "@tenure/core/internal";
import { agreed, type Ring, ringsIn } from "./wait-graph.ts";
import type { WaitCollector } from "./wait-collector.ts";
import { callsOnWay } from "./wait-states.ts";

export const LOOK_MS = 50;
export const WAIT_MS = 100;
const MAX_WAIT_MS = 3_200;
/** Turns that are asked after at once; the others' time comes with the next look. */
const MAX_STARTS = 64;

export interface DeadlockWatchHost {
  readonly clock: Clock;
  readonly invoker: Pick<Invoker, "callsByTurn">;
  readonly collector: WaitCollector;
  /** Refuses the call where it waits. */
  break(ring: Ring): void;
}

/** When a turn is asked after next, on the monotonic clock. */
interface Due {
  readonly atMs: number;
  readonly afterMs: number;
}

export class DeadlockWatch {
  readonly #host: DeadlockWatchHost;
  #due = new Map<number, Due>();
  #timer: Timer | undefined;
  #looking = false;
  #stopped = false;

  constructor(host: DeadlockWatchHost) {
    this.#host = host;
  }

  /** A turn has made a call. */
  called(): void {
    if (!this.#timer && !this.#looking && !this.#stopped) this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#host.clock.after(LOOK_MS, () => {
      this.#timer = undefined;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const calls = this.#host.invoker.callsByTurn();
    if (calls.size === 0) {
      this.#due.clear();
      return;
    }
    this.#looking = true;
    const starts = this.#starts(calls);
    if (starts.length > 0) await this.#search(starts);
    this.#looking = false;
    if (!this.#stopped) this.#arm();
  }

  /** K1. One call of each turn is enough: it is stuck if they all are. */
  #starts(calls: ReadonlyMap<number, readonly TurnCall[]>): readonly CallOnWay[] {
    const nowMs = this.#host.clock.monotonicMs();
    const due = new Map<number, Due>();
    const starts: CallOnWay[] = [];
    for (const [turn, open] of calls) {
      const before = this.#due.get(turn);
      if (before) due.set(turn, before);
      if (starts.length === MAX_STARTS || (before && before.atMs > nowMs)) continue;
      if (open.some(({ flight }) => !flight || flight.sinceMs > nowMs - WAIT_MS)) continue;
      const first = callsOnWay(open)?.[0];
      if (!first) continue;
      starts.push(first);
      const afterMs = Math.min(before ? 2 * before.afterMs : WAIT_MS, MAX_WAIT_MS);
      due.set(turn, { atMs: nowMs + afterMs, afterMs });
    }
    this.#due = due;
    return starts;
  }

  async #search(starts: readonly CallOnWay[]): Promise<void> {
    const { collector } = this.#host;
    const first = await collector.collect(starts);
    if (this.#stopped || ringsIn(first).length === 0) return;
    const second = await collector.collect(starts);
    if (this.#stopped) return;
    const rings = ringsIn(agreed(first, second));
    for (const ring of rings) this.#host.break(ring);
    // There may be more behind them (Q4).
    if (rings.length > 0) this.#due.clear();
  }
}
