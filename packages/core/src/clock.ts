// Time is a port.
//   K1. `elapsedMs` is the larger of the monotonic and the boot-time difference (R5): the monotonic clock stops while
//       the machine is suspended, boot time does not.
//   K2. Wall time never decides anything about ownership; it dates events and idempotency records, and lifts generations.
//   K3. Timers that the clock has made can be dropped all at once, which is what a crash looks like from inside.
import { uptime } from "node:os";
// The global of the same name is found by a getter, which costs as much again as reading the clock.
import { performance as monotonic } from "node:perf_hooks";

/** A moment on this process's clocks; only differences mean anything. */
export interface Instant {
  readonly monotonicMs: number;
  readonly bootMs: number;
}

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the epoch (K2). */
  wallMs(): number;
  /** Monotonic milliseconds; cheap. For deadlines, queues and statistics, not for leases. */
  monotonicMs(): number;
  instant(): Instant;
  /** Milliseconds since `start`, suspended time included (K1). */
  elapsedMs(start: Instant): number;
  /** Runs `fn` once, `ms` from now. Does not keep the process alive unless `keepAlive`. */
  after(ms: number, fn: () => void, options?: { readonly keepAlive?: boolean }): Timer;
  /** Runs `fn` at the end of this event-loop turn, after everything that is already queued. */
  afterTurn(fn: () => void): void;
}

/** The process's own clocks. */
export function systemClock(): Clock {
  // os.uptime() costs 10 µs and steps by 10 ms: read once per event-loop turn that asks, then only monotonic time moves.
  let bootMs = uptime() * 1_000;
  let bootIsFresh = false;
  const forget = (): void => {
    bootIsFresh = false;
  };
  const readBoot = (): number => {
    if (!bootIsFresh) {
      bootMs = uptime() * 1_000;
      bootIsFresh = true;
      setImmediate(forget).unref();
    }
    return bootMs;
  };
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => monotonic.now(),
    instant: () => ({ monotonicMs: monotonic.now(), bootMs: readBoot() }),
    elapsedMs: (start) => Math.max(monotonic.now() - start.monotonicMs, readBoot() - start.bootMs),
    after: (ms, fn, options) => {
      const timer = setTimeout(fn, Math.min(ms, 2 ** 31 - 1));
      if (!options?.keepAlive) timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
    afterTurn: (fn) => {
      setImmediate(fn);
    },
  };
}

/** A promise that resolves after `ms`, or rejects with the signal's reason. */
export async function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal!.reason as Error);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
