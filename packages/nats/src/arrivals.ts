// Frames that one read of the socket has handed over, a few of which are delivered in each turn of the event loop.
//   AV1. Frames are delivered in the order in which they came.
//   AV2. A turn delivers frames until they have had as many messages as fill one, or were half of those that wait. What is
//        answered or asked because of them leaves at the turn's end, and its receiver works while this side goes on with the
//        next: all of a read in one turn has caller and callee wait for each other (docs/PERFORMANCE.md).
//   AV3. So what waits is never more than a few reads, and there are few turns, however much comes.
import type { Clock } from "@tenure/core/internal";
import { FULL_FRAME } from "./outbox.ts";

/** Half as many or twice as many of 256 calls in one turn make 15 % fewer calls a second. */
const FEWEST_MESSAGES: number = FULL_FRAME;
const SHARE = 2;

export class Arrivals<F extends object> {
  readonly #clock: Clock;
  readonly #deliver: (frame: F) => number;
  #waiting: F[] = [];
  /** Messages that this turn has delivered. */
  #delivered = 0;
  #scheduled = false;

  /** `deliver` answers how many messages the frame had. It throws nothing. */
  constructor(clock: Clock, deliver: (frame: F) => number) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  take(frame: F): void {
    this.#schedule();
    if (this.#waiting.length > 0 || this.#delivered >= FEWEST_MESSAGES) this.#waiting.push(frame);
    else this.#count(this.#deliver(frame));
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
    for (let frames = 0; frames < share || this.#delivered < FEWEST_MESSAGES; frames++) {
      const frame = this.#waiting.shift();
      if (!frame) return;
      this.#count(this.#deliver(frame));
    }
  }

  /** A frame that is garbage has taken its time, too. */
  #count(messages: number): void {
    this.#delivered += Math.max(1, messages);
  }
}
