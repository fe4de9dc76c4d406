// Calls with outgoing interceptors: what was asked for is one call (the outer one), and each next() makes another (an inner one).
//   K1. The outer call ends as every call does: with its interceptors' answer, or before, by its time, its caller, its client.
//   K2. Its outcome covers its inner calls: 'not-executed' only if none of them may have run (I11).
//   K3. A caller's calls to one actor leave in the order in which they were made (V2), whatever their interceptors wait for:
//       a next() waits for those of earlier calls, until they are said or their calls have ended.
//   K4. Interceptors see a copy of the arguments, made when the call was; what goes on is a copy again (V1).
//   K5. Each inner call is a call of its own: its gate is asked, it has its own attempts, and it counts as open (V6). Only the
//       first finds room without asking: the outer one has asked.
import {
  type Body,
  bodyValue,
  CallError,
  type Clock,
  InOrder,
  intercept,
  type InterceptedCall,
  type Interceptor,
  NO_HEADERS,
  TenureError,
} from "@tenure/core/internal";
import type { OpenCalls } from "./open-calls.ts";
import { nameOf, type OutgoingCall } from "./outgoing-call.ts";

export interface InterceptedHost {
  readonly clock: Clock;
  readonly open: OpenCalls;
  copyArguments(actorKey: string, args: readonly unknown[]): Body;
  /** @throws OverloadedError */
  refuseTooMany(call: OutgoingCall): void;
  /** Sends the first attempt of a call. */
  leave(call: OutgoingCall): void;
}

export class InterceptedCalls {
  readonly #host: InterceptedHost;
  readonly #order = new InOrder();

  constructor(host: InterceptedHost) {
    this.#host = host;
  }

  /** Lanes in which calls wait for their interceptors. */
  get held(): number {
    return this.#order.size;
  }

  /** Takes a call that is open, and sees it through its interceptors. */
  run(call: OutgoingCall, interceptors: readonly Interceptor[]): void {
    const { open } = this.#host;
    const place = this.#order.enter(call.lane);
    call.intercepted = { inner: new Set(), place };
    const waiting: OutgoingCall[] = [];
    let passed = false;
    const depart = (inner: OutgoingCall): void => {
      if (passed) {
        this.#host.leave(inner);
        return;
      }
      waiting.push(inner);
      if (waiting.length > 1) return;
      place.ready(() => {
        passed = true;
        for (const each of waiting.splice(0)) if (!each.done) this.#host.leave(each);
      }); // K3
    };
    let calls = 0;
    intercept(interceptors, this.#seen(call), async (changed) => {
      calls += 1;
      if (call.done)
        throw new TenureError("CALL_ENDED", `${nameOf(call)}: next() after the call has ended`);
      if (calls > 1) this.#host.refuseTooMany(call); // K5
      return await this.#again(call, changed, depart);
    }).then(
      (value) => {
        if (!call.done) open.resolve(call, value);
      },
      (error: unknown) => {
        if (!call.done) open.reject(call, error);
      },
    );
  }

  #again(
    call: OutgoingCall,
    { args, headers }: InterceptedCall,
    depart: (inner: OutgoingCall) => void,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { inner: open } = call.intercepted!;
      // All that an outer call never uses is as it was made.
      const inner: OutgoingCall = {
        ...call,
        args: this.#host.copyArguments(call.actorKey, args), // K4
        headers: headers === NO_HEADERS ? undefined : headers,
        gate: call.origin?.gate(),
        intercepted: undefined,
        onAbort: undefined,
        maybeRan: false,
        lastFailure: undefined,
        answer: {
          resolve: (value) => {
            open.delete(inner);
            call.maybeRan = true; // K2
            call.lastFailure = undefined;
            resolve(value);
          },
          reject: (error) => {
            open.delete(inner);
            call.maybeRan ||= !(error instanceof CallError && error.outcome === "not-executed");
            call.lastFailure = inner.lastFailure;
            reject(error);
          },
        },
      };
      open.add(inner);
      this.#host.open.add(inner);
      if (!inner.done) depart(inner);
    });
  }

  #seen(call: OutgoingCall): InterceptedCall {
    const { chain } = call;
    const caller = chain.at(-1);
    return {
      actor: { type: call.actor.type, id: call.actor.id },
      method: call.method,
      args: Object.freeze(bodyValue(call.args) as unknown[]),
      headers: call.headers ?? NO_HEADERS,
      caller: caller && { type: caller.type, id: caller.id },
      chain,
      deadline: this.#host.clock.wallMs() + call.timeoutMs,
      signal: call.signal,
      idempotencyKey: call.key,
    };
  }
}
