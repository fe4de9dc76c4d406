// The calls that wait for one activation.
//   W1. They start in the order in which they came. Where turns run beside each other at will, one that may not start yet holds
//       up nobody.
//   W2. Those that a running turn waits for (nested ones) stand ahead of all others, and hold up nobody among themselves: one
//       that cannot start may wait for the turn that the next one belongs to.
//   W3. At most `capacity` calls wait in each of the two rows; one more is refused, never dropped in silence.
import type { IncomingCall } from "./incoming-call.ts";
import { Mailbox } from "./mailbox.ts";

type Meant = (call: IncomingCall) => boolean;

const NONE: readonly never[] = [];

export class WaitingCalls {
  // Made when one has to wait: most actors are idle, and an idle one should cost nothing.
  #nested: Mailbox<IncomingCall> | undefined;
  #others: Mailbox<IncomingCall> | undefined;
  readonly #capacity: number;
  readonly #ordered: boolean;

  constructor(capacity: number, ordered: boolean) {
    this.#capacity = capacity;
    this.#ordered = ordered;
  }

  get size(): number {
    return (this.#nested?.size ?? 0) + (this.#others?.size ?? 0);
  }

  /** False when it is full (W3). */
  offer(call: IncomingCall, nested: boolean): boolean {
    const row = nested
      ? (this.#nested ??= new Mailbox(this.#capacity))
      : (this.#others ??= new Mailbox(this.#capacity));
    return row.offer(call);
  }

  nextNested(mayStart: Meant): IncomingCall | undefined {
    return this.#nested?.remove(mayStart);
  }

  next(mayStart: Meant): IncomingCall | undefined {
    const others = this.#others;
    if (!others) return undefined;
    if (!this.#ordered) return others.remove(mayStart);
    if ((this.#nested?.size ?? 0) > 0) return undefined;
    const first = others.peek();
    if (!first || !mayStart(first)) return undefined;
    others.shift();
    if (others.size === 0) this.#others = undefined;
    return first;
  }

  /** The call with all that start before it, it last; empty when it does not wait here. */
  upTo(request: number): readonly IncomingCall[] {
    const meant: Meant = (call) => call.request === request;
    const nested = this.#nested?.upTo(meant).at(-1);
    if (nested) return [nested];
    const others = this.#others?.upTo(meant) ?? NONE;
    if (others.length === 0) return NONE;
    return this.#ordered ? [...(this.#nested?.items ?? NONE), ...others] : others.slice(-1);
  }

  /** Takes out, in order, every one that is meant. */
  take(meant: Meant): readonly IncomingCall[] {
    return [...(this.#nested?.take(meant) ?? NONE), ...(this.#others?.take(meant) ?? NONE)];
  }

  remove(meant: Meant): IncomingCall | undefined {
    return this.#nested?.remove(meant) ?? this.#others?.remove(meant);
  }

  drain(): readonly IncomingCall[] {
    return [...(this.#nested?.drain() ?? NONE), ...(this.#others?.drain() ?? NONE)];
  }
}
