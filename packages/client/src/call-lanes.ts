// Lanes: calls that cannot leave yet, one lane per actor, so that all of a caller's calls to one actor leave in the order
// in which they were made, whatever each of them waits for (its turn's commits, or where the actor is).
import type { OutgoingCall } from "./outgoing-call.ts";

/** What a lane asks of the invoker. */
export interface LaneHost {
  /** Sends the call and answers true; or false: its actor must be located first. */
  trySend(call: OutgoingCall): boolean;
  /** Finds out where the lane's actor is. When it cannot, it takes the lane's calls out and deals with them. */
  locate(call: OutgoingCall): Promise<void>;
  /** The turn that made the call must not speak any more. */
  gateRefused(call: OutgoingCall, error: unknown): void;
}

export class CallLanes {
  readonly #host: LaneHost;
  readonly #lanes = new Map<string, OutgoingCall[]>();

  constructor(host: LaneHost) {
    this.#host = host;
  }

  /** True when a call to this actor would overtake one that waits. */
  has(actorKey: string): boolean {
    return this.#lanes.has(actorKey);
  }

  enter(call: OutgoingCall): void {
    const lane = this.#lanes.get(call.actorKey);
    if (lane) {
      lane.push(call);
      return;
    }
    const fresh = [call];
    this.#lanes.set(call.actorKey, fresh);
    void this.#run(call.actorKey, fresh);
  }

  /** Takes every waiting call of an actor out of its lane. */
  takeAll(actorKey: string): readonly OutgoingCall[] {
    return this.#lanes.get(actorKey)?.splice(0) ?? [];
  }

  async #run(actorKey: string, lane: OutgoingCall[]): Promise<void> {
    while (lane.length > 0) {
      const call = lane[0]!;
      if (call.done) {
        lane.shift();
        continue;
      }
      const { gate } = call;
      if (gate) {
        await gate.catch((error: unknown) => this.#host.gateRefused(call, error));
        call.gate = undefined;
        continue;
      }
      if (this.#host.trySend(call)) lane.shift();
      else await this.#host.locate(call);
    }
    this.#lanes.delete(actorKey);
  }
}
