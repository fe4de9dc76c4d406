// The directory on Redis: requests become arguments, replies become answers; the scripts decide.
//   RD1. Leases have a connection of their own: a renewal never waits behind a burst of claims (R27).
import {
  type ActorAddress,
  type ClaimAnswer,
  type ClaimedRow,
  type ClaimRequest,
  type Directory,
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
import type { ScriptArguments } from "./arguments.ts";
import { connectRedis, type RedisConnection } from "./connection.ts";
import {
  readClaim,
  readClaimedRow,
  readLookup,
  readMarkDead,
  readMembers,
  readRegister,
  readRelease,
  readRenew,
  readSweep,
} from "./directory-replies.ts";
import type { ResolvedRedisOptions } from "./options.ts";
import { CLAIM_AND_LOAD } from "./scripts/claim-and-load.ts";
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
    return this.#leases.ask(
      REGISTER,
      (args) => {
        args.text(incarnation);
        args.text(name);
        args.text(JSON.stringify(types));
        args.text(JSON.stringify(roles));
        args.number(protocol);
        args.text(proposedStoreId);
        args.text(bootstrap ? "1" : "0");
      },
      readRegister,
    );
  }

  renew({ incarnation, expectedRev, load, state }: RenewRequest): Promise<Sequenced<RenewAnswer>> {
    return this.#leases.ask(
      RENEW,
      (args) => {
        args.text(incarnation);
        args.number(expectedRev);
        args.number(load);
        args.text(state);
      },
      readRenew,
    );
  }

  markDead({ incarnation, expectedRev }: MarkDeadRequest): Promise<Sequenced<MarkDeadAnswer>> {
    return this.#leases.ask(
      MARK_DEAD,
      (args) => {
        args.text(incarnation);
        args.text(String(expectedRev));
      },
      readMarkDead,
    );
  }

  members(): Promise<Sequenced<MembersAnswer>> {
    return this.#leases.ask(MEMBERS, () => {}, readMembers);
  }

  sweep({ incarnation }: SweepRequest): Promise<Sequenced<SweepAnswer>> {
    return this.#leases.ask(SWEEP, (args) => args.text(incarnation), readSweep);
  }

  open(storeId: string): Promise<Sequenced<boolean>> {
    return this.#leases.ask(
      OPEN,
      (args) => args.text(storeId),
      (reply) => reply.flag(),
    );
  }

  claim(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimAnswer[]>> {
    return this.#entries.ask(
      CLAIM,
      (args) => writeClaims(args, requests),
      (reply) => reply.answers(requests, readClaim),
    );
  }

  claimAndLoad(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimedRow[]>> {
    return this.#entries.ask(
      CLAIM_AND_LOAD,
      (args) => writeClaims(args, requests),
      (reply) => reply.answers(requests, readClaimedRow),
    );
  }

  release(requests: readonly ReleaseRequest[]): Promise<Sequenced<readonly ReleaseAnswer[]>> {
    return this.#entries.ask(
      RELEASE,
      (args) => {
        args.actors(requests);
        for (const { token } of requests) args.text(token);
      },
      (reply) => reply.answers(requests, readRelease),
    );
  }

  lookup(actors: readonly ActorAddress[]): Promise<Sequenced<readonly LookupAnswer[]>> {
    return this.#entries.ask(
      LOOKUP,
      (args) => {
        args.number(actors.length);
        for (const actor of actors) args.actor(actor);
      },
      (reply) => reply.answers(actors, readLookup),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#leases.close(), this.#entries.close()]);
  }
}

function writeClaims(args: ScriptArguments, requests: readonly ClaimRequest[]): void {
  args.actors(requests);
  let last: string | undefined;
  for (const { incarnation, token, expected, floor, reason } of requests) {
    // A batch is of one claimant.
    args.word(incarnation === last ? "" : incarnation);
    last = incarnation;
    args.word(token);
    args.text(expected === "free" ? "" : expected.token);
    args.number(floor);
    args.word(reason);
  }
}
