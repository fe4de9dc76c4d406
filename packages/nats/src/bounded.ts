import type { Clock } from "@tenure/core/internal";

export const TIMED_OUT: unique symbol = Symbol("timed out");

/** What `promise` comes to, or TIMED_OUT: no wait for a server is without end. */
export async function within<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
): Promise<T | typeof TIMED_OUT> {
  let stop = (): void => undefined;
  const timeout = new Promise<typeof TIMED_OUT>((resolve) => {
    const timer = clock.after(Math.max(0, ms), () => resolve(TIMED_OUT), { keepAlive: true });
    stop = () => timer.cancel();
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    stop();
  }
}
