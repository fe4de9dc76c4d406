// The simulated world: one queue of events, one time, one seed.
//   W1. One event at a time; what it causes in microtasks is done before the next one begins.
//   W2. Events of one time run in the order in which they were scheduled: a seed replays a run exactly.
//   W3. Every event is part of the trace, whose hash two runs of one seed share.
// Simulation as the way to find races: FoundationDB, TigerBeetle.
import { createHash, type Hash } from "node:crypto";
import { type Random, seededRandom } from "@tenure/core/internal";

export interface Scheduled {
  cancel(): void;
}

interface Item {
  readonly atMs: number;
  readonly order: number;
  readonly what: string;
  readonly run: () => void;
  cancelled: boolean;
}

export interface TraceLine {
  readonly atMs: number;
  readonly what: string;
}

const TRACE_KEPT = 2_000;
const BATCH = 64;

export class World {
  readonly seed: number;
  readonly random: Random;
  nowMs = 0;
  events = 0;
  readonly #queue = new EventQueue();
  readonly #hash: Hash = createHash("sha256");
  readonly #trace: TraceLine[] = [];
  #order = 0;
  #running = false;

  constructor(seed: number) {
    this.seed = seed;
    this.random = seededRandom(seed);
  }

  /** A generator of its own for one purpose, so that one more draw in one place does not shift all others. */
  fork(): Random {
    return seededRandom(Math.floor(this.random.next() * 2 ** 32));
  }

  schedule(delayMs: number, what: string, run: () => void): Scheduled {
    const item: Item = {
      atMs: this.nowMs + Math.max(0, delayMs),
      order: this.#order++,
      what,
      run,
      cancelled: false,
    };
    this.#queue.push(item);
    return {
      cancel: () => {
        item.cancelled = true;
      },
    };
  }

  /**
   * Runs events until `limitMs`, or until `done` says so; `after` each one, when its microtasks have run. True when `done`
   * ended it; else time then stands at `limitMs`.
   */
  async run(limitMs: number, done?: () => boolean, after?: () => void): Promise<boolean> {
    if (this.#running) throw new Error("W1: a world is run by one at a time");
    this.#running = true;
    try {
      const ended = await new Promise<boolean>((resolve, reject) => {
        let ran = false;
        let over = false;
        // W1: between two immediates of one phase Node runs all microtasks. A batch of them saves most of the event loop's
        // own turns.
        const step = (): void => {
          if (over) return;
          try {
            if (ran) after?.();
            const said = done?.() === true;
            if (!said && this.#runNext(limitMs)) ran = true;
            else {
              over = true;
              resolve(said);
            }
          } catch (error) {
            over = true;
            reject(error as Error);
          }
        };
        const batch = (): void => {
          for (let i = 1; i < BATCH; i++) setImmediate(step);
          setImmediate(() => {
            step();
            if (!over) batch();
          });
        };
        batch();
      });
      if (!ended) this.nowMs = Math.max(this.nowMs, limitMs);
      return ended;
    } finally {
      this.#running = false;
    }
  }

  /** How many events are planned. */
  get planned(): number {
    return this.#queue.size;
  }

  #runNext(limitMs: number): boolean {
    for (;;) {
      const next = this.#queue.peek();
      if (!next || next.atMs > limitMs) return false;
      this.#queue.pop();
      if (next.cancelled) continue;
      this.nowMs = next.atMs;
      this.events += 1;
      this.note(next.what);
      next.run();
      return true;
    }
  }

  /** Adds a line to the trace. */
  note(what: string): void {
    this.#hash.update(`${this.nowMs.toFixed(3)} ${what}\n`);
    this.#trace.push({ atMs: this.nowMs, what });
    if (this.#trace.length > 2 * TRACE_KEPT) this.#trace.splice(0, TRACE_KEPT);
  }

  /** The newest lines of the trace. */
  recent(count: number = TRACE_KEPT): readonly TraceLine[] {
    return this.#trace.slice(-count);
  }

  /** The hash of everything that happened so far. */
  traceHash(): string {
    return this.#hash.copy().digest("hex").slice(0, 16);
  }
}

/** A binary heap by (time, order). */
class EventQueue {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  peek(): Item | undefined {
    return this.#heap[0];
  }

  push(item: Item): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = item;
  }

  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Item, b: Item): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
