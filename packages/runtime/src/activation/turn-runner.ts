// One turn: runs a method, and makes of its end a result, and changes that are staged or rolled back (T3).
//   U1. A result is copied when its turn ends, before the next turn can change what it refers to.
//   U2. A result or a state that cannot be stored or travel fails the turn: nothing of it is staged.
//   U3. A keyed call's result is staged in the same save as its changes (R23). A thrown user error is such a result; an
//       error of the runtime that the method let through is not: the same key may still succeed.
//       Nor is what a method throws that has been told to give up, by whatever error it says so.
//   U4. Arguments that a schema refuses reach neither interceptors nor the method. A schema that takes its time may let lease,
//       deadline and actor pass: before the method begins all of them are asked again.
//   U5. A turn ends after those that it let in (admission.ts, A2): none of them is committed or rolled back by halves.
import {
  type Actor,
  type ActorAddress,
  type Address,
  bodyArguments,
  bodyValue,
  type CallResult,
  type ChainLink,
  type Clock,
  errorText,
  InvalidArgumentError,
  type Interceptor,
  MAX_CHAIN,
  type Random,
} from "@tenure/core/internal";
import { checkedArguments } from "./checked-arguments.ts";
import { type Commit, CommitRefused, RefusedCommit } from "./commit.ts";
import { type IncomingCall, MOVED, refused } from "./incoming-call.ts";
import { runIntercepted } from "./intercepted-method.ts";
import { allEnded, enter } from "./inner-turns.ts";
import type { KeyDraft, KeyedCalls } from "./keyed-calls.ts";
import { type HookName, turnOfCall, turnOfHook } from "./make-turn.ts";
import { shows } from "./strict-reads.ts";
import type { StateChange, TurnCommits } from "./turn-commits.ts";
import type { Turn, TurnTracker } from "./turn-context.ts";
import { LOST, okResult, threwResult, unstorableResult } from "./turn-result.ts";

export interface TurnRunnerDeps {
  readonly actor: Actor<unknown>;
  readonly address: ActorAddress;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: TurnTracker;
  readonly stateful: boolean;
  readonly saves: TurnCommits;
  readonly keyed: KeyedCalls;
  readonly exposeStacks: boolean;
  /** Around every method, the first outermost; undefined when there are none. */
  readonly incoming: readonly Interceptor[] | undefined;
  /** Set when the activation has been lost. */
  readonly loss: CommitRefused | undefined;
}

export interface TurnOutcome {
  readonly result: CallResult;
  /** What must be durable before the result may be shown. */
  readonly barrier: Commit | undefined;
  /** A save of its own vouches for the result: that of the turn, or the one that recorded it before. */
  readonly saves: boolean;
  readonly turn: Turn | undefined;
}

/** Why a method must not begin now, if so. */
interface Gatekeeper {
  refusalNow(call: IncomingCall): CallResult | undefined;
}

/** What is needed at the end of a call's turn, if that takes its time. */
interface BegunTurn {
  readonly call: IncomingCall;
  readonly turn: Turn;
  readonly digest: Uint8Array | undefined;
  readonly end: (() => void) | undefined;
}

type Method = (...args: readonly unknown[]) => unknown;

export class TurnRunner {
  readonly #d: TurnRunnerDeps;

  constructor(deps: TurnRunnerDeps) {
    this.#d = deps;
  }

