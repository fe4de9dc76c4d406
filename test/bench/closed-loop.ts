// A closed loop: so many callers, each of which makes its next call when its last one is answered.
//   L1. Every call is counted, and the time ends with the last answer: none is left open.
//   L2. Calls go round the actors in turn, so that with fewer callers than actors none waits for another.
//   L3. The clock is read every so many calls: a loop of microtasks alone never comes to a timer.
import { percentile } from "./statistics.ts";

export interface Load {
  readonly outstanding: number;
  readonly actors: number;
  /** Ends after this time … */
  readonly forMs?: number | undefined;
  /** … or after so many calls. */
  readonly calls?: number | undefined;
  /** Note how long each call takes. */
  readonly latencies?: boolean | undefined;
}

export interface Ran {
  readonly calls: number;
  readonly elapsedMs: number;
  readonly p50Ms?: number | undefined;
  readonly p99Ms?: number | undefined;
}

const LOOK_EVERY = 256;

/** `call(actor, n)`: the n-th call, numbered from `first`, to the actor with that number. */
export async function closedLoop(
  load: Load,
  first: number,
  call: (actor: number, n: number) => Promise<unknown>,
): Promise<Ran> {
  const { outstanding, actors, forMs = Infinity, calls = Infinity, latencies = false } = load;
  const startMs = performance.now();
  const endMs = startMs + forMs;
  const last = first + calls;
  const took: number[] = [];
  let next = first;
  let open = true;
  const timer = Number.isFinite(forMs)
    ? setTimeout(() => {
        open = false;
      }, forMs)
    : undefined;
  const mayCall = (): boolean => {
    if (next % LOOK_EVERY === 0 && performance.now() >= endMs) open = false; // L3
    return open && next < last;
  };
  const plain = async (): Promise<void> => {
    while (mayCall()) {
      const n = next++;
      await call(n % actors, n);
    }
  };
  const timed = async (): Promise<void> => {
    while (mayCall()) {
      const n = next++;
      const sentMs = performance.now();
      await call(n % actors, n);
      took.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: outstanding }, latencies ? timed : plain));
  clearTimeout(timer);
  const ran = { calls: next - first, elapsedMs: performance.now() - startMs };
  return latencies ? { ...ran, p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99) } : ran;
}

/** The sum of `n % 1000` for `first <= n < end`: what actors that were given these numbers have counted. */
export function sumOf(end: number): number {
  const whole = Math.floor(end / 1_000);
  const rest = end % 1_000;
  return whole * 499_500 + (rest * (rest - 1)) / 2;
}
