// What a turn is from its beginning: of a call, or of a lifecycle hook.
import {
  type ActorAddress,
  type CallContext,
  type ChainLink,
  type Clock,
  NO_HEADERS,
} from "@tenure/core/internal";
import type { IncomingCall } from "./incoming-call.ts";
import type { Turn } from "./turn-context.ts";

export type HookName = "onActivate" | "onDeactivate";

export function turnOfCall(call: IncomingCall, clock: Clock): Turn {
  const link: ChainLink = { ...call.actor, method: call.method.name, turn: call.request };
  const chain = [...call.chain, link];
  const last = call.chain.at(-1);
  const context: CallContext = {
    method: call.method.name,
    caller: last && { type: last.type, id: last.id },
    chain,
    deadline: clock.wallMs() + (call.deadlineMs - clock.monotonicMs()),
    idempotencyKey: call.key,
    headers: call.headers ?? NO_HEADERS,
  };
  return {
    mode: call.method.mode,
    request: call.request,
    call: context,
    deadlineMs: call.deadlineMs,
    chain,
    outgoing: 0,
  };
}

/** A turn like any other in the chains of its calls: one that comes back here is a deadlock, not a wait. */
export function turnOfHook(actor: ActorAddress, method: HookName, request: number): Turn {
  return {
    mode: "write",
    request,
    call: {
      method,
      caller: undefined,
      chain: [],
      deadline: undefined,
      idempotencyKey: undefined,
      headers: NO_HEADERS,
    },
    deadlineMs: Infinity,
    chain: [{ ...actor, method, turn: request }],
    outgoing: 0,
  };
}
