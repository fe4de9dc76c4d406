// What both plays do alike: two sessions of one store that take turns, and the store's sequence.
import type { Bench, OpenedStore, Session, SessionProvider } from "../suite.ts";

/** Two sessions, asked in turn: what one of them wrote the other one sees (D3). */
export class Sessions<S extends Session> {
  readonly #bench: Bench<S, OpenedStore<SessionProvider<S>>>;
  #open: readonly [S, S];
  #turn = 0;

  private constructor(bench: Bench<S, OpenedStore<SessionProvider<S>>>, open: readonly [S, S]) {
    this.#bench = bench;
    this.#open = open;
  }

  static async open<S extends Session>(
    bench: Bench<S, OpenedStore<SessionProvider<S>>>,
  ): Promise<Sessions<S>> {
    return new Sessions(bench, [await bench.open(), await bench.open()]);
  }

  next(): S {
    return this.#open[this.#turn++ % 2]!;
  }

  /** Closes both, lets something happen, and opens the store as a process started later would. */
  async reopen(meanwhile: () => Promise<void>): Promise<void> {
    await this.#bench.closeAll();
    await meanwhile();
    this.#open = [await this.#bench.restart(), await this.#bench.open()];
  }
}

/** The new sequence; throws where it went back, or stood still while something changed (R14). */
export function assertSequence(last: number, now: number, changed: boolean): number {
  if (now < last) throw new Error(`the sequence went back from ${last} to ${now}`);
  if (changed && now === last) throw new Error(`a change left the sequence at ${now}`);
  return now;
}