  /** The links of a chain that are turns which run here now, outermost first. */
  turnsOf(chain: readonly ChainLink[]): readonly Turn[] {
    if (chain.length === 0 || this.#d.turns.none) return NONE;
    const turns: Turn[] = [];
    for (const link of chain) {
      const turn = this.#d.turns.get(link.turn);
      if (turn) turns.push(turn);
    }
    return turns;
  }

  /** The turn that serves this call now. */
  turnOf(request: number): Turn | undefined {
    return this.#d.turns.get(request);
  }

  turns(): Iterable<Turn> {
    return this.#d.turns.all();
  }

  /** The sender of a call gives it up while it runs. */
  cancel(request: number, from: Address): void {
    const turn = this.#d.turns.get(request);
    if (turn?.from === from) turn.signal.cancel();
  }

  /** The actor is lost: nothing of any turn counts any more. */
  lose(reason: Error): void {
    for (const turn of this.turns()) turn.signal.abort(reason);
  }

  /**
   * At once, unless something takes its time: an await costs about as much as the rest of a short turn.
   */
  call(call: IncomingCall, gatekeeper: Gatekeeper): TurnOutcome | Promise<TurnOutcome> {
    if (call.key !== undefined || call.method.args) return this.#prepare(call, gatekeeper);
    const args = this.#argsOf(call);
    return isOutcome(args) ? args : this.#run(call, args, undefined);
  }

  async #prepare(call: IncomingCall, gatekeeper: Gatekeeper): Promise<TurnOutcome> {
    const admission = this.#d.keyed.admit(call);
    if (admission.kind === "refused") return done(admission.result);
    if (admission.kind === "recorded") {
      const result = await this.#d.keyed.recorded(admission);
      // It may show what is still on its way to the store.
      return shows(result)
        ? { ...done(result), barrier: this.#d.saves.barrier(), saves: true }
        : done(result);
    }
    let args = this.#argsOf(call);
    if (isOutcome(args)) return args;
    if (call.method.args) {
      const checking = checkedArguments(call.method.args, args);
      const checked = checking instanceof Promise ? await checking : checking;
      if (!checked.ok) return done(checked.refusal);
      if (checking instanceof Promise) {
        const loss = this.#d.loss;
        // Nothing of this call has run, whatever became of the actor.
        if (loss) return { ...done(MOVED), barrier: new RefusedCommit(nothingRan(loss)) };
        const refusal = gatekeeper.refusalNow(call);
        if (refusal) return done(refusal);
      }
      args = checked.args;
    }
    return await this.#run(call, args, admission.digest);
  }

  #run(
    call: IncomingCall,
    args: readonly unknown[],
    digest: Uint8Array | undefined,
  ): TurnOutcome | Promise<TurnOutcome> {
    if (call.chain.length >= MAX_CHAIN)
      return done(refused("deadlock", `the chain of calls is longer than ${MAX_CHAIN}`));
    const outer = call.method.mode === "interleave" ? NONE : this.turnsOf(call.chain);
    let inside: boolean;
    try {
      inside = outer.length > 0 && this.#d.saves.share(outer);
    } catch (error) {
      return done(unstorableResult(error, undefined));
    }

    const turn = turnOfCall(call, this.#d.clock);
    const end = inside ? enter(outer.at(-1)!) : undefined;
    const method = (this.#d.actor as unknown as Record<string, Method>)[call.method.name]!;
    let value: unknown;
    let threw = false;
    try {
      const { actor, incoming, turns } = this.#d;
      value = incoming
        ? this.#runIntercepted(incoming, call, turn, method, args)
        : turns.run(turn, method, actor, args);
    } catch (error) {
      threw = true;
      value = error;
    }
    return turn.inner || (!threw && isThenable(value))
      ? this.#awaited({ call, turn, digest, end }, threw, value)
      : this.#ended(call, turn, digest, end, threw, value);
  }

  async #awaited(
    { call, turn, digest, end }: BegunTurn,
    threwAtOnce: boolean,
    returned: unknown,
  ): Promise<TurnOutcome> {
    let threw = threwAtOnce;
    let value = returned;
    if (!threw && isThenable(returned))
      try {
        value = await returned;
      } catch (error) {
        threw = true;
        value = error;
      }
    if (turn.inner) await allEnded(turn.inner);
    return this.#ended(call, turn, digest, end, threw, value);
  }

  #ended(
    call: IncomingCall,
    turn: Turn,
    digest: Uint8Array | undefined,
    end: (() => void) | undefined,
    threw: boolean,
    value: unknown,
  ): TurnOutcome {
    this.#d.turns.end(turn);
    turn.end();
    const outcome = this.#endOfCall(call, turn, threw, value, digest);
    end?.();
    return outcome;
  }

