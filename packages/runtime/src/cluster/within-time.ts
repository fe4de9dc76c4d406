// A step that may hang: past `ms` it fails and names itself.
import type { Clock } from "@tenure/core/internal";

export function withinTime<T>(
  promise: Promise<T>,
  clock: Clock,
  ms: number,
  what: string,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      finish(() => reject(new Error(`${what}: not done within ${Math.round(ms)} ms`)));
    const abort = (): void => finish(() => reject(signal!.reason as Error));
    const timer = clock.after(ms, late, { keepAlive: true });
    const finish = (act: () => void): void => {
      timer.cancel();
      signal?.removeEventListener("abort", abort);
      act();
    };
    promise.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error as Error)),
    );
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
