// Who runs the world while a test waits.
//   D1. Time passes only while a test waits: for something that was started here (a call, a silo), or in advance().
//   D2. advance() stops exactly at its time; what is still waited for goes on after it, when the test waits again.
//   D3. Between two events all of the test's own code that can run has run: a step of a script is never overtaken.
import type { SimCluster } from "./cluster.ts";

interface Advance {
  readonly untilMs: number;
  readonly done: () => void;
}

export class Driver {
  readonly #cluster: SimCluster;
  readonly #advances: Advance[] = [];
  #awaited = 0;
  #running = false;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  /** Runs the world until `promise` settles. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    this.#awaited += 1;
    this.#wake();
    try {
      return await promise;
    } finally {
      this.#awaited -= 1;
    }
  }

  advance(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#advances.push({ untilMs: this.#cluster.world.nowMs + ms, done: resolve });
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#drive();
  }

  async #drive(): Promise<void> {
    const { world } = this.#cluster;
    while (this.#awaited > 0 || this.#advances.length > 0) {
      const next = this.#advances.toSorted((a, b) => a.untilMs - b.untilMs)[0];
      const known = this.#advances.length;
      const changed = (): boolean =>
        this.#advances.length !== known || (this.#awaited === 0 && known === 0);
      await this.#cluster.run((next?.untilMs ?? Infinity) - world.nowMs, changed);
      if (!next || world.nowMs < next.untilMs) continue;
      this.#advances.splice(this.#advances.indexOf(next), 1);
      next.done();
      // D2: the test goes on before anything else happens.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    this.#running = false;
  }
}
