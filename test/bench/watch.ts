// A load that goes on until it is told to end, and notes when each call began and ended: for what happens meanwhile.
import { percentile } from "./statistics.ts";

export interface Watched {
  readonly calls: number;
  /** Of the calls between the first mark and the second: what came before warmed up. */
  readonly beforeP99Ms: number;
  /** Of the calls that were open between the second mark and the third. */
  readonly duringP99Ms: number;
  readonly duringMs: number;
}

type Span = readonly [beganMs: number, endedMs: number];

export class Watch {
  readonly #spans: Span[] = [];
  readonly #marks: number[] = [];
  #open = true;

  mark(): void {
    this.#marks.push(performance.now());
  }

  end(): void {
    this.#open = false;
  }

  async run(
    outstanding: number,
    first: number,
    call: (n: number) => Promise<unknown>,
  ): Promise<Watched> {
    let next = first;
    const caller = async (): Promise<void> => {
      while (this.#open) {
        const beganMs = performance.now();
        await call(next++);
        this.#spans.push([beganMs, performance.now()]);
      }
    };
    await Promise.all(Array.from({ length: outstanding }, caller));
    const [settled = 0, from = 0, to = Infinity] = this.#marks;
    const took = (spans: readonly Span[]): number =>
      percentile(
        spans.map(([beganMs, endedMs]) => endedMs - beganMs),
        0.99,
      );
    return {
      calls: next - first,
      beforeP99Ms: took(
        this.#spans.filter(([beganMs, endedMs]) => beganMs >= settled && endedMs < from),
      ),
      duringP99Ms: took(
        this.#spans.filter(([beganMs, endedMs]) => endedMs >= from && beganMs < to),
      ),
      duringMs: to - from,
    };
  }
}
