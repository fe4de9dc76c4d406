// Frames that one read of the socket has handed over, a few of which are delivered in each turn of the event loop.
//   AV1. Frames are delivered in the order in which they came.
//   AV2. A turn delivers frames until they were as much as a full one, or half of those that wait. What is
//        answered or asked because of them leaves at the turn's end, and its receiver works while this side goes on with the
//        next: all of a read in one turn has caller and callee wait for each other (docs/PERFORMANCE.md).
//   AV3. So what waits is never more than a few reads, and there are few turns, however much comes.
import type { Clock } from "@tenure/core/internal";
import { FULL_FRAME, FULL_FRAME_BYTES } from "./outbox.ts";

const SHARE = 2;

/** What a frame is of a full one. Half of one or two of them in one turn make 15 % fewer of 256 calls a second. */
export function frameShare(messages: number, bytes: number): number {
  // One that is garbage has taken its time, too.
  return Math.max(Math.max(1, messages) / FULL_FRAME, bytes / FULL_FRAME_BYTES);
}

export class Arrivals<F extends object> {
  readonly #clock: Clock;
  readonly #deliver: (frame: F) => number;
  #waiting: F[] = [];
  /** What this turn has delivered, in full frames. */
  #delivered = 0;
  #scheduled = false;

  /** `deliver` answers what the frame was of a full one. It throws nothing. */
  constructor(clock: Clock, deliver: (frame: F) => number) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  take(frame: F): void {
    this.#schedule();
    if (this.#waiting.length > 0 || this.#delivered >= 1) this.#waiting.push(frame);
    else this.#delivered += this.#deliver(frame);
  }

  /** Delivers all that waits, now. */
  deliverAll(): void {
    for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift())
      this.#deliver(frame);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.afterTurn(() => {
      this.#scheduled = false;
      this.#delivered = 0;
      if (this.#waiting.length > 0) this.#deliverSome();
    });
  }

  #deliverSome(): void {
    this.#schedule();
    const share = this.#waiting.length / SHARE;
    for (let frames = 0; frames < share || this.#delivered < 1; frames++) {
      const frame = this.#waiting.shift();
      if (!frame) return;
      this.#delivered += this.#deliver(frame);
    }
  }
}
