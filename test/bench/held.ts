// What a process holds when nothing is asked of it.
import { heapBytes } from "./heap.ts";
import { openTimers } from "./open-timers.ts";

export interface Held {
  /** After everything that nobody holds is gone. */
  readonly heapBytes: number;
  readonly timers: number;
  /** Sockets, pipes, servers: whatever Node knows of but timers. */
  readonly handles: number;
  /** Calls that wait for an answer, or have none yet. */
  readonly pending: number;
  /** Only of a silo. */
  readonly activations: number;
}

export async function heldHere(pending: number, activations: number): Promise<Held> {
  return {
    heapBytes: await heapBytes(),
    timers: openTimers(),
    handles: process.getActiveResourcesInfo().filter((kind) => !/Timeout|Immediate/.test(kind))
      .length,
    pending,
    activations,
  };
}
