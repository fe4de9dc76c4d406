// How fast the machine is while something else is measured: the same arithmetic again and again, by the processor time that it takes. On
// a machine that is shared, that changes by a third from one second to the next, and who measures should be able to tell.
//   SP1. It takes less than a hundredth of one processor.
//   SP2. Processor time, not time: who waits for a processor is not slower.
import { someMillisecond } from "./arithmetic.ts";
import { percentile } from "./statistics.ts";

const EVERY_MS = 200;
/** Of a second, what tells of it: a single one may have been interrupted. */
const PER_SECOND = 5;

export class SpeedProbe implements Disposable {
  readonly #timer: NodeJS.Timeout;
  /** Milliseconds of each, since `begin`. */
  #took: number[] = [];
  #mixed = 1;

  constructor(everyMs: number = EVERY_MS) {
    this.#timer = setInterval(() => this.#took.push(this.#once()), everyMs);
  }

  begin(): void {
    this.#took = [];
  }

  /** What the arithmetic took in the slowest second since `begin`; 0 before one is over. */
  slowestMs(): number {
    const seconds: number[] = [];
    for (let at = 0; at + PER_SECOND <= this.#took.length; at += PER_SECOND)
      seconds.push(percentile(this.#took.slice(at, at + PER_SECOND), 0.5));
    return Math.max(0, ...seconds);
  }

  #once(): number {
    const before = process.cpuUsage();
    this.#mixed = someMillisecond(this.#mixed);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
