// A directory and its rows in the tables of one process: a claim and its load are one step (D8).
import type { ClaimedRow, Sequenced } from "./directory.ts";
import {
  claimIn,
  type DirectoryTables,
  TableDirectory,
  type TableDirectorySession,
  type TableSession,
  type Transact,
} from "./directory-tables.ts";
import { type ClaimRequest, ownershipRules, type OwnershipRules } from "./ownership-rules.ts";
import { loadFrom, type RowTables } from "./storage-tables.ts";

/** One cluster's directory and rows, as an atomic step sees them. */
export interface JointTables {
  readonly directory: DirectoryTables;
  readonly rows: RowTables;
}

export interface JointDirectorySession
  extends TableSession<JointTables>, Pick<TableDirectorySession, "startsOpen"> {}

export class JointDirectory extends TableDirectory {
  readonly #transact: Transact<JointTables>;
  readonly #rules: OwnershipRules;

  constructor(session: JointDirectorySession, rules: OwnershipRules = ownershipRules) {
    const { transact } = session;
    super({ ...session, transact: (step) => transact(({ directory }) => step(directory)) }, rules);
    this.#transact = transact;
    this.#rules = rules;
  }

  claimAndLoad(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimedRow[]>> {
    return this.whileOpen(() =>
      this.#transact((tables) =>
        requests.map((request) => claimAndLoadIn(tables, request, this.#rules)),
      ),
    );
  }
}

function claimAndLoadIn(
  { directory, rows }: JointTables,
  request: ClaimRequest,
  rules: OwnershipRules,
): ClaimedRow {
  const claim = claimIn(directory, request, rules);
  if (!claim.ok) return { claim, row: undefined };
  const { actor, token } = request;
  return { claim, row: loadFrom(rows, { actor, token, generation: claim.generation }, rules) };
}
