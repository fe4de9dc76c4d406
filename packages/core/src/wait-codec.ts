// Questions about waiting calls, and their answers, as tuples; checked as in message-codec.ts (D1).
import { actorId, actorType, address, int, MAX_METHOD, str } from "./checked-fields.ts";
import { GarbageError } from "./codec.ts";
import {
  type AskedCall,
  type CallOnWay,
  MAX_ASKED,
  MAX_BEHIND,
  MAX_TURN_CALLS,
  type RunningTurn,
  type WaitState,
} from "./waits.ts";

export function askedTuples(calls: readonly AskedCall[]): readonly unknown[] {
  return calls.map(({ request, actor }) => [request, actor.type, actor.id]);
}

export function askedCalls(value: unknown): readonly AskedCall[] {
  return list(value, "calls", MAX_ASKED, (t) => ({
    request: int(t[0], "request"),
    actor: { type: actorType(t[1]), id: actorId(t[2]) },
  }));
}

export function stateTuples(states: readonly WaitState[]): readonly unknown[] {
  return states.map((state) => {
    switch (state.kind) {
      case "moves":
        return ["moves"];
      case "runs":
        return ["runs", turnTuple(state.turn)];
      case "waits":
        return ["waits", state.behind.map(turnTuple)];
    }
  });
}

export function waitStates(value: unknown): readonly WaitState[] {
  return list(value, "states", MAX_ASKED, (t): WaitState => {
    switch (t[0]) {
      case "moves":
        return { kind: "moves" };
      case "runs":
        return { kind: "runs", turn: turnOf(t[1]) };
      case "waits":
        return { kind: "waits", behind: list(t[1], "turns", MAX_BEHIND, turnOf) };
      default:
        throw new GarbageError("unknown state of a call");
    }
  });
}

function turnTuple({ turn, method, made, calls }: RunningTurn): readonly unknown[] {
  return [
    turn,
    method,
    made,
    calls?.map((call) => [call.request, call.actor.type, call.actor.id, call.silo, call.method]) ??
      null,
  ];
}

function turnOf(value: unknown): RunningTurn {
  if (!Array.isArray(value)) throw new GarbageError("a turn is not a tuple");
  const t = value as readonly unknown[];
  return {
    turn: int(t[0], "turn"),
    method: str(t[1], "method", MAX_METHOD),
    made: int(t[2], "made"),
    calls: t[3] === null ? undefined : list(t[3], "calls", MAX_TURN_CALLS, callOnWay),
  };
}

function callOnWay(t: readonly unknown[]): CallOnWay {
  return {
    request: int(t[0], "request"),
    actor: { type: actorType(t[1]), id: actorId(t[2]) },
    silo: address(t[3]),
    method: str(t[4], "method", MAX_METHOD),
  };
}

function list<T>(
  value: unknown,
  what: string,
  most: number,
  item: (tuple: readonly unknown[]) => T,
): readonly T[] {
  if (!Array.isArray(value) || value.length > most)
    throw new GarbageError(`${what} are not a list of at most ${most}`);
  return value.map((each: unknown) => {
    if (!Array.isArray(each)) throw new GarbageError(`one of the ${what} is not a tuple`);
    return item(each as readonly unknown[]);
  });
}
