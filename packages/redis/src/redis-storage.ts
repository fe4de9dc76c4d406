// The storage on Redis: requests become arguments, replies become answers; the scripts decide.
import {
  type ActorAddress,
  assert,
  decodeActorKey,
  type LoadAnswer,
  type LoadRequest,
  type PartsRequest,
  type PortEnvironment,
  ROW_FORMAT,
  type SaveAnswer,
  type SaveRequest,
  type Sequenced,
  STATE_PART,
  type Storage,
} from "@tenure/core/internal";
import type { ScriptArguments } from "./arguments.ts";
import { connectRedis, type RedisConnection } from "./connection.ts";
import type { ResolvedRedisOptions } from "./options.ts";
import { readLoad, readSave } from "./storage-replies.ts";
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
    return this.#rows.ask(
      LOAD,
      (args) => writeClaims(args, requests),
      (reply) => reply.answers(requests, readLoad),
    );
  }

  save(requests: readonly SaveRequest[]): Promise<Sequenced<readonly SaveAnswer[]>> {
    return this.#rows.ask(
      SAVE,
      (args) => {
        args.actors(requests);
        for (const request of requests) writeSave(args, request);
      },
      (reply) => reply.answers(requests, readSave),
    );
  }

  verify(requests: readonly LoadRequest[]): Promise<Sequenced<readonly boolean[]>> {
    return this.#rows.ask(
      VERIFY,
      (args) => writeClaims(args, requests),
      (reply) => reply.answers(requests, (held) => held.flag()),
    );
  }

  async parts({ actor, names }: PartsRequest): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    await this.#rows.ask(
      PARTS,
      (args) => {
        args.actor(actor);
        args.number(names.length);
        for (const name of names) args.text(name);
      },
      (reply) =>
        reply.answers(names, (part, name) => {
          if (!part.isNothing()) found.set(name, part.bytes());
        }),
    );
    return found;
  }

  async dueBefore(
    bucket: number,
    time: number,
    limit: number,
  ): Promise<readonly { readonly actor: ActorAddress; readonly due: number }[]> {
    const { answer } = await this.#rows.ask(
      DUE_BEFORE,
      (args) => {
        args.number(bucket);
        args.number(time);
        args.number(limit);
      },
      (reply) =>
        Array.from({ length: reply.list() / 2 }, () => ({
          actor: decodeActorKey(reply.text()),
          due: reply.number(),
        })),
    );
    return answer;
  }

  async close(): Promise<void> {
    await this.#rows.close();
  }
}

function writeClaims(args: ScriptArguments, requests: readonly LoadRequest[]): void {
  args.actors(requests);
  for (const { generation, token } of requests) {
    args.number(generation);
    args.word(token);
  }
}

function writeSave(args: ScriptArguments, request: SaveRequest): void {
  const { generation, token, etag, newEtag, put, del, due } = request;
  // The index would refuse it half-way through.
  assert(due === undefined || Number.isFinite(due), "a due time is a finite number", { due });
  args.rowHeads(ROW_FORMAT, generation, token, etag, newEtag);
  const state = put.size === 1 && del.length === 0 && due === undefined && put.get(STATE_PART);
  if (state) {
    args.text("");
    args.bytes(state);
    return;
  }
  args.text("more");
  args.text(due === undefined ? "" : String(due));
  args.number(put.size);
  for (const [name, bytes] of put) {
    args.text(name);
    args.bytes(bytes);
  }
  args.number(del.length);
  for (const name of del) args.text(name);
}
