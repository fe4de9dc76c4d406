// One clock for all processes of this machine: CLOCK_MONOTONIC, which no process has an origin of its own for, and which
// goes on while a process is stopped.
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Waits. For what takes time by its nature: how long a fault lasts, how fast a client calls. Never for something to happen. */
export function lasting(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Waits for `promise`, but not longer than so; false when it was too long. */
export async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
