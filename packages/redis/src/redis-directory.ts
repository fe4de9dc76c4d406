// The directory on Redis: requests become arguments, replies become answers; the scripts decide.
//   RD1. Leases have a connection of their own: a renewal never waits behind a burst of claims (R27).
import {
  type ActorAddress,
  type ClaimAnswer,
  type ClaimRequest,
  type Directory,
  encodeActorKey,
  type LookupAnswer,
  type MarkDeadAnswer,
  type MarkDeadRequest,
  type MembersAnswer,
  type PortEnvironment,
  type RegisterAnswer,
  type RegisterRequest,
  type ReleaseAnswer,
  type ReleaseRequest,
  type RenewAnswer,
  type RenewRequest,
  type Sequenced,
  type SweepAnswer,
  type SweepRequest,
} from "@tenure/core/internal";
import { type Argument, connectRedis, type RedisConnection } from "./connection.ts";
import {
  readClaim,
  readLookup,
  readMarkDead,
  readMembers,
  readRegister,
  readRelease,
  readRenew,
  readSweep,
} from "./directory-replies.ts";
import type { ResolvedRedisOptions } from "./options.ts";
import { answersOf, textOf } from "./reply.ts";
import { CLAIM, LOOKUP, RELEASE } from "./scripts/entries.ts";
import { MARK_DEAD, MEMBERS, OPEN, REGISTER, RENEW, SWEEP } from "./scripts/members.ts";
import { checkServer } from "./settings.ts";

export async function openRedisDirectory(
  options: ResolvedRedisOptions,
  environment: PortEnvironment,
): Promise<Directory> {
  const leases = await connectRedis(options, "leases", environment);
  try {
    const durability = await checkServer(leases, environment.durability);
    const entries = await connectRedis(options, "entries", environment);
    return new RedisDirectory(durability, leases, entries);
  } catch (error) {
    await leases.close();
    throw error;
  }
}

class RedisDirectory implements Directory {
  readonly durability: string;
  readonly #leases: RedisConnection;
  readonly #entries: RedisConnection;

  constructor(durability: string, leases: RedisConnection, entries: RedisConnection) {
    this.durability = durability;
    this.#leases = leases;
    this.#entries = entries;
  }

  register(request: RegisterRequest): Promise<Sequenced<RegisterAnswer>> {
    const { incarnation, name, types, roles, protocol, proposedStoreId, bootstrap } = request;
    const args = [
      incarnation,
      name,
      JSON.stringify(types),
      JSON.stringify(roles),
      protocol,
      proposedStoreId,
      bootstrap ? "1" : "0",
    ];
    return this.#leases.ask(REGISTER, args, readRegister);
  }

  renew(request: RenewRequest): Promise<Sequenced<RenewAnswer>> {
    const { incarnation, expectedRev, load, state } = request;
    return this.#leases.ask(RENEW, [incarnation, expectedRev, load, state], readRenew);
  }

  markDead(request: MarkDeadRequest): Promise<Sequenced<MarkDeadAnswer>> {
    const { incarnation, expectedRev } = request;
    return this.#leases.ask(MARK_DEAD, [incarnation, expectedRev], readMarkDead);
  }

  members(): Promise<Sequenced<MembersAnswer>> {
    return this.#leases.ask(MEMBERS, [], readMembers);
  }

  sweep({ incarnation }: SweepRequest): Promise<Sequenced<SweepAnswer>> {
    return this.#leases.ask(SWEEP, [incarnation], readSweep);
  }

  open(storeId: string): Promise<Sequenced<boolean>> {
    return this.#leases.ask(OPEN, [storeId], (reply) => textOf(reply) === "1");
  }

  claim(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimAnswer[]>> {
    const args: Argument[] = [requests.length];
    for (const { actor, incarnation, token, expected, floor, reason } of requests) {
      args.push(encodeActorKey(actor), incarnation, token);
      if (expected === "free") args.push("free", "");
      else args.push("token", expected.token);
      args.push(floor, reason);
    }
    return this.#entries.ask(CLAIM, args, (reply) => answersOf(reply, requests, readClaim));
  }

  release(requests: readonly ReleaseRequest[]): Promise<Sequenced<readonly ReleaseAnswer[]>> {
    const args: Argument[] = [requests.length];
    for (const { actor, token } of requests) args.push(encodeActorKey(actor), token);
    return this.#entries.ask(RELEASE, args, (reply) => answersOf(reply, requests, readRelease));
  }

  lookup(actors: readonly ActorAddress[]): Promise<Sequenced<readonly LookupAnswer[]>> {
    const args: Argument[] = [actors.length, ...actors.map(encodeActorKey)];
    return this.#entries.ask(LOOKUP, args, (reply) => answersOf(reply, actors, readLookup));
  }

  async close(): Promise<void> {
    await Promise.all([this.#leases.close(), this.#entries.close()]);
  }
}
