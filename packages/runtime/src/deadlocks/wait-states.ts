// What a silo can tell of the calls that are at it, and of the turns that they wait for.
//   E1. An answer has a bounded size: what does not fit moves, as far as the asker is told (I12).
import type { Invoker, TurnCall } from "@tenure/client/internal";
import {
  type ActorAddress,
  type AskedCall,
  type CallOnWay,
  MAX_BEHIND,
  MAX_METHOD,
  MAX_TURN_CALLS,
  type RunningTurn,
  type WaitState,
} from "@tenure/core/internal";
import type { Turn } from "../activation/turn-context.ts";

/** What an activation knows of a call that came to it. */
export type LocalWait =
  | { readonly kind: "runs"; readonly turn: Turn }
  | { readonly kind: "waits"; readonly behind: readonly Turn[] };

const MAX_ANSWER_CHARS = 1 << 14;

export interface WaitStatesHost {
  readonly invoker: Pick<Invoker, "callsByTurn">;
  wait(actor: ActorAddress, request: number): LocalWait | undefined;
}

export function waitStates(
  asked: readonly AskedCall[],
  host: WaitStatesHost,
): readonly WaitState[] {
  const callsByTurn = host.invoker.callsByTurn();
  let chars = 0;
  const described = (turn: Turn): RunningTurn => {
    const calls = callsOnWay(callsByTurn.get(turn.request) ?? []);
    for (const { actor, method } of calls ?? [])
      chars += actor.type.length + actor.id.length + method.length + 64;
    return { turn: turn.request, method: turn.call.method, made: turn.outgoing, calls };
  };
  return asked.map(({ actor, request }): WaitState => {
    const local = chars < MAX_ANSWER_CHARS ? host.wait(actor, request) : undefined;
    switch (local?.kind) {
      case "runs":
        return { kind: "runs", turn: described(local.turn) };
      case "waits":
        return { kind: "waits", behind: local.behind.slice(0, MAX_BEHIND).map(described) };
      case undefined:
        return { kind: "moves" };
    }
  });
}

/** Undefined when one of them is not on its way, or when they are too many. */
export function callsOnWay(calls: readonly TurnCall[]): readonly CallOnWay[] | undefined {
  if (calls.length > MAX_TURN_CALLS) return undefined;
  const onWay: CallOnWay[] = [];
  for (const { actor, method, flight } of calls) {
    if (!flight) return undefined;
    const { request, to: silo } = flight;
    onWay.push({ actor, request, silo, method: method.slice(0, MAX_METHOD) });
  }
  return onWay;
}
