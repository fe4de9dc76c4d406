// The signal of one call, `ctx.call.signal`: it aborts when nobody waits for the call any more, or nothing of it can count.
//   G1. It is made when it is first looked at: a call whose signal nobody reads costs no AbortController and no timer.
//   G2. It aborts once, with the first reason: the caller has given the call up, its time is up, or the actor is lost.
//   G3. When its turn has ended it does not abort any more, and its timer is gone.
//   G4. To abort asks; nothing is taken away from the turn, which ends as it likes.
import {
  CallTimeoutError,
  CancelledError,
  type ChainLink,
  type Clock,
  formatActor,
  type Timer,
} from "@tenure/core/internal";

export class CallSignal {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #link: ChainLink;
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  /** Why it is to be aborted, or is. */
  #reason: Error | undefined;
  #ended = false;

  /** `link` names the turn; the deadline is monotonic. */
  constructor(clock: Clock, deadlineMs: number, link: ChainLink) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#link = link;
  }

  /** Whether it was looked at, and has aborted: its turn may know. */
  get aborted(): boolean {
    return this.#controller?.signal.aborted ?? false;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController(); // G1
      if (this.#reason) this.#controller.abort(this.#reason);
      else if (!this.#ended && this.#deadlineMs < Infinity) this.#await();
    }
    return this.#controller.signal;
  }

  /** The caller has given the call up. */
  cancel(): void {
    this.abort(
      new CancelledError(`${this.#name()}: cancelled by its caller`, { outcome: "unknown" }),
    );
  }

  abort(reason: Error): void {
    if (this.#ended || this.#reason) return;
    this.#reason = reason;
    this.#timer?.cancel();
    // Last: it runs the listeners of user code.
    this.#controller?.abort(reason);
  }

  /** The turn has ended. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  /** Waits for the deadline. A timer may fire early: none can wait for longer than some weeks. */
  #await(): void {
    const leftMs = this.#deadlineMs - this.#clock.monotonicMs();
    if (leftMs > 0) this.#timer = this.#clock.after(leftMs, () => this.#await());
    else
      this.abort(new CallTimeoutError(`${this.#name()}: its time is up`, { outcome: "unknown" }));
  }

  #name(): string {
    return `${formatActor(this.#link)}.${this.#link.method}`;
  }
}
