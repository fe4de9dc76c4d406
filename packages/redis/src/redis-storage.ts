// The storage on Redis: requests become arguments, replies become answers; the scripts decide.
import {
  type ActorAddress,
  assert,
  decodeActorKey,
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
  StoreUnavailableError,
} from "@tenure/core/internal";
import { type Argument, connectRedis, type RedisConnection } from "./connection.ts";
import type { ResolvedRedisOptions } from "./options.ts";
import { answersOf, bytesOf, listOf, numberOf, type Reply, textOf } from "./reply.ts";
import { DUE_BEFORE, LOAD, PARTS, SAVE, VERIFY } from "./scripts/rows.ts";
import { checkServer } from "./settings.ts";

/** Redis takes values of 512 MB, but it does nothing else while it copies one: this is some 50 ms. */
const MAX_STATE_BYTES = 64 * 1_024 * 1_024;

export async function openRedisStorage(
  options: ResolvedRedisOptions,
  environment: PortEnvironment,
): Promise<Storage> {
  const rows = await connectRedis(options, "rows", environment);
  try {
    return new RedisStorage(await checkServer(rows, environment.durability), rows);
  } catch (error) {
    await rows.close();
    throw error;
  }
}

class RedisStorage implements Storage {
  readonly durability: string;
  readonly maxStateBytes: number = MAX_STATE_BYTES;
  readonly #rows: RedisConnection;

  constructor(durability: string, rows: RedisConnection) {
    this.durability = durability;
    this.#rows = rows;
  }

  load(requests: readonly LoadRequest[]): Promise<Sequenced<readonly LoadAnswer[]>> {
    return this.#rows.ask(LOAD, claimArguments(requests), (reply) =>
      answersOf(reply, requests, readLoad),
    );
  }

  save(requests: readonly SaveRequest[]): Promise<Sequenced<readonly SaveAnswer[]>> {
    const args: Argument[] = [requests.length];
    for (const request of requests) pushSave(args, request);
    return this.#rows.ask(SAVE, args, (reply) => answersOf(reply, requests, readSave));
  }

  verify(requests: readonly LoadRequest[]): Promise<Sequenced<readonly boolean[]>> {
    return this.#rows.ask(VERIFY, claimArguments(requests), (reply) =>
      listOf(reply).map((held) => textOf(held) === "1"),
    );
  }

  async parts(request: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>> {
    const { actor, names } = request;
    const args = [encodeActorKey(actor), names.length, ...names];
    const { answer } = await this.#rows.ask(PARTS, args, listOf);
    const found = new Map<string, Uint8Array>();
    for (const [i, bytes] of answer.entries())
      if (bytes !== null) found.set(names[i]!, bytesOf(bytes));
    return found;
  }

  async dueBefore(
    bucket: number,
    time: number,
    limit: number,
  ): Promise<readonly { readonly actor: ActorAddress; readonly due: number }[]> {
    const { answer } = await this.#rows.ask(DUE_BEFORE, [bucket, time, limit], listOf);
    const rows: { readonly actor: ActorAddress; readonly due: number }[] = [];
    for (let i = 0; i < answer.length; i += 2)
      rows.push({ actor: decodeActorKey(textOf(answer[i])), due: numberOf(answer[i + 1]) });
    return rows;
  }

  async close(): Promise<void> {
    await this.#rows.close();
  }
}

function claimArguments(requests: readonly LoadRequest[]): Argument[] {
  const args: Argument[] = [requests.length];
  for (const { actor, generation, token } of requests)
    args.push(encodeActorKey(actor), generation, token);
  return args;
}

function pushSave(args: Argument[], request: SaveRequest): void {
  const { actor, generation, token, etag, newEtag, put, del, due } = request;
  // The index would refuse it half-way through.
  assert(due === undefined || Number.isFinite(due), "a due time is a finite number", { due });
  const key = encodeActorKey(actor);
  args.push(key, dueBucket(key), generation, token, etag, newEtag, due ?? "", put.size);
  for (const [name, bytes] of put) args.push(name, bytes);
  args.push(del.length);
  for (const name of del) args.push(name);
}

function readLoad(reply: readonly Reply[], request: LoadRequest): LoadAnswer {
  const [kind, detail, version, due, fields] = reply;
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok": {
      const parts = new Map<string, Uint8Array>();
      const pairs = listOf(fields);
      for (let i = 0; i < pairs.length; i += 2) parts.set(textOf(pairs[i]), bytesOf(pairs[i + 1]));
      const meta = {
        format: ROW_FORMAT,
        generation: request.generation,
        token: request.token,
        etag: textOf(detail),
        version: numberOf(version),
        due: due === null ? undefined : numberOf(due),
      };
      return { ok: true, row: { meta, parts } };
    }
    case "fenced":
      return { ok: false, refusal, generation: numberOf(detail) };
    case "newer-format":
      return { ok: false, refusal, format: numberOf(detail) };
    case "damaged":
      return { ok: false, refusal, problem: textOf(detail) };
    default:
      throw new StoreUnavailableError(`redis: the answer ${refusal} is unknown`);
  }
}

function readSave(reply: readonly Reply[]): SaveAnswer {
  const [kind, detail] = reply;
  const refusal = textOf(kind);
  switch (refusal) {
    case "ok":
      return { ok: true };
    case "fenced":
      return { ok: false, refusal, generation: numberOf(detail) };
    case "conflict":
      return { ok: false, refusal, etag: textOf(detail) };
    case "damaged":
      return { ok: false, refusal, problem: textOf(detail) };
    default:
      throw new StoreUnavailableError(`redis: the answer ${refusal} is unknown`);
  }
}
