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
