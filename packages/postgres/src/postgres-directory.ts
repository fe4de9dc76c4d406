// The directory on PostgreSQL: requests become arguments, rows become answers; the functions decide.
import {
  type ActorAddress,
  assert,
  type ClaimAnswer,
  type ClaimRequest,
  type Directory,
  type LookupAnswer,
  type MarkDeadAnswer,
  type MarkDeadRequest,
  type MembersAnswer,
  type PortEnvironment,
  PROTOCOL_VERSION,
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
import { connectPostgres, type PostgresConnections } from "./connections.ts";
import type { SqlRow } from "./sql.ts";
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
import type { ResolvedPostgresOptions } from "./options.ts";
import {
  askEach,
  keyOf,
  askOne,
  CLAIM,
  LOOKUP,
  MARK_DEAD,
  MEMBERS,
  OPEN,
  REGISTER,
  RELEASE,
  RENEW,
  SWEEP,
} from "./statements.ts";

export async function openPostgresDirectory(
  options: ResolvedPostgresOptions,
  environment: PortEnvironment,
): Promise<Directory> {
  const leases = await connectPostgres(options, "leases", 2, environment);
  try {
    const entries = await connectPostgres(options, "entries", 2, environment);
    return new PostgresDirectory(environment.cluster, leases, entries);
  } catch (error) {
    await leases.close();
    throw error;
  }
}

class PostgresDirectory implements Directory {
  readonly durability: string;
  readonly #cluster: string;
  /** Leases have connections of their own: a renewal never waits behind claims (R27). */
  readonly #leases: PostgresConnections;
  readonly #entries: PostgresConnections;

  constructor(cluster: string, leases: PostgresConnections, entries: PostgresConnections) {
    this.durability = leases.durability;
    this.#cluster = cluster;
    this.#leases = leases;
    this.#entries = entries;
  }

  async register(request: RegisterRequest): Promise<Sequenced<RegisterAnswer>> {
    const { incarnation, name, types, roles, protocol, proposedStoreId, bootstrap } = request;
    // As JSON, which may hold what text may not.
    const described = [name, types, roles].map((value) => JSON.stringify(value));
    const values = [incarnation, ...described, protocol, proposedStoreId, bootstrap];
    return await askOne(this.#leases, REGISTER, [this.#cluster, ...values], readRegister);
  }

  async renew(request: RenewRequest): Promise<Sequenced<RenewAnswer>> {
    const { incarnation, expectedRev, load, state } = request;
    const values = [this.#cluster, incarnation, expectedRev, load, state];
    return await askOne(this.#leases, RENEW, values, readRenew);
  }

  async markDead(request: MarkDeadRequest): Promise<Sequenced<MarkDeadAnswer>> {
    const { incarnation, expectedRev } = request;
    const rev = expectedRev === "absent" ? null : expectedRev;
    const values = [this.#cluster, incarnation, rev, PROTOCOL_VERSION];
    return await askOne(this.#leases, MARK_DEAD, values, readMarkDead);
  }

  async members(): Promise<Sequenced<MembersAnswer>> {
    const rows = await this.#leases.ask(MEMBERS, [this.#cluster]);
    return { sequence: Number(rows[0]!["sequence"]), answer: readMembers(rows) };
  }

  async sweep({ incarnation }: SweepRequest): Promise<Sequenced<SweepAnswer>> {
    return await askOne(this.#leases, SWEEP, [this.#cluster, incarnation], readSweep);
  }

  async open(storeId: string): Promise<Sequenced<boolean>> {
    const read = (row: SqlRow): boolean => row["f"] === true;
    return await askOne(this.#leases, OPEN, [this.#cluster, storeId], read);
  }

  async claim(requests: readonly ClaimRequest[]): Promise<Sequenced<readonly ClaimAnswer[]>> {
    const values = (): unknown[] => [
      this.#cluster,
      requests.map(({ actor }) => keyOf(this.#cluster, actor)),
      requests.map(({ incarnation }) => incarnation),
      requests.map(({ token }) => token),
      requests.map(({ expected }) => (expected === "free" ? null : expected.token)),
      requests.map(({ floor }) => floor),
      requests.map(({ reason }) => reason),
    ];
    return await askEach(this.#entries, CLAIM, requests, values, (rows) => readClaim(only(rows)));
  }

  async release(requests: readonly ReleaseRequest[]): Promise<Sequenced<readonly ReleaseAnswer[]>> {
    const values = (): unknown[] => [
      requests.map(({ actor }) => keyOf(this.#cluster, actor)),
      requests.map(({ token }) => token),
    ];
    return await askEach(this.#entries, RELEASE, requests, values, (rows) =>
      readRelease(only(rows)),
    );
  }

  async lookup(actors: readonly ActorAddress[]): Promise<Sequenced<readonly LookupAnswer[]>> {
    const values = (): unknown[] => [actors.map((actor) => keyOf(this.#cluster, actor))];
    return await askEach(this.#entries, LOOKUP, actors, values, (rows) => readLookup(only(rows)));
  }

  async close(): Promise<void> {
    await Promise.all([this.#leases.close(), this.#entries.close()]);
  }
}

function only(rows: readonly SqlRow[]): SqlRow {
  const [row] = rows;
  assert(row !== undefined && rows.length === 1, "D4: each item of a batch has one answer");
  return row;
}
