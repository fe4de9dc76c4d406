// What a cluster has one of: its sentinel, the highest generation granted, the sequence. Kept in memory, because this
// process holds the file, and written once per commit.
import type { Sentinel } from "@tenure/core/internal";
import type { SqlDatabase, SqlStatement } from "./driver.ts";

export interface HeaderState {
  readonly storeId: string | undefined;
  readonly open: boolean;
  readonly counter: number;
  readonly sequence: number;
}

export class ClusterHeader {
  readonly id: number;
  /** What this transaction makes of it: replaced, never changed in place, so that a mark is a reference. */
  state: HeaderState;
  #committed: HeaderState;
  readonly #update: SqlStatement;

  constructor(database: SqlDatabase, name: string) {
    database.prepare("INSERT INTO clusters (name) VALUES (?) ON CONFLICT DO NOTHING").run(name);
    const row = database.prepare("SELECT * FROM clusters WHERE name = ?").get(name)!;
    this.id = Number(row["id"]);
    this.state = this.#committed = {
      storeId: (row["store_id"] as string | null) ?? undefined,
      open: row["open"] === 1,
      counter: Number(row["counter"]),
      sequence: Number(row["sequence"]),
    };
    this.#update = database.prepare(
      "UPDATE clusters SET store_id = ?, open = ?, counter = ?, sequence = ? WHERE id = ?",
    );
  }

  get sentinel(): Sentinel | undefined {
    const { storeId, open } = this.state;
    return storeId === undefined ? undefined : { storeId, open };
  }

  /** A record was written: the store's sequence moves. */
  wrote(changes: Partial<HeaderState> = {}): void {
    this.state = { ...this.state, ...changes, sequence: this.state.sequence + 1 };
  }

  /** Writes what has changed, inside the transaction. */
  store(): void {
    if (this.state === this.#committed) return;
    const { storeId, open, counter, sequence } = this.state;
    this.#update.run(storeId ?? null, open ? 1 : 0, counter, sequence, this.id);
  }

  committed(): void {
    this.#committed = this.state;
  }

  rolledBack(): void {
    this.state = this.#committed;
  }
}
