// One turn: runs a method, and makes of its end a result, and changes that are staged or rolled back (T3).
//   U1. A result is copied when its turn ends, before the next turn can change what it refers to.
//   U2. A result or a state that cannot be stored or travel fails the turn: nothing of it is staged.
//   U3. A keyed call's result is staged in the same save as its changes (R23). A thrown user error is such a result; an
//       error of the runtime that the method let through is not: the same key may still succeed.
import {
  type Actor,
  type ActorAddress,
  bodyValue,
  type CallContext,
  CallError,
  type CallResult,
  type ChainLink,
  type Clock,
  errorText,
  errorToRecord,
  isolate,
  MAX_CHAIN,
  NotSerializableError,
  type Random,
  STATE_PART,
  TenureError,
  valueBody,
} from "@tenure/core/internal";
import type { CommitPipeline, CommitRefused } from "./commit-pipeline.ts";
import { keyRecord, type KeyTable, recordedResult } from "./idempotency.ts";
import { type IncomingCall, refused } from "./incoming-call.ts";
import type { StateCell } from "./state-cell.ts";
import type { Turn, TurnTracker } from "./turn-context.ts";

export interface TurnRunnerDeps {
  readonly actor: Actor<unknown>;
  readonly address: ActorAddress;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: TurnTracker;
  readonly cell: StateCell | undefined;
  readonly commits: CommitPipeline | undefined;
  readonly keys: KeyTable | undefined;
  readonly exposeStacks: boolean;
  /** Set when the activation has been lost. */
  loss(): CommitRefused | undefined;
  fetchParts(names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface TurnOutcome {
  readonly result: CallResult;
  /** What must be durable before the result may be shown. */
  readonly barrier: Promise<void> | undefined;
  readonly turn: Turn | undefined;
}

type Method = (...args: readonly unknown[]) => unknown;

export class TurnRunner {
  readonly #d: TurnRunnerDeps;
  readonly #running = new Set<number>();

  constructor(deps: TurnRunnerDeps) {
    this.#d = deps;
  }

  /** Whether the link of a chain is a turn that runs here now. */
  runs(link: ChainLink): boolean {
    return this.#running.has(link.turn);
  }

  async call(call: IncomingCall): Promise<TurnOutcome> {
    const keyed = call.key !== undefined && call.method.mode === "write";
    let digest: Uint8Array | undefined;
    if (keyed) {
      const verdict = this.#checkKey(call, call.key!);
      if (verdict.kind === "answer") return done(verdict.result);
      if (verdict.kind === "recorded") return await this.#recorded(call.key!, verdict.bytes);
      digest = verdict.digest;
    }
    let args: readonly unknown[];
    try {
      // Besides a repeatable call's, the arguments may be needed again of one whose commit the store refuses (R24).
      const keep = call.repeatable || this.#d.commits !== undefined;
      args = bodyValue(call.args, keep) as readonly unknown[];
      if (!Array.isArray(args)) throw new TypeError("the arguments are not a list");
    } catch (error) {
      return done(refused("invalid", `the arguments cannot be decoded: ${errorText(error)}`));
    }
    if (call.chain.length >= MAX_CHAIN)
      return done(refused("deadlock", `the chain of calls is longer than ${MAX_CHAIN}`));

    const turn = this.#makeTurn(call);
    const method = (this.#d.actor as unknown as Record<string, Method>)[call.method.name]!;
    this.#running.add(call.request);
    let value: unknown;
    let threw = false;
    try {
      const returned = this.#d.turns.run(turn, () =>
        method.apply(this.#d.actor, args as unknown[]),
      );
      value = isThenable(returned) ? await returned : returned;
    } catch (error) {
      threw = true;
      value = error;
    }
    this.#running.delete(call.request);
    this.#d.turns.end(turn);
    return this.#endOfCall(call, turn, threw, value, digest);
  }

  /** A lifecycle hook, as a write turn. Answers what it threw, after rolling back. */
  async hook(
    name: "onActivate" | "onDeactivate",
    run: () => Promise<void> | void,
  ): Promise<{ readonly error: unknown } | undefined> {
    // A turn like any other in the chains of its calls: one that comes back here is a deadlock, not a wait.
    const request = this.#d.random.id48();
    const turn: Turn = {
      mode: "write",
      request,
      call: {
        method: name,
        caller: undefined,
        chain: [],
        deadline: undefined,
        idempotencyKey: undefined,
      },
      deadlineMs: Infinity,
      chain: [{ ...this.#d.address, method: name, turn: request }],
      outgoing: 0,
    };
    this.#running.add(request);
    try {
      const returned = this.#d.turns.run(turn, run);
      if (isThenable(returned)) await returned;
      this.#d.turns.end(turn);
      if (!this.#d.loss()) this.#stage(this.#d.cell?.commitPoint(false));
      return undefined;
    } catch (error) {
      this.#d.turns.end(turn);
      this.#d.cell?.rollback();
      return { error };
    } finally {
      this.#running.delete(request);
    }
  }

  #makeTurn(call: IncomingCall): Turn {
    const { clock, address } = this.#d;
    const link: ChainLink = { ...address, method: call.method.name, turn: call.request };
    const chain = [...call.chain, link];
    const last = call.chain.at(-1);
    const context: CallContext = {
      method: call.method.name,
      caller: last && { type: last.type, id: last.id },
      chain,
      deadline: clock.wallMs() + (call.deadlineMs - clock.monotonicMs()),
      idempotencyKey: call.key,
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

  #endOfCall(
    call: IncomingCall,
    turn: Turn,
    threw: boolean,
    value: unknown,
    digest: Uint8Array | undefined,
  ): TurnOutcome {
    const loss = this.#d.loss();
    if (loss) return { result: LOST, barrier: rejected(loss), turn };
    const write = call.method.mode === "write";
    const nowMs = this.#d.clock.wallMs();
    if (threw && write) this.#d.cell?.rollback();
    let result: CallResult;
    let record: Uint8Array | undefined;
    let state: Uint8Array | undefined;
    try {
      result = threw
        ? this.#threw(call, value)
        : { status: "ok", body: this.#resultBody(call, value) };
      if (digest && !(threw && value instanceof TenureError))
        record = keyRecord(digest, nowMs, result);
      if (write && !threw) state = this.#d.cell?.commitPoint(true);
    } catch (error) {
      if (write) this.#d.cell?.rollback();
      return done(unstorable(error, turn), turn);
    }
    const recorded = record && {
      key: call.key!,
      ...this.#d.keys!.record(call.key!, record, nowMs),
    };
    this.#stage(state, recorded);
    return { result, barrier: this.#d.commits?.barrier(), turn };
  }

  #stage(
    state: Uint8Array | undefined,
    recorded?: {
      readonly key: string;
      readonly put: readonly [string, Uint8Array];
      readonly del: readonly string[];
    },
  ): void {
    if (!state && !recorded) return;
    const committed = this.#d.commits!.stage({
      put: [...(state ? [[STATE_PART, state] as const] : []), ...(recorded ? [recorded.put] : [])],
      del: recorded?.del ?? [],
    });
    if (recorded)
      committed.then(
        () => this.#d.keys!.durable(recorded.key),
        () => undefined,
      );
  }

  #resultBody(call: IncomingCall, value: unknown): ReturnType<IncomingCall["snapshot"]> {
    if (typeof value === "object" && value !== null && Symbol.asyncIterator in value)
      throw new NotSerializableError(
        `result is an async iterable; streaming methods are not available in this version`,
        { outcome: "not-executed" },
      );
    // A read may answer with views of the state, which only this process can look through.
    const plain = this.#d.cell && call.method.mode !== "write" ? isolate(value, "result") : value;
    return call.snapshot(plain, "result");
  }

  #threw(call: IncomingCall, thrown: unknown): CallResult {
    const record = errorToRecord(thrown, { stack: this.#d.exposeStacks });
    try {
      return { status: "threw", body: call.snapshot(record, "error") };
    } catch {
      // Too large to travel: what it was still can.
      const { kind, name, message } = record;
      return { status: "threw", body: valueBody({ kind, name, message: message.slice(0, 1_000) }) };
    }
  }

  // ---- idempotency keys ------------------------------------------------------------------------------------------

  #checkKey(
    call: IncomingCall,
    key: string,
  ):
    | { readonly kind: "answer"; readonly result: CallResult }
    | { readonly kind: "recorded"; readonly bytes: Uint8Array | undefined }
    | { readonly kind: "new"; readonly digest: Uint8Array } {
    if (!this.#d.keys)
      return {
        kind: "answer",
        result: refused(
          "key-refused",
          `${this.#d.address.type} has no state to keep an idempotency key in; declare state: () => ({})`,
        ),
      };
    const verdict = this.#d.keys.check(key, call, this.#d.clock.wallMs());
    return verdict.kind === "refused" ? { kind: "answer", result: verdict.result } : verdict;
  }

  async #recorded(key: string, known: Uint8Array | undefined): Promise<TurnOutcome> {
    const name = `k/${key}`;
    let bytes = known;
    if (!bytes)
      try {
        bytes = (await this.#d.fetchParts([name])).get(name);
      } catch (error) {
        return done(
          refused("unavailable", `the recorded result cannot be read: ${errorText(error)}`),
        );
      }
    const result = bytes && recordedResult(bytes);
    if (!result)
      return done({
        status: "failed",
        code: "UNREADABLE_STATE",
        message: "the recorded result of the idempotency key is missing or damaged",
      });
    return { result, barrier: this.#d.commits?.barrier(), turn: undefined };
  }
}

const LOST: CallResult = { status: "failed", code: "FENCED", message: "the activation was lost" };

function done(result: CallResult, turn?: Turn): TurnOutcome {
  return { result, barrier: undefined, turn };
}

/** The turn ran and was rolled back: not executed only if none of its calls left (I11). */
function unstorable(error: unknown, turn: Turn): CallResult {
  const message = error instanceof Error ? error.message : errorText(error);
  const code = error instanceof CallError ? error.code : "NOT_SERIALIZABLE";
  if (turn.outgoing > 0) return { status: "failed", code, message };
  return refused(code === "INVALID_ARGUMENT" ? "invalid" : "not-serializable", message);
}

function rejected(error: Error): Promise<void> {
  const promise = Promise.reject<void>(error);
  promise.catch(() => undefined);
  return promise;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}
