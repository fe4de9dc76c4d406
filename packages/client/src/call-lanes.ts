// Lanes: calls that cannot leave yet, one lane per caller and actor, so that all of a caller's calls to one actor leave in
// the order in which they were made, whatever each of them waits for (its turn's commits, or where the actor is).
import type { OutgoingCall } from "./outgoing-call.ts";

/** What a lane asks of the invoker. */
export interface LaneHost {
  /** Sends the call and answers true; or false: its actor must be located first. */
  trySend(call: OutgoingCall): boolean;
  /** Finds out where the call's actor is. When it cannot, it takes the lane's calls out and deals with them. */
  locate(call: OutgoingCall): Promise<void>;
  /** Whether the turn that made the call may still speak; it may have lost its actor or its lease while the call waited. */
  mayLeave(call: OutgoingCall): boolean;
  /** The turn that made the call must not speak any more. */
  gateRefused(call: OutgoingCall, error: unknown): void;
}

export class CallLanes {
  readonly #host: LaneHost;
  readonly #lanes = new Map<string, OutgoingCall[]>();
  #waiting = 0;

  constructor(host: LaneHost) {
    this.#host = host;
  }

  /** How many lanes have calls that wait. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Calls that wait in all lanes, also those that are over and not passed over yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** True when a call would overtake one that waits. */
  has(lane: string): boolean {
    return this.#lanes.has(lane);
  }

  enter(call: OutgoingCall): void {
    this.#waiting += 1;
    const waiting = this.#lanes.get(call.lane);
    if (waiting) {
      waiting.push(call);
      return;
    }
    const fresh = [call];
    this.#lanes.set(call.lane, fresh);
    void this.#run(call.lane, fresh);
  }

  /** Takes every waiting call out of a lane. */
  takeAll(lane: string): readonly OutgoingCall[] {
    const taken = this.#lanes.get(lane)?.splice(0) ?? [];
    this.#waiting -= taken.length;
    return taken;
  }

  async #run(name: string, lane: OutgoingCall[]): Promise<void> {
    while (lane.length > 0) {
      const call = lane[0]!;
      if (call.done) {
        this.#leave(lane);
        continue;
      }
      const gate = call.gate ?? (this.#host.mayLeave(call) ? undefined : call.origin?.gate());
      if (gate) {
        await gate.catch((error: unknown) => this.#host.gateRefused(call, error));
        call.gate = undefined;
        continue;
      }
      if (this.#host.trySend(call)) this.#leave(lane);
      else await this.#host.locate(call);
    }
    this.#lanes.delete(name);
  }

  #leave(lane: OutgoingCall[]): void {
    lane.shift();
    this.#waiting -= 1;
  }
}
