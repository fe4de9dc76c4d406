// The intake: calls from elsewhere, on their way to be looked at. What their turns cost is only known once they have run, so that
// time, and no number, says how many may start before the event loop goes on.
//   IN1. Calls start as they come while this turn of the event loop has started some for less than SLICE_MS; those after them
//        wait for its next turns. So no crowd of them keeps the lease from being renewed, or other messages from being read: a
//        socket hands over thousands of calls at once.
//   IN2. They keep their order; one that is given up while it waits is gone.
//   IN3. One that would wait for more than MAX_WAIT_MS, as those before it went, is refused at once with the time after which to
//        come back. Without that all of them would wait until their time is up, and be run for nobody.
//   IN4. Once it is closed nothing waits: each call is looked at, and answered, where it comes (T5).
import { type Clock, type Refused } from "@tenure/core/internal";
import { Mailbox } from "../activation/mailbox.ts";
import { overloaded } from "./overloaded.ts";

/** Long enough that ordinary calls never wait here, short against a lease. */
export const SLICE_MS = 10;
/** Shorter than any time a call is likely to have; longer than what a burst of ordinary calls takes. */
export const MAX_WAIT_MS = 500;
/** How much the newest slice counts in what a call costs. */
const NEWEST = 0.2;

export interface Taken {
  /** On the monotonic clock, when it came. */
  readonly atMs: number;
  /** Looks at it, and answers it or hands it on. */
  start(): void;
}

export class Intake<C extends Taken> {
  readonly #clock: Pick<Clock, "monotonicMs" | "afterTurn">;
  readonly #waiting = new Mailbox<C>(Infinity);
  /** The slice of this turn of the event loop; undefined before its first call. */
  #slice: { readonly fromMs: number; started: number } | undefined;
  /** What one call costs of the event loop's time, as of late; 0 while nothing waits. */
  #callMs = 0;
  #closed = false;

  constructor(clock: Pick<Clock, "monotonicMs" | "afterTurn">) {
    this.#clock = clock;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Starts it, now or later; answers why not, if it does not (IN3). */
  take(call: C): Refused | undefined {
    if (this.#closed) {
      call.start();
      return undefined;
    }
    const slice = (this.#slice ??= this.#begin(call.atMs));
    const spentMs = call.atMs - slice.fromMs;
    if (this.#waiting.size === 0) {
      if (spentMs < SLICE_MS) {
        slice.started += 1;
        call.start();
        return undefined;
      }
      this.#callMs = spentMs / Math.max(1, slice.started);
    }
    const waitMs = this.#waiting.size * this.#callMs;
    if (waitMs > MAX_WAIT_MS)
      return overloaded("the silo has more calls than it has time for", Math.ceil(waitMs));
    this.#waiting.offer(call);
    return undefined;
  }

  /** Takes out one that waits (IN2). */
  remove(meant: (call: C) => boolean): C | undefined {
    return this.#waiting.remove(meant);
  }

  /** IN4 */
  close(): void {
    this.#closed = true;
    for (const call of this.#waiting.drain()) call.start();
  }

  #begin(fromMs: number): { readonly fromMs: number; started: number } {
    this.#clock.afterTurn(() => this.#nextTurn());
    return { fromMs, started: 0 };
  }

  #nextTurn(): void {
    const last = this.#slice;
    this.#slice = undefined;
    if (!last || this.#waiting.size === 0) return;
    const fromMs = this.#clock.monotonicMs();
    // All that this turn has taken, not only the calls: the others that wait will wait for the like of it, too.
    const callMs = (fromMs - last.fromMs) / Math.max(1, last.started);
    this.#callMs += (callMs - this.#callMs) * NEWEST;
    const slice = (this.#slice = this.#begin(fromMs));
    for (let nowMs = fromMs; nowMs - fromMs < SLICE_MS; nowMs = this.#clock.monotonicMs()) {
      const call = this.#waiting.shift();
      if (!call) return;
      slice.started += 1;
      call.start();
    }
  }
}
