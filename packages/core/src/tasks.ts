// The owner of background promises: every promise and timer has someone who awaits or stops it.
//   T1. A task that fails is reported through `onFailure`, never lost.
//   T2. stop() aborts the signal that every task got and resolves when all have ended.

export class Tasks {
  readonly #controller = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (name: string, error: unknown) => void;

  constructor(onFailure: (name: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts a task. After stop() nothing starts. */
  run(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    const signal = this.#controller.signal;
    if (signal.aborted) return;
    const promise: Promise<void> = task(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#onFailure(name, error);
      })
      .finally(() => this.#running.delete(promise));
    this.#running.add(promise);
  }

  /** Asks every task to stop, without waiting: what a crash does. */
  abort(): void {
    this.#controller.abort();
  }

  async stop(): Promise<void> {
    this.abort();
    await Promise.all(this.#running);
  }
}
