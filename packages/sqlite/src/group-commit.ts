// Group commit: the operations of one event-loop tick share one transaction, so they share one flush of the disk
// (Singular Update Queue: Joshi, Patterns of Distributed Systems).
//   G1. Operations run in the order in which they came, each seeing what those before it did.
//   G2. An operation is answered only after COMMIT. If that fails all of its tick reject, and nothing was applied.
//   G3. An operation that throws is undone and rejects alone.
import { StoreUnavailableError } from "@tenure/core/internal";
import type { ClusterHeader } from "./cluster-header.ts";
import type { SqlDatabase, SqlStatement } from "./driver.ts";

interface Waiting {
  readonly header: ClusterHeader;
  /** Reads and writes only tables and the header, so it can be run again after a rollback. */
  readonly step: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: StoreUnavailableError) => void;
}

type Outcome = { readonly answer: unknown } | { readonly error: StoreUnavailableError };

export class GroupCommit {
  readonly #sql: Readonly<
    Record<"begin" | "commit" | "rollback" | "mark" | "undo" | "unmark", SqlStatement>
  >;
  #waiting: Waiting[] = [];

  constructor(database: SqlDatabase) {
    this.#sql = {
      begin: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
      rollback: database.prepare("ROLLBACK"),
      mark: database.prepare("SAVEPOINT operation"),
      undo: database.prepare("ROLLBACK TO operation"),
      unmark: database.prepare("RELEASE operation"),
    };
  }

  run<T>(header: ClusterHeader, step: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ header, step, resolve, reject });
      // An immediate, not a microtask: it runs after every callback of this turn of the loop, so that more operations
      // share a flush, and alone it costs microseconds of a flush's hundreds.
      if (this.#waiting.length === 1) setImmediate(() => this.flush());
    });
  }

  /** Decides and commits all that waits, now. */
  flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    let outcomes: readonly Outcome[];
    try {
      outcomes = this.#commitOnce(batch);
    } catch (error) {
      const failure = unavailable("the commit failed and nothing of it was applied", error);
      for (const { reject } of batch) reject(failure);
      return;
    }
    for (const [i, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[i]!;
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.answer as never);
    }
  }

  #commitOnce(batch: readonly Waiting[]): readonly Outcome[] {
    try {
      return this.#transaction(batch, ({ step }) => ({ answer: step() }));
    } catch {
      // Operations hardly ever throw, so they do not pay for savepoints until one has. All of them are decided again.
      return this.#transaction(batch, (waiting) => this.#attempt(waiting));
    }
  }

  #transaction(
    batch: readonly Waiting[],
    decide: (waiting: Waiting) => Outcome,
  ): readonly Outcome[] {
    const headers = new Set(batch.map(({ header }) => header));
    try {
      this.#sql.begin.run();
      const outcomes = batch.map(decide);
      for (const header of headers) header.store();
      this.#sql.commit.run();
      for (const header of headers) header.committed();
      return outcomes;
    } catch (error) {
      this.#rollBack();
      for (const header of headers) header.rolledBack();
      throw error;
    }
  }

  #attempt({ header, step }: Waiting): Outcome {
    const before = header.state;
    this.#sql.mark.run();
    try {
      return { answer: step() };
    } catch (error) {
      // Where SQLite has rolled the whole transaction back by itself (disk full, I/O error), this throws: all reject.
      this.#sql.undo.run();
      header.state = before;
      return { error: unavailable("the operation failed", error) };
    } finally {
      this.#sql.unmark.run();
    }
  }

  #rollBack(): void {
    try {
      this.#sql.rollback.run();
    } catch {
      // There is nothing left to roll back: SQLite did it by itself, or BEGIN failed.
    }
  }
}

function unavailable(what: string, cause: unknown): StoreUnavailableError {
  if (cause instanceof StoreUnavailableError) return cause;
  return new StoreUnavailableError(`SQLite: ${what}: ${(cause as Error).message}`, cause);
}
