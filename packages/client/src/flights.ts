// Flights: the attempts that are on their way, by their request ids.
//   F1. Each attempt has its own random request id (R29).
//   F2. A reply that nobody waits for is counted and dropped; so is one that does not come from where the attempt went.
import type { Address, Incarnation, Random } from "@tenure/core/internal";
import type { Flight, OutgoingCall } from "./outgoing-call.ts";

export interface Landed {
  readonly call: OutgoingCall;
  /** Where the attempt had gone; unknown when it was answered before it was noted. */
  readonly to: Incarnation | undefined;
}

export class Flights {
  /** Replies that nobody waited for (F2). */
  unknownReplies = 0;
  readonly #random: Random;
  readonly #byRequest = new Map<number, OutgoingCall>();

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#byRequest.size;
  }

  /** A request id for an attempt that is about to leave (F1). A reply to it is expected from now on. */
  open(call: OutgoingCall): number {
    let request = this.#random.id48();
    while (this.#byRequest.has(request)) request = this.#random.id48();
    this.#byRequest.set(request, call);
    return request;
  }

  /** Nothing is expected of this attempt any more. */
  forget(request: number): void {
    this.#byRequest.delete(request);
  }

  /** The call that a reply is for; undefined when nobody waits for it (F2). `from` is undefined for the caller's own silo. */
  land(request: number, from: Address | undefined): Landed | undefined {
    const call = this.#byRequest.get(request);
    if (!call || (from !== undefined && call.flight?.to !== from)) {
      this.unknownReplies += 1;
      return undefined;
    }
    this.#byRequest.delete(request);
    const to = call.flight?.to;
    call.flight = undefined;
    return { call, to };
  }

  /** Where attempts have been on their way, over the transport, since before this time. */
  waitingSince(beforeMs: number): ReadonlySet<Incarnation> {
    const silos = new Set<Incarnation>();
    for (const { flight } of this.#byRequest.values())
      if (flight && flight.tag !== 0 && flight.sinceMs <= beforeMs) silos.add(flight.to);
    return silos;
  }

  /** Ends every flight that is concerned, and tells of each. */
  end(
    concerned: (flight: Flight) => boolean,
    ended: (call: OutgoingCall, to: Incarnation) => void,
  ): void {
    for (const [request, call] of this.#byRequest) {
      const { flight } = call;
      if (!flight || !concerned(flight)) continue;
      this.#byRequest.delete(request);
      call.flight = undefined;
      ended(call, flight.to);
    }
  }
}
