// The calls that wait for one activation.
//   W1. They start in the order in which they came. Where turns run beside each other at will, one that may not start yet holds
//       up nobody.
//   W2. Those that a running turn waits for (nested ones) stand ahead of all others, and hold up nobody among themselves: one
//       that cannot start may wait for the turn that the next one belongs to.
//   W3. At most `capacity` calls wait in each of the two rows; one more is refused, never dropped in silence.
import type { IncomingCall } from "./incoming-call.ts";
import { Mailbox } from "./mailbox.ts";

type Meant = (call: IncomingCall) => boolean;

export class WaitingCalls {
  readonly #nested: Mailbox<IncomingCall>;
  readonly #others: Mailbox<IncomingCall>;
  readonly #ordered: boolean;

  constructor(capacity: number, ordered: boolean) {
    this.#nested = new Mailbox(capacity);
    this.#others = new Mailbox(capacity);
    this.#ordered = ordered;
  }

  get size(): number {
    return this.#nested.size + this.#others.size;
  }

  /** False when it is full (W3). */
  offer(call: IncomingCall, nested: boolean): boolean {
    return (nested ? this.#nested : this.#others).offer(call);
  }

  nextNested(mayStart: Meant): IncomingCall | undefined {
    return this.#nested.size === 0 ? undefined : this.#nested.remove(mayStart);
  }

  next(mayStart: Meant): IncomingCall | undefined {
    if (!this.#ordered) return this.#others.remove(mayStart);
    if (this.#nested.size > 0) return undefined;
    const first = this.#others.peek();
    return first && mayStart(first) ? this.#others.shift() : undefined;
  }

  /** The call with all that start before it, it last; empty when it does not wait here. */
  upTo(request: number): readonly IncomingCall[] {
    const meant: Meant = (call) => call.request === request;
    const nested = this.#nested.upTo(meant).at(-1);
    if (nested) return [nested];
    const others = this.#others.upTo(meant);
    if (others.length === 0) return [];
    return this.#ordered ? [...this.#nested.items, ...others] : others.slice(-1);
  }

  /** Takes out, in order, every one that is meant. */
  take(meant: Meant): readonly IncomingCall[] {
    return [...this.#nested.take(meant), ...this.#others.take(meant)];
  }

  remove(meant: Meant): IncomingCall | undefined {
    return this.#nested.remove(meant) ?? this.#others.remove(meant);
  }

  drain(): readonly IncomingCall[] {
    return [...this.#nested.drain(), ...this.#others.drain()];
  }
}
