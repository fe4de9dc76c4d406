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

/** What `bootTime` reads, in milliseconds. */
export interface BootSources {
  monotonicMs(): number;
  wallMs(): number;
  /** Steps by 10 ms, and costs 10 µs to read: as much as all else that a call costs. */
  uptimeMs(): number;
}

/** For so long monotonic time it is not read again, unless there is a sign that the machine was suspended. */
const FRESH_MS = 10;
/** Wall time and monotonic time go apart by more only when one of them stands still or is set. (Both are read in steps of 1 ms.) */
const APART_MS = 2;

/**
 * Boot time. While the machine is suspended, boot time and wall time go on and monotonic time does not: where the two that are
 * cheap to read have gone apart, it is read anew. That is a hint and no more (K2): if wall time was set back by as much as the
 * machine slept, the next reading comes FRESH_MS later.
 */
export function bootTime(sources: BootSources): () => number {
  let bootMs = 0;
  let readMs = -Infinity;
  let apartMs = 0;
  return () => {
    const nowMs = sources.monotonicMs();
    const offsetMs = sources.wallMs() - nowMs;
    if (nowMs - readMs >= FRESH_MS || Math.abs(offsetMs - apartMs) >= APART_MS) {
      bootMs = sources.uptimeMs();
      readMs = nowMs;
      apartMs = offsetMs;
    }
    return bootMs;
  };
}

/** The process's own clocks. */
export function systemClock(): Clock {
  const readBoot = bootTime({
    monotonicMs: () => monotonic.now(),
    wallMs: () => Date.now(),
    uptimeMs: () => uptime() * 1_000,
  });
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
