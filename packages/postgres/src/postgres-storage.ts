// The storage on PostgreSQL: requests become arguments, rows become answers; the functions decide.
import {
  type ActorAddress,
  assert,
  dueBucket,
  encodeActorKey,
  type LoadAnswer,
  type LoadRequest,
  type PartsRequest,
  type PortEnvironment,
  ROW_FORMAT,
  type SaveAnswer,
  type SaveRequest,
  type Sequenced,
  type Storage,
} from "@tenure/core/internal";
import { byteaArray } from "./binary-array.ts";
import { connectPostgres, type PostgresConnections } from "./connections.ts";
import { type SqlRow, textOf } from "./sql.ts";
import { unknownAnswer } from "./directory-replies.ts";
import type { ResolvedPostgresOptions } from "./options.ts";
import { actorOf, askEach, DUE_BEFORE, keyOf, LOAD, PARTS, SAVE, VERIFY } from "./statements.ts";

/** A value has at most 1 GB, and an answer writes each byte as two digits into one buffer of at most that. */
const MAX_STATE_BYTES = 64 * 1_024 * 1_024;

export async function openPostgresStorage(
  options: ResolvedPostgresOptions,
  environment: PortEnvironment,
): Promise<Storage> {
  const rows = await connectPostgres(options, "rows", options.connections, environment);
  return new PostgresStorage(environment.cluster, rows);
}

class PostgresStorage implements Storage {
  readonly durability: string;
  readonly maxStateBytes: number = MAX_STATE_BYTES;
  readonly #cluster: string;
  readonly #rows: PostgresConnections;

  constructor(cluster: string, rows: PostgresConnections) {
    this.durability = rows.durability;
    this.#cluster = cluster;
    this.#rows = rows;
  }

  async load(requests: readonly LoadRequest[]): Promise<Sequenced<readonly LoadAnswer[]>> {
    const values = (): unknown[] => {
      const keys = this.#keysOf(requests);
      return [
        this.#cluster,
        keys,
        requests.map(({ actor }) => dueBucket(encodeActorKey(actor))),
        requests.map(({ generation }) => generation),
        requests.map(({ token }) => token),
        roundsOf(keys),
        ROW_FORMAT,
      ];
    };
    return await askEach(this.#rows, LOAD, requests, values, readLoad);
  }

  async save(requests: readonly SaveRequest[]): Promise<Sequenced<readonly SaveAnswer[]>> {
    return await askEach(this.#rows, SAVE, requests, () => this.#saveValues(requests), readSave);
  }

  async verify(requests: readonly LoadRequest[]): Promise<Sequenced<readonly boolean[]>> {
    const values = (): unknown[] => [
      this.#keysOf(requests),
      requests.map(({ generation }) => generation),
      requests.map(({ token }) => token),
      ROW_FORMAT,
    ];
    return await askEach(
      this.#rows,
      VERIFY,
      requests,
      values,
      ([row]) => row !== undefined && row["held"] === true,
    );
  }

  async parts({ actor, names }: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>> {
    const wanted = byteaArray(names.map(nameBytes));
    const rows = await this.#rows.ask(PARTS, [keyOf(this.#cluster, actor), wanted]);
    return new Map(rows.map((row) => [nameOf(row["name"]), bytesOf(row["bytes"])]));
  }

  async dueBefore(
    bucket: number,
    time: number,
    limit: number,
  ): Promise<readonly { readonly actor: ActorAddress; readonly due: number }[]> {
    const rows = await this.#rows.ask(DUE_BEFORE, [this.#cluster, bucket, time, limit]);
    return rows.map((row) => ({
      actor: actorOf(textOf(row["key"])),
      due: Number(row["due"]),
    }));
  }

  async close(): Promise<void> {
    await this.#rows.close();
  }

  #keysOf(requests: readonly { readonly actor: ActorAddress }[]): string[] {
    return requests.map(({ actor }) => keyOf(this.#cluster, actor));
  }

  #saveValues(requests: readonly SaveRequest[]): unknown[] {
    const keys = this.#keysOf(requests);
    const putItems: number[] = [];
    const putNames: Uint8Array[] = [];
    const putBytes: Uint8Array[] = [];
    const delItems: number[] = [];
    const delNames: Uint8Array[] = [];
    for (const [i, { put, del, due }] of requests.entries()) {
      // The index would take it, and never list it.
      assert(due === undefined || Number.isFinite(due), "a due time is a finite number", { due });
      for (const [name, bytes] of put) {
        putItems.push(i + 1);
        putNames.push(nameBytes(name));
        putBytes.push(bytes);
      }
      for (const name of new Set(del)) {
        // A name both deleted and put ends up put.
        if (put.has(name)) continue;
        delItems.push(i + 1);
        delNames.push(nameBytes(name));
      }
    }
    return [
      keys,
      requests.map(({ generation }) => generation),
      requests.map(({ token }) => token),
      requests.map(({ etag }) => etag),
      requests.map(({ newEtag }) => newEtag),
      requests.map(({ due }) => due ?? null),
      roundsOf(keys),
      putItems,
      byteaArray(putNames),
      byteaArray(putBytes),
      delItems,
      byteaArray(delNames),
      ROW_FORMAT,
    ];
  }
}

/** How many items with the same key there are up to each, itself included. */
function roundsOf(keys: readonly string[]): number[] {
  const seen = new Map<string, number>();
  return keys.map((key) => {
    const round = (seen.get(key) ?? 0) + 1;
    seen.set(key, round);
    return round;
  });
}

function readLoad(rows: readonly SqlRow[], request: LoadRequest): LoadAnswer {
  const parts = new Map<string, Uint8Array>();
  let decided: SqlRow | undefined;
  for (const row of rows)
    if (row["kind"] === "part") parts.set(nameOf(row["part"]), bytesOf(row["bytes"]));
    else decided = row;
  assert(decided !== undefined, "every load is answered");
  const refusal = decided["kind"];
  switch (refusal) {
    case "ok": {
      const meta = {
        format: ROW_FORMAT,
        generation: request.generation,
        token: request.token,
        etag: textOf(decided["etag"]),
        version: Number(decided["version"]),
        due: decided["due"] === null ? undefined : Number(decided["due"]),
      };
      return { ok: true, row: { meta, parts } };
    }
    case "fenced":
      return { ok: false, refusal, generation: Number(decided["number"]) };
    case "newer-format":
      return { ok: false, refusal, format: Number(decided["number"]) };
    case "damaged":
      return { ok: false, refusal, problem: textOf(decided["problem"]) };
    default:
      throw unknownAnswer(decided);
  }
}

function readSave([row]: readonly SqlRow[]): SaveAnswer {
  // There is no such row (R9).
  if (row === undefined) return { ok: false, refusal: "fenced", generation: 0 };
  const refusal = row["kind"];
  switch (refusal) {
    case "ok":
      return { ok: true };
    case "fenced":
      return { ok: false, refusal, generation: Number(row["number"]) };
    case "conflict":
      return { ok: false, refusal, etag: textOf(row["etag"]) };
    case "damaged":
      return { ok: false, refusal, problem: textOf(row["problem"]) };
    default:
      throw unknownAnswer(row);
  }
}

function nameBytes(name: string): Uint8Array {
  return Buffer.from(name, "utf8");
}

function nameOf(value: unknown): string {
  assert(Buffer.isBuffer(value), "a part's name is bytes");
  return value.toString("utf8");
}

/** S7: the receiver's own, not a view of a buffer that others may see. */
function bytesOf(value: unknown): Uint8Array {
  assert(Buffer.isBuffer(value), "a part is bytes");
  return new Uint8Array(value);
}
