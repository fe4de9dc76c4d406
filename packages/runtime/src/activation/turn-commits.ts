// What of a turn is saved, and when.
//   K1. A write turn's changes are staged at its end; in a class with explicit commits where ctx.commit() says so, and at the end
//       of a keyed call, together with its result (R23).
//   K2. A throw takes back what was changed since the last commit point, but where turns run beside each other at will:
//       nothing of what has changed is just that turn's.
//   K3. Before a turn lets another of its chain in, what it has changed so far is staged: a throw of the inner one takes back
//       nothing of it, and the inner one's reply shows nothing that a throw of the outer one could take back. With explicit
//       commits, only what ctx.commit() saved is safe from either.
//   K4. A keyed call commits once, at its end. (That it lets none in, admission.ts sees to.)
//   K5. ctx.clear() is a change like any other: it is saved, or taken back, with the others of its turn.
import {
  firstState,
  type StateSource,
  STATE_PART,
  TenureError,
  type TurnOptions,
} from "@tenure/core/internal";
import type { CommitPipeline } from "./commit-pipeline.ts";
import type { Commit } from "./commit.ts";
import type { KeyDraft, KeyedCalls } from "./keyed-calls.ts";
import type { LostActor } from "./lost-actor.ts";
import { ReadOnlyStateError } from "./readonly-view.ts";
import type { StateCell } from "./state-cell.ts";
import type { Turn, TurnTracker } from "./turn-context.ts";

export interface TurnCommitsDeps {
  readonly type: string;
  readonly options: TurnOptions;
  /** These three of an actor with state. */
  readonly cell: StateCell | undefined;
  readonly source: StateSource | undefined;
  readonly commits: CommitPipeline | undefined;
  readonly keyed: KeyedCalls;
  readonly turns: TurnTracker;
  readonly lost: LostActor;
  running(): Iterable<Turn>;
}

/** What a commit point found to be saved. */
export interface StateChange {
  readonly bytes: Uint8Array | undefined;
  /** What was stored before is forgotten, keys included. */
  readonly forgets: boolean;
}

const NONE: readonly never[] = [];

export class TurnCommits {
  readonly #d: TurnCommitsDeps;

  constructor(deps: TurnCommitsDeps) {
    this.#d = deps;
  }

  /** Everything that was staged until now is durable; undefined when all of it is. */
  barrier(): Commit | undefined {
    return this.#d.commits?.barrier();
  }

  /**
   * The end of a turn: what it is to save, if it is to save anything. `first`: also a first state that nothing has changed.
   * @throws when the state cannot be stored; the caller then rolls back.
   */
  end(keyed: boolean, first: boolean): StateChange | undefined {
    return this.#d.options.commit === "explicit" && !keyed ? undefined : this.#point(first);
  }

  rollback(): void {
    if (this.#d.options.reentrancy !== "full") this.#d.cell?.rollback();
  }

  /**
   * A turn of the chain of these is about to begin inside of them (K3). Answers whether they must not end before it does.
   * @throws when the state cannot be stored
   */
  share(outer: readonly Turn[]): boolean {
    const { commit, reentrancy } = this.#d.options;
    if (reentrancy !== "chain") return false;
    if (commit === "turn" && outer.some(({ mode }) => mode === "write"))
      this.stage(this.#point(true));
    return true;
  }

  /**
   * Adds what a turn changed, and its key's result, to the next save. Answers whether there was anything. Of write turns that
   * still run, the save has what they have changed so far.
   */
  stage(change: StateChange | undefined, draft?: KeyDraft): boolean {
    if (!change && !draft) return false;
    const { keyed, commits } = this.#d;
    if (change) for (const turn of this.#d.running()) if (turn.mode === "write") turn.staged = true;
    if (change?.bytes && !change.forgets && !draft) {
      commits!.stagePart(STATE_PART, change.bytes);
      return true;
    }
    const forgotten = change?.forgets ? keyed.forgetAll() : NONE;
    const recorded = draft && keyed.enter(draft);
    const state = change?.bytes ? [[STATE_PART, change.bytes] as const] : NONE;
    const put = [...state, ...(recorded?.put ?? NONE)];
    const del = [...forgotten, ...(recorded?.del ?? NONE)];
    if (change?.forgets && !change.bytes) del.push(STATE_PART);
    const kept = new Set(put.map(([name]) => name));
    const committed = commits!.stage({ put, del: del.filter((name) => !kept.has(name)) });
    if (recorded)
      committed.tell((refusal) => {
        if (!refusal) recorded.durable();
      });
    return true;
  }

  /** `ctx.commit()`. */
  async commit(): Promise<void> {
    const turn = this.#writeTurn("ctx.commit");
    if (turn.call.idempotencyKey !== undefined)
      throw new TenureError(
        "KEYED_COMMIT",
        "ctx.commit: a call with an idempotency key commits once, at its end, so that its effect and its key are saved together; leave commit() out when ctx.call.idempotencyKey is there",
      );
    this.stage(this.#point(true));
    try {
      await this.barrier()?.done;
    } catch {
      throw this.#d.lost.error("ctx.commit");
    }
  }

  /** `ctx.clear()`. */
  async clear(): Promise<void> {
    const turn = this.#writeTurn("ctx.clear");
    const first = firstState(this.#d.source!);
    const made = first instanceof Promise ? await first : first;
    // A schema took its time: nothing is as it was.
    if (first instanceof Promise && this.#writeTurn("ctx.clear") !== turn)
      throw new TenureError("NO_TURN", "ctx.clear: the turn has ended; await it");
    if (!made.ok) throw new TenureError("NO_FIRST_STATE", `ctx.clear: ${made.problem}`);
    this.#d.cell!.clear(made.make);
  }

  #point(first: boolean): StateChange | undefined {
    const { cell } = this.#d;
    if (!cell) return undefined;
    const bytes = cell.commitPoint(first);
    const forgets = cell.takeForgets();
    return bytes || forgets ? { bytes, forgets } : undefined;
  }

  #writeTurn(what: string): Turn {
    const { cell, lost, turns, type } = this.#d;
    lost.refuse(what);
    if (!cell)
      throw new TypeError(`${what}: ${type} has no state; declare it with state: () => (…)`);
    const turn = turns.current();
    if (turn?.mode !== "write") throw new ReadOnlyStateError(what);
    return turn;
  }
}
