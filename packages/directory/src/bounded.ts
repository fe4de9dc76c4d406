// A store that never answers must not hang anyone: past `ms` the operation counts as indefinite (R7).
import { type Clock, StoreUnavailableError } from "@tenure/core/internal";

export function bounded<T>(
  clock: Clock,
  ms: number,
  what: string,
  operation: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(
      ms,
      () => reject(new StoreUnavailableError(`${what}: no answer within ${Math.round(ms)} ms`)),
      { keepAlive: true },
    );
    operation.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error as Error);
      },
    );
  });
}
