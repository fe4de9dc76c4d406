// What a silo can tell of an actor and of the silos that could have it: from the directory, the members as of the newest poll, and
// its own catalog.
import {
  type ActorAddress,
  type ActorKind,
  type ClaimReason,
  type DirectoryEntry,
  formatActor,
  type Incarnation,
  type LookupAnswer,
  type MemberRecord,
  SiloUnavailableError,
  TenureError,
} from "@tenure/core/internal";
import type { Membership, Standing } from "@tenure/directory/internal";
import type { ActivationState } from "../activation/activation.ts";
import type { Catalog } from "../catalog/catalog.ts";

/** What is known of one actor. Facts of the directory are as of now, those of silos as of the newest poll. */
export interface ActorExplanation {
  readonly type: string;
  readonly id: string;
  /** Whom the directory names; undefined when nobody owns the actor. `silo` is undefined when it is no member any more. */
  readonly owner: (ExplainedSilo & { readonly standing: Standing }) | undefined;
  /** Of the newest claim, also when it was given up; 0 when there never was one. */
  readonly generation: number;
  /** The last claims, newest last. */
  readonly claims: readonly (ExplainedSilo & {
    readonly generation: number;
    readonly reason: ClaimReason;
  })[];
  /** Here, in the silo that was asked. */
  readonly activation: ExplainedActivation | undefined;
}

export interface ExplainedSilo {
  /** Its name. */
  readonly silo: string | undefined;
  readonly incarnation: Incarnation;
}

export interface ExplainedActivation {
  readonly state: ActivationState;
  readonly generation: number | undefined;
  readonly waitingCalls: number;
  /** The methods whose turns run, hooks included. */
  readonly runningMethods: readonly string[];
}

export interface OverviewHost {
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly membership: Pick<Membership, "alive" | "poll" | "records" | "standing">;
  readonly catalog: Pick<Catalog, "get">;
  lookup(actor: ActorAddress): Promise<LookupAnswer>;
}

export class Overview {
  readonly #host: OverviewHost;

  constructor(host: OverviewHost) {
    this.#host = host;
  }

  /** Of a class that this silo has. */
  isStateless(type: string): boolean {
    return this.#host.kinds.get(type)?.definition.stateless !== undefined;
  }

  /** The silos that have a class, as of the newest poll; of another one, if that shows none that is `wanted`. */
  async hostsOf(
    type: string,
    wanted: (silo: MemberRecord) => boolean,
  ): Promise<readonly MemberRecord[]> {
    const hosts = (): readonly MemberRecord[] =>
      this.#host.membership.alive().filter(({ types }) => types[type] !== undefined);
    const known = hosts();
    if (known.some(wanted)) return known;
    await this.#host.membership.poll();
    return hosts();
  }

  /** The incarnation that owns the actor and lives. */
  async ownerOf(actor: ActorAddress): Promise<Incarnation | undefined> {
    const entry = await this.#entryOf(actor);
    if (!entry || entry.free) return undefined;
    const { incarnation } = entry;
    return (await this.#host.membership.standing(incarnation)) === "lives"
      ? incarnation
      : undefined;
  }

  async explain(actor: ActorAddress): Promise<ActorExplanation> {
    const { membership } = this.#host;
    const entry = await this.#entryOf(actor);
    const standing = entry && (await membership.standing(entry.incarnation));
    const names = new Map([...membership.records()].map((one) => [one.incarnation, one.name]));
    const nameOf = (incarnation: Incarnation): string | undefined =>
      names.get(incarnation) || undefined;
    const owned = entry !== undefined && standing !== undefined && !entry.free;
    return {
      ...actor,
      owner: owned
        ? { silo: nameOf(entry.incarnation), incarnation: entry.incarnation, standing }
        : undefined,
      generation: entry?.generation ?? 0,
      claims: (entry?.claims ?? []).map(({ incarnation, generation, reason }) => ({
        silo: nameOf(incarnation),
        incarnation,
        generation,
        reason,
      })),
      activation: this.#activationOf(actor),
    };
  }

  #activationOf(actor: ActorAddress): ExplainedActivation | undefined {
    const activation = this.#host.catalog.get(actor);
    if (!activation) return undefined;
    const { state, generation, waiting, runningMethods } = activation;
    return { state, generation, waitingCalls: waiting, runningMethods };
  }

  async #entryOf(actor: ActorAddress): Promise<DirectoryEntry | undefined> {
    let answer: LookupAnswer;
    try {
      answer = await this.#host.lookup(actor);
    } catch (error) {
      throw new SiloUnavailableError(`${formatActor(actor)}: the directory does not answer`, {
        outcome: "not-executed",
        cause: error,
      });
    }
    if (answer.ok) return answer.entry;
    throw new TenureError(
      "DAMAGED_ENTRY",
      `the directory entry of ${formatActor(actor)} is damaged: ${answer.problem}`,
    );
  }
}