  #argsOf(call: IncomingCall): readonly unknown[] | TurnOutcome {
    try {
      const args = this.#freshArgs(call);
      if (Array.isArray(args)) return args;
      throw new TypeError("the arguments are not a list");
    } catch (error) {
      return done(refused("invalid", `the arguments cannot be decoded: ${errorText(error)}`));
    }
  }

  #freshArgs(call: IncomingCall): readonly unknown[] {
    // Besides a repeatable call's, the arguments may be needed again of one whose commit the store refuses (R24), and of one
    // whose interceptors run it again.
    const { stateful, incoming } = this.#d;
    const keep = call.repeatable || stateful || incoming !== undefined;
    // A schema is given the list itself, and may change it. (The interceptors' is frozen.)
    return (call.method.args ? bodyValue : bodyArguments)(call.args, keep) as readonly unknown[];
  }

  // Apart from #run: a function in there would have every turn keep its places in an object.
  #runIntercepted(
    interceptors: readonly Interceptor[],
    call: IncomingCall,
    turn: Turn,
    method: Method,
    args: readonly unknown[],
  ): unknown {
    return this.#d.turns.run(turn, () => this.#intercepted(interceptors, call, turn, method, args));
  }

  #intercepted(
    interceptors: readonly Interceptor[],
    call: IncomingCall,
    turn: Turn,
    method: Method,
    args: readonly unknown[],
  ): Promise<unknown> {
    return runIntercepted(interceptors, call, turn, {
      args,
      run: (given) => method.apply(this.#d.actor, given as unknown[]),
      undo: () => {
        if (call.method.mode === "write" && !this.#d.loss) this.#d.saves.rollback();
      },
      freshArgs: async () => {
        const fresh = this.#freshArgs(call);
        if (!call.method.args) return fresh;
        const checked = await checkedArguments(call.method.args, fresh);
        if (checked.ok) return checked.args;
        throw new InvalidArgumentError(checked.refusal.message, { outcome: "not-executed" });
      },
    });
  }

  /** A lifecycle hook, as a write turn. Answers what it threw, after rolling back. */
  async hook(
    name: HookName,
    run: () => Promise<void> | void,
  ): Promise<{ readonly error: unknown } | undefined> {
    const request = this.#d.random.id48();
    const turn = turnOfHook(this.#d.address, name, request, this.#d.clock);
    try {
      const returned = this.#d.turns.run(turn, run);
      if (isThenable(returned)) await returned;
      if (turn.inner) await allEnded(turn.inner);
      this.#d.turns.end(turn);
      if (!this.#d.loss) this.#d.saves.stage(this.#d.saves.end(false, false));
      return undefined;
    } catch (error) {
      if (turn.inner) await allEnded(turn.inner);
      this.#d.turns.end(turn);
      this.#d.saves.rollback();
      return { error };
    } finally {
      turn.end();
    }
  }

  #endOfCall(
    call: IncomingCall,
    turn: Turn,
    threw: boolean,
    value: unknown,
    digest: Uint8Array | undefined,
  ): TurnOutcome {
    const loss = this.#d.loss;
    if (loss) return { result: LOST, barrier: new RefusedCommit(loss), saves: false, turn };
    const write = call.method.mode === "write";
    const { saves, keyed } = this.#d;
    if (threw && write) saves.rollback();
    let result: CallResult;
    let draft: KeyDraft | undefined;
    let change: StateChange | undefined;
    try {
      result = threw
        ? threwResult(call, value, this.#d.exposeStacks)
        : okResult(call, value, this.#d.stateful);
      const gaveUp = threw && turn.signal.aborted; // U3
      if (!gaveUp) draft = keyed.draft(call, digest, result, threw ? value : undefined);
      if (write && !threw) change = saves.end(draft !== undefined, true);
    } catch (error) {
      if (write) saves.rollback();
      return { ...done(unstorableResult(error, turn)), turn };
    }
    const saved = saves.stage(change, draft);
    return { result, barrier: saves.barrier(), saves: saved, turn };
  }
}

const NONE: readonly Turn[] = [];

/** Not by looking for `result`: that costs more than the rest of a short list. */
function isOutcome(args: readonly unknown[] | TurnOutcome): args is TurnOutcome {
  return !Array.isArray(args);
}

function done(result: CallResult): TurnOutcome {
  return { result, barrier: undefined, saves: false, turn: undefined };
}

/** The loss, as definitive as it is for a call whose method did not begin (R24). */
function nothingRan({ code, message, storedGeneration }: CommitRefused): CommitRefused {
  return new CommitRefused(code, message, true, storedGeneration);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}
