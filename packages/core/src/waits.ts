// What a call that has left is doing, as far as the silo that it went to can tell: the edges of a graph of who waits for whom.
import type { ActorAddress } from "./actor-id.ts";
import type { Incarnation } from "./silo-id.ts";

export interface AskedCall {
  readonly request: number;
  readonly actor: ActorAddress;
}

/** An attempt of a call that is on its way, or at its silo. */
export interface CallOnWay extends AskedCall {
  readonly silo: Incarnation;
  readonly method: string;
}

/** A turn that runs. */
export interface RunningTurn {
  /** The request id of the call that it serves. */
  readonly turn: number;
  readonly method: string;
  /** How many calls it has made so far: the same number twice means that it made none in between. */
  readonly made: number;
  /** All of its calls that are open; undefined when one of them is not on its way, or when they are too many to tell. */
  readonly calls: readonly CallOnWay[] | undefined;
}

export type WaitState =
  /** It is not at the silo, or it waits for nothing that a turn holds. */
  | { readonly kind: "moves" }
  | { readonly kind: "runs"; readonly turn: RunningTurn }
  /** It cannot start before all of these turns have ended. */
  | { readonly kind: "waits"; readonly behind: readonly RunningTurn[] };

/** More calls than this are not asked about at once. */
export const MAX_ASKED = 16;
/** Of a turn with more open calls nothing is told. */
export const MAX_TURN_CALLS = 256;
/** Turns that are named in one state: a write behind more reads than this names the first of them. */
export const MAX_BEHIND = 16;
