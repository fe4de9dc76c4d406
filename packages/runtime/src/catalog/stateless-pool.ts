// The pool of a stateless class in one silo: activations without names of their own, that share one queue.
//   S1. There are at most `max` activations, made when a call finds none free; each takes one call at a time, whatever its mode.
//   S2. Calls begin in the order in which they came. At most `maxQueue` wait; one more is refused (I12).
//   S3. Nothing is claimed or stored: there is nothing that another silo could have, too.
//   S4. When each activation has a turn that made a call which waits here, of one chain or of several, none would ever be free:
//       the last of these calls is a deadlock and refused at once.
//   S5. After close() nothing begins, and nobody waits: all are answered `moved`.
import { type ActorKind, assert, formatActor, type Refused } from "@tenure/core/internal";
import type { Acquired, Ownership } from "@tenure/directory/internal";
import type { Activation } from "../activation/activation.ts";
import {
  answeredBy,
  deadlock,
  type IncomingCall,
  MOVED,
  refused,
} from "../activation/incoming-call.ts";
import { Mailbox } from "../activation/mailbox.ts";

/** What stands in for the directory: an activation that nobody else could have has nothing to claim. Its generation is 0. */
export const NOBODYS: Pick<Ownership, "acquire" | "release"> = {
  acquire: (): Promise<Acquired> =>
    Promise.resolve({ kind: "claimed", claim: { token: "", generation: 0 } }),
  release: () => Promise.resolve(true),
};

/** Makes one more activation, or says why there cannot be one now. `gone` is called when it has ended. */
export type MakeActivation = (gone: () => void) => Activation | Refused;

export class StatelessPool {
  readonly #kind: ActorKind;
  readonly #max: number;
  readonly #make: MakeActivation;
  readonly #queue: Mailbox<IncomingCall>;
  /** Each activation with the call that it has. */
  readonly #activations = new Map<Activation, IncomingCall | undefined>();
  /** Those that wait and were made in turns: the only ones that S4 has to look at. */
  readonly #nested = new Set<IncomingCall>();
  readonly #nowMs: () => number;
  #pumping = false;
  #closed = false;

  constructor(kind: ActorKind, nowMs: () => number, make: MakeActivation) {
    const { stateless, maxQueue } = kind.definition;
    assert(stateless, "S1: a pool is of a stateless class");
    this.#kind = kind;
    this.#max = stateless.max;
    this.#make = make;
    this.#nowMs = nowMs;
    this.#queue = new Mailbox(maxQueue);
  }

  get waiting(): number {
    return this.#queue.size;
  }

  deliver(call: IncomingCall): void {
    if (this.#closed) call.reply(MOVED);
    else if (this.#waitsForEver(call)) call.reply(deadlock(call));
    else if (this.#queue.offer(call)) {
      if (call.chain.length > 0) this.#nested.add(call);
      this.#pump();
    } else {
      const { maxQueue } = this.#kind.definition;
      call.reply(refused("overloaded", `${maxQueue} calls wait for ${formatActor(call.actor)}`));
    }
  }

  /** Answers all that wait. Those that run are the activations' own. */
  clear(): void {
    this.#nested.clear();
    for (const call of this.#queue.drain()) call.reply(MOVED);
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }

  // S4. A call whose time is up is waited for by nobody.
  #waitsForEver(call: IncomingCall): boolean {
    if (this.#activations.size < this.#max || call.chain.length === 0) return false;
    const nowMs = this.#nowMs();
    const awaited = new Set<number>();
    for (const { chain, deadlineMs } of [call, ...this.#nested])
      if (deadlineMs > nowMs) for (const link of chain) awaited.add(link.turn);
    return [...this.#activations.values()].every((taken) => taken && awaited.has(taken.request));
  }

  // A call that is answered at once frees its activation inside of this loop, which goes on with the next.
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (let call = this.#queue.peek(); call && !this.#closed; call = this.#queue.peek()) {
      const activation = this.#free() ?? this.#another();
      if (!activation) break;
      this.#queue.shift();
      this.#nested.delete(call);
      if ("status" in activation) call.reply(activation);
      else this.#give(activation, call);
    }
    this.#pumping = false;
  }

  /** The longest-lived that is free: those that are needed only at times are left alone, and collected. */
  #free(): Activation | undefined {
    for (const [activation, taken] of this.#activations)
      if (!taken && activation.state === "active") return activation;
    return undefined;
  }

  /** Undefined when the call can wait for one that there is. */
  #another(): Activation | Refused | undefined {
    if (this.#activations.size >= this.#max) return undefined;
    const activation: Activation | Refused = this.#make(() => {
      this.#activations.delete(activation as Activation);
      this.#pump();
    });
    return "status" in activation && this.#activations.size > 0 ? undefined : activation;
  }

  #give(activation: Activation, call: IncomingCall): void {
    this.#activations.set(activation, call);
    activation.enqueue(
      answeredBy(call, (result) => {
        if (this.#activations.has(activation)) this.#activations.set(activation, undefined);
        call.reply(result);
        this.#pump();
      }),
      this.#nowMs(),
    );
  }
}
