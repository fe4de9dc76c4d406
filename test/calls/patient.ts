// An actor whose turns last until they are told to end, and which tells its process what its calls' signals tell it.
import { Actor, defineActor } from "tenure";

/** What a silo process says when a turn is told to give up. */
export interface Told {
  readonly told: string;
  readonly code: string;
}

export class Patient extends Actor<{ done: string[] }> {
  static readonly actor = defineActor<Patient>({
    type: "patient",
    state: () => ({ done: [] }),
    placement: "random",
    methods: { done: "read", silo: "read", arrived: "interleave", let: "interleave" },
    maxQueue: 20,
  });
  #let: (() => void) | undefined;

  /** Ends when it is let go. Does not look at its signal. */
  async hold(name: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#let = resolve;
    });
    this.state.done.push(name);
  }
  async work(name: string): Promise<void> {
    this.state.done.push(name);
  }
  /** Ends only when it is told to give up; until then it has changed state. */
  async heed(name: string): Promise<void> {
    this.state.done.push(name);
    const { signal } = this.ctx.call;
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        const reason = signal.reason as Error & { code: string };
        process.send?.({ told: name, code: reason.code } satisfies Told);
        reject(reason);
      });
      process.send?.({ told: name, code: "BEGUN" } satisfies Told);
    });
  }
  /** The same at the end of a chain, which hands its signal on. */
  async heedThrough(name: string, ...others: readonly string[]): Promise<void> {
    const [next, ...rest] = others;
    if (next === undefined) return await this.heed(name);
    const patient = this.ctx.get(Patient, next).$with({ signal: this.ctx.call.signal });
    await patient.heedThrough(name, ...rest);
  }
  let(): boolean {
    this.#let?.();
    return this.#let !== undefined;
  }
  /** Answers when all that came before it has arrived. */
  arrived(): void {}
  done(): readonly string[] {
    return [...this.state.done];
  }
  silo(): string {
    return this.ctx.silo;
  }
}
