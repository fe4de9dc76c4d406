// What is sent: one statement per operation, for a whole batch. Each answers the sequence in every row it returns.
import {
  type ActorAddress,
  assert,
  decodeActorKey,
  encodeActorKey,
  type Sequenced,
} from "@tenure/core/internal";
import type { PostgresConnections } from "./connections.ts";
import type { SqlRow, Statement } from "./sql.ts";

/** No cluster has a colon in its name. */
export function keyOf(cluster: string, actor: ActorAddress): string {
  return `${cluster}:${encodeActorKey(actor)}`;
}

export function actorOf(key: string): ActorAddress {
  return decodeActorKey(key.slice(key.indexOf(":") + 1));
}

const calling = (name: string, types: string): Statement => ({
  name: `tenure_${name}_1`,
  text: `SELECT store_sequence() AS sequence, f.* FROM ${name}(${types
    .split(" ")
    .map((type, i) => `$${i + 1}::${type}`)
    .join(", ")}) AS f`,
});

export const REGISTER: Statement = calling(
  "register",
  "text text json json json bigint text boolean",
);
export const RENEW: Statement = calling("renew", "text text bigint float8 text");
export const MARK_DEAD: Statement = calling("mark_dead", "text text bigint bigint");
export const SWEEP: Statement = calling("sweep", "text text");
export const OPEN: Statement = calling("open_directory", "text text");
export const CLAIM: Statement = calling(
  "claim",
  "text text[] text[] text[] text[] bigint[] text[]",
);
export const RELEASE: Statement = calling("release", "text[] text[]");
export const LOAD: Statement = calling("load", "text text[] int[] bigint[] text[] int[] bigint");
export const SAVE: Statement = calling(
  "save",
  "text[] bigint[] text[] text[] text[] float8[] int[] int[] bytea[] bytea[] int[] bytea[] bigint",
);

export const MEMBERS: Statement = {
  name: "tenure_members_1",
  text: `SELECT store_sequence() AS sequence, c.store_id, c.open, m.incarnation, member_problem(m) AS problem,
      member_json(m) AS member
    FROM (SELECT $1::text COLLATE "C" AS cluster) AS q
    LEFT JOIN clusters c ON c.cluster = q.cluster
    LEFT JOIN members m ON m.cluster = q.cluster AND m.listed
    ORDER BY m.incarnation`,
};

export const LOOKUP: Statement = {
  name: "tenure_lookup_1",
  text: `SELECT store_sequence() AS sequence, a.item, entry_problem(e) AS problem,
      CASE WHEN e.key IS NOT NULL THEN entry_json(e) END AS entry
    FROM unnest($1::text[]) WITH ORDINALITY AS a (key, item)
    LEFT JOIN entries e ON e.key = a.key
    ORDER BY a.item`,
};

export const VERIFY: Statement = {
  name: "tenure_verify_1",
  text: `SELECT store_sequence() AS sequence, a.item,
      coalesce(r.format <= $4::bigint AND row_problem(r, $4::bigint) IS NULL
        AND r.generation = a.generation AND r.token = a.token, false) AS held
    FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY AS a (key, generation, token, item)
    LEFT JOIN rows r ON r.key = a.key
    ORDER BY a.item`,
};

export const PARTS: Statement = {
  name: "tenure_parts_1",
  text: `SELECT store_sequence() AS sequence, p.name, p.bytes
    FROM unnest($2::bytea[]) AS a (name)
    JOIN parts p ON p.key = $1 AND p.name = a.name`,
};

export const DUE_BEFORE: Statement = {
  name: "tenure_due_before_1",
  text: `SELECT store_sequence() AS sequence, r.key, r.due FROM rows r
    WHERE r.cluster = $1 AND r.bucket = $2 AND r.due <= $3 ORDER BY r.due LIMIT $4`,
};

const SEQUENCE: Statement = {
  name: "tenure_sequence_1",
  text: "SELECT store_sequence() AS sequence",
};

/** Asks for one answer. */
export async function askOne<T>(
  connections: PostgresConnections,
  statement: Statement,
  values: readonly unknown[],
  read: (row: SqlRow) => T,
): Promise<Sequenced<T>> {
  const [row] = await connections.ask(statement, values);
  assert(row !== undefined, "a function answers", { statement: statement.name });
  return { sequence: Number(row["sequence"]), answer: read(row) };
}

/** Asks for an answer per request; `values` are not needed where there is none. Rows come in any order, by `item`. */
export async function askEach<Request, T>(
  connections: PostgresConnections,
  statement: Statement,
  requests: readonly Request[],
  values: () => readonly unknown[],
  read: (rows: readonly SqlRow[], request: Request) => T,
): Promise<Sequenced<readonly T[]>> {
  if (requests.length === 0) return await askOne(connections, SEQUENCE, [], () => []);
  const rows = await connections.ask(statement, values());
  const byItem: SqlRow[][] = requests.map(() => []);
  for (const row of rows) byItem[Number(row["item"]) - 1]?.push(row);
  const sequence = rows[0] ? rows[0]["sequence"] : await sequenceOf(connections);
  return {
    sequence: Number(sequence),
    answer: requests.map((request, i) => read(byItem[i]!, request)),
  };
}

async function sequenceOf(connections: PostgresConnections): Promise<unknown> {
  const [row] = await connections.ask(SEQUENCE, []);
  return row?.["sequence"];
}
