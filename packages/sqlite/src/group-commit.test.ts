// Group commit against a real database, with a commit that can be made to fail.
import { StoreUnavailableError } from "@tenure/core/internal";
import { beforeEach, expect, test } from "vitest";
import { ClusterHeader } from "./cluster-header.ts";
import { loadDriver, type SqlDatabase, type SqlStatement } from "./driver.ts";
import { GroupCommit } from "./group-commit.ts";
import { SCHEMA } from "./schema.ts";

interface Rig {
  readonly commits: GroupCommit;
  readonly header: ClusterHeader;
  /** How many transactions were begun and committed. */
  readonly counts: { begun: number; committed: number };
  failingCommits: number;
  insert(n: number): void;
  stored(): number[];
}

let rig: Rig;

beforeEach(async () => {
  const database = (await loadDriver()).open(":memory:");
  database.exec(SCHEMA);
  database.exec("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT");
  const insert = database.prepare("INSERT INTO t VALUES (?)");
  const counts = { begun: 0, committed: 0 };
  const watched: SqlDatabase = {
    ...database,
    prepare: (sql) => {
      const statement = database.prepare(sql);
      if (sql === "BEGIN IMMEDIATE") return before(statement, () => (counts.begun += 1));
      if (sql !== "COMMIT") return statement;
      return before(statement, () => {
        if (made.failingCommits > 0) {
          made.failingCommits -= 1;
          throw new Error("disk I/O error");
        }
        counts.committed += 1;
      });
    },
  };
  const made: Rig = {
    commits: new GroupCommit(watched),
    header: new ClusterHeader(database, "cluster"),
    counts,
    failingCommits: 0,
    insert: (n) => {
      insert.run(n);
      made.header.wrote({ counter: n });
    },
    stored: () =>
      database
        .prepare("SELECT n FROM t ORDER BY n")
        .all()
        .map((row) => Number(row["n"])),
  };
  rig = made;
});

function before(statement: SqlStatement, first: () => void): SqlStatement {
  return {
    ...statement,
    run: (...values) => {
      first();
      statement.run(...values);
    },
  };
}

/** An operation that inserts n and answers all that is there. */
function put(n: number): Promise<number[]> {
  return rig.commits.run(rig.header, () => {
    rig.insert(n);
    return rig.stored();
  });
}

test("the operations of one tick are decided in order, in one transaction (G1)", async () => {
  const answers = await Promise.all([put(1), put(2), put(3)]);
  expect(answers).toEqual([[1], [1, 2], [1, 2, 3]]);
  expect(rig.counts).toEqual({ begun: 1, committed: 1 });
  await put(4);
  expect(rig.counts).toEqual({ begun: 2, committed: 2 });
});

test("nothing is answered before the commit (G2)", async () => {
  const committedAtAnswer = put(1).then(() => rig.counts.committed);
  expect(rig.counts).toEqual({ begun: 0, committed: 0 });
  rig.commits.flush();
  expect(await committedAtAnswer).toBe(1);
});

test("when the commit fails all reject and nothing is applied (G2)", async () => {
  await put(1);
  const { state } = rig.header;
  rig.failingCommits = 2;
  const answers = await Promise.allSettled([put(2), put(3)]);
  for (const answer of answers)
    expect(answer).toMatchObject({
      status: "rejected",
      reason: expect.any(StoreUnavailableError),
    });
  expect(rig.stored()).toEqual([1]);
  expect(rig.header.state).toBe(state);
  expect(await put(4)).toEqual([1, 4]);
});

test("a commit that fails once is made again, and all of it decided anew (G2)", async () => {
  rig.failingCommits = 1;
  expect(await Promise.all([put(1), put(2)])).toEqual([[1], [1, 2]]);
  expect(rig.header.state).toMatchObject({ counter: 2, sequence: 2 });
  expect(rig.counts).toEqual({ begun: 2, committed: 1 });
});

test("an operation that throws is undone and rejects alone (G3)", async () => {
  const broken = rig.commits.run(rig.header, () => {
    rig.insert(90);
    throw new TypeError("a bug");
  });
  const answers = await Promise.allSettled([put(1), broken, put(2)]);
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(answers[1]).toMatchObject({
    reason: { code: "STORE_UNAVAILABLE", cause: expect.any(TypeError) },
  });
  expect(rig.stored()).toEqual([1, 2]);
  expect(rig.header.state).toMatchObject({ counter: 2, sequence: 2 });
});

test("the header is stored with the commit that changed it", async () => {
  await put(7);
  const answer = await rig.commits.run(rig.header, () => rig.header.state);
  expect(answer).toMatchObject({ counter: 7, sequence: 1 });
});
