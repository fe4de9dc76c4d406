// Flights: the attempts that are on their way, by their request ids.
//   F1. Each attempt has its own random request id (R29).
//   F2. A reply that nobody waits for is counted and dropped; so is one that does not come from where the attempt went.
import type { Address, Incarnation, Random } from "@tenure/core/internal";
import { NO_SLOT } from "./deadlines.ts";
import type { Flight, OutgoingCall } from "./outgoing-call.ts";
import { RequestTable } from "./request-table.ts";

export class Flights {
  /** Replies that nobody waited for (F2). */
  unknownReplies = 0;
  readonly #random: Random;
  readonly #byRequest = new RequestTable<OutgoingCall>();

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#byRequest.size;
  }

  /** A request id for an attempt that is about to leave (F1). */
  newRequest(): number {
    let request = this.#random.id48();
    while (this.#byRequest.get(request)) request = this.#random.id48();
    return request;
  }

  /** A reply to it is expected from now on. */
  expect(request: number, call: OutgoingCall): void {
    this.#byRequest.add(request, call);
  }

  /** Nothing is expected of this attempt any more. */
  forget(request: number): void {
    this.#byRequest.delete(request);
  }

  /** The call that a reply from another process is for, which still has its flight; undefined when nobody waits for it (F2). */
  land(request: number, from: Address): OutgoingCall | undefined {
    const call = this.#byRequest.get(request);
    if (!call || call.flight?.to !== from) {
      this.unknownReplies += 1;
      return undefined;
    }
    this.#byRequest.delete(request);
    return call;
  }

  /** The same of the caller's own silo, which answers a call and not a request. */
  landHere({ flight, slot }: OutgoingCall, request: number): boolean {
    if (flight?.request !== request) {
      this.unknownReplies += 1;
      return false;
    }
    if (slot !== NO_SLOT) this.#byRequest.delete(request);
    return true;
  }

  /** Where attempts have been on their way, over the transport, since before this time. */
  waitingSince(beforeMs: number): ReadonlySet<Incarnation> {
    const silos = new Set<Incarnation>();
    for (const [, { flight }] of this.#byRequest.entries())
      if (flight && flight.tag !== 0 && flight.sinceMs <= beforeMs) silos.add(flight.to);
    return silos;
  }

  /** Ends every flight that is concerned, and tells of each. */
  end(
    concerned: (flight: Flight) => boolean,
    ended: (call: OutgoingCall, to: Incarnation) => void,
  ): void {
    for (const [request, call] of this.#byRequest.entries()) {
      const { flight } = call;
      // What follows from the end of one may have ended another.
      if (flight?.request !== request || !concerned(flight)) continue;
      this.#byRequest.delete(request);
      call.flight = undefined;
      ended(call, flight.to);
    }
  }
}
