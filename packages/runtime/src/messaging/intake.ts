// The intake: calls from elsewhere, on their way to be looked at. What their turns cost is only known once they have run, so that
// time, and no number, says how many may start before the event loop goes on.
//   IN1. Calls start as they come while this turn of the event loop has started some for less than SLICE_MS; those after them
//        wait for its next turns. So no crowd of them keeps the lease from being renewed, or other messages from being read: a
//        socket hands over thousands of calls at once.
//   IN2. They keep their order; one that is given up while it waits is gone.
//   IN3. One that would wait for more than MAX_WAIT_MS, as those before it went, is refused at once with the time after which to
//        come back. Without that all of them would wait until their time is up, and be run for nobody.
//        One pause of the process, for garbage or anything else, is no evidence of that: only several slices are. What has come
//        by then and would wait for twice as long is refused then, the newest first.
//   IN4. Once it is closed nothing waits: each call is looked at, and answered, where it comes (T5).
import { type Clock, type Refused } from "@tenure/core/internal";
import { Mailbox } from "../activation/mailbox.ts";
import { overloaded } from "./overloaded.ts";

/** Long enough that ordinary calls never wait here, short against a lease. */
export const SLICE_MS = 10;
/** Shorter than any time a call is likely to have; longer than what a burst of ordinary calls takes. */
export const MAX_WAIT_MS = 500;
/** How long one that is refused is asked to stay away, at most: what waits now has gone by then. */
const MAX_RETRY_MS = 2 * MAX_WAIT_MS;
/** Slices in a row after which something still waits, before any call is refused. */
export const EVIDENCE = 3;
/** What of the older slices is left in the sums when there is a newer one. */
const OLDER = 0.8;

export interface Taken {
  /** Looks at it, and answers it or hands it on. `nowMs`: on the monotonic clock. */
  start(nowMs: number): void;
  refuse(refusal: Refused): void;
}

export class Intake<C extends Taken> {
  readonly #clock: Pick<Clock, "monotonicMs" | "afterTurn">;
  readonly #waiting: Mailbox<C>;
  /** The slice of this turn of the event loop; undefined before its first call. */
  #slice: { readonly fromMs: number; started: number } | undefined;
  /** Since something waits: how many slices have ended, and the time of the event loop and the calls in them, the older counting less. */
  #busy = { slices: 0, ms: 0, calls: 0 };
  #closed = false;

  /** `capacity`: calls that wait at once, at most, whatever they cost. */
  constructor(clock: Pick<Clock, "monotonicMs" | "afterTurn">, capacity: number) {
    this.#clock = clock;
    this.#waiting = new Mailbox(capacity);
  }

  /** Calls that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Starts it, now or later, or refuses it (IN3). `atMs`: on the monotonic clock, when it came. */
  take(call: C, atMs: number): void {
    if (this.#closed) return call.start(atMs);
    const slice = (this.#slice ??= this.#begin(atMs));
    const spentMs = atMs - slice.fromMs;
    if (this.#waiting.size === 0) {
      if (spentMs < SLICE_MS) {
        slice.started += 1;
        return call.start(atMs);
      }
      this.#busy = { slices: 0, ms: 0, calls: 0 };
    }
    if (this.#waitMs > MAX_WAIT_MS || !this.#waiting.offer(call)) this.#refuse([call]);
  }

  /** Takes out one that waits (IN2). */
  remove(meant: (call: C) => boolean): C | undefined {
    return this.#waiting.remove(meant);
  }

  /** IN4 */
  close(): void {
    this.#closed = true;
    for (const call of this.#waiting.drain()) call.start(this.#clock.monotonicMs());
  }

  /** How long one more would wait, as far as there is evidence. */
  get #waitMs(): number {
    const { slices, ms, calls } = this.#busy;
    return slices < EVIDENCE ? 0 : (this.#waiting.size * ms) / calls;
  }

  #refuse(calls: readonly C[]): void {
    const retryMs = Math.ceil(Math.min(Math.max(this.#waitMs, MAX_WAIT_MS), MAX_RETRY_MS));
    const refusal = overloaded("the silo has more calls than it has time for", retryMs);
    for (const call of calls) call.refuse(refusal);
  }

  /** What has come before there was evidence, and is too much. */
  #shed(): void {
    const waitMs = this.#waitMs;
    if (waitMs <= 2 * MAX_WAIT_MS) return;
    const all = this.#waiting.drain();
    const kept = Math.floor((all.length * MAX_WAIT_MS) / waitMs);
    for (const call of all.slice(0, kept)) this.#waiting.offer(call);
    this.#refuse(all.slice(kept));
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
    const busy = this.#busy;
    busy.slices += 1;
    busy.ms = busy.ms * OLDER + fromMs - last.fromMs;
    busy.calls = busy.calls * OLDER + last.started;
    this.#shed();
    const slice = (this.#slice = this.#begin(fromMs));
    for (let nowMs = fromMs; nowMs - fromMs < SLICE_MS; nowMs = this.#clock.monotonicMs()) {
      const call = this.#waiting.shift();
      if (!call) return;
      slice.started += 1;
      call.start(nowMs);
    }
  }
}
