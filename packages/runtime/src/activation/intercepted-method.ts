// A method with incoming interceptors, inside its turn: the turn ends when the outermost interceptor has ended, with what it
// answers or throws.
//   I1. next() runs the method, in this turn: a second time when it is said a second time, then with the arguments as they
//       came. Never beside itself, and never when the turn has ended.
//   I2. A method that throws changes nothing (T3), also when an interceptor makes something else of it: the state goes back
//       to the turn's commit point before the interceptor goes on.
//   I3. The method, and the calls that it makes, have the headers that its own next() was given.
import {
  intercept,
  type InterceptedCall,
  type Interceptor,
  TenureError,
} from "@tenure/core/internal";
import type { IncomingCall } from "./incoming-call.ts";
import { setHeaders } from "./make-turn.ts";
import type { Turn } from "./turn-context.ts";

export interface InterceptedMethod {
  readonly args: readonly unknown[];
  /** Runs the method. */
  run(args: readonly unknown[]): unknown;
  /** Undoes what a run that threw has changed of the state. */
  undo(): void;
  /** The arguments as they came, and as the method's schema has them, which no run has touched. */
  freshArgs(): Promise<readonly unknown[]>;
}

export async function runIntercepted(
  interceptors: readonly Interceptor[],
  call: IncomingCall,
  turn: Turn,
  method: InterceptedMethod,
): Promise<unknown> {
  const args = Object.freeze(method.args);
  let state: "before" | "running" | "ran" | "over" = "before";
  const refuseUnless = (allowed: boolean, problem: string): void => {
    if (!allowed)
      throw new TenureError("NEXT_REFUSED", `${call.actor.type}.${call.method.name}: ${problem}`);
  };
  // The turn may have ended while the method ran: an interceptor need not wait for what it has begun.
  const isRunning = (): boolean => state === "running";
  const run = async (changed: InterceptedCall): Promise<unknown> => {
    refuseUnless(state !== "over", "next() after the turn has ended");
    refuseUnless(state !== "running", "next() while the method runs");
    const again = state === "ran";
    state = "running";
    if (changed.headers !== turn.call.headers) setHeaders(turn, changed.headers); // I3
    try {
      const given = again && changed.args === args ? await method.freshArgs() : changed.args; // I1
      refuseUnless(isRunning(), "next() after the turn has ended");
      return await method.run(given);
    } catch (error) {
      if (isRunning()) method.undo(); // I2
      throw error;
    } finally {
      if (isRunning()) state = "ran";
    }
  };
  const { caller, chain, deadline, idempotencyKey, headers } = turn.call;
  const seen: InterceptedCall = {
    actor: call.actor,
    method: call.method.name,
    args,
    headers,
    caller,
    chain: chain.slice(0, -1),
    deadline: deadline ?? Infinity,
    get signal(): AbortSignal {
      return turn.call.signal;
    },
    idempotencyKey,
  };
  try {
    return await intercept(interceptors, seen, run);
  } finally {
    state = "over";
  }
}
