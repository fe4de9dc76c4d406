// Claims: how an incarnation becomes the owner of an actor, and stops being it.
//   C1. The first try expects nothing; the refusal shows the entry, and only an entry of our own or of an incarnation
//       that is marked dead is then named and displaced (R2, R3, O2).
//   C2. A claim whose answer is lost is sent again with the same token (R7, R8), also by the actor's next call and after
//       the next renewal, until it is decided: what was granted and never heard of could hide a loss (R14, H41). A token is
//       never used for anything else.
//   C3. Claims are made only for calls that wait (lazy) and travel in bounded batches (R27).
//   C4. An owner without a member record is not dead: it is watched for a whole lease and made dead first (R16).
//   C5. Whoever does not want the actor any more claims nothing more: what it would displace may be its own successor (R12).
//   C6. An actor with a row is claimed and loaded in one step where directory and rows are one store (D8): what a claim is
//       granted then comes with its row. A claim that was lost and is settled later loads nothing.
import {
  type ActorAddress,
  type ClaimedRow,
  type ClaimReason,
  type ClaimRequest,
  type Clock,
  type Directory,
  type DirectoryEntry,
  type EventSink,
  errorText,
  formatActor,
  type Incarnation,
  type LoadAnswer,
  type LookupAnswer,
  type Random,
  type ReleaseAnswer,
  type ReleaseRequest,
} from "@tenure/core/internal";
import { Batcher } from "./batcher.ts";
import { bounded } from "./bounded.ts";
import type { GenerationClock } from "./generation-clock.ts";
import type { Standing } from "./membership.ts";

export interface Claim {
  readonly token: string;
  readonly generation: number;
}

export type Acquired =
  /** `row`: of an actor that has one, where it came with the claim (C6). */
  | { readonly kind: "claimed"; readonly claim: Claim; readonly row?: LoadAnswer | undefined }
  | { readonly kind: "elsewhere"; readonly silo: Incarnation; readonly generation: number }
  /** Nothing was decided, or not now: try again later. */
  | { readonly kind: "unavailable"; readonly why: string }
  | { readonly kind: "damaged"; readonly problem: string };

export interface OwnershipOptions {
  readonly incarnation: Incarnation;
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: Directory;
  /** Its rows are those that this silo loads: where it can answer them with claims, it is asked to (C6). */
  readonly joint: boolean;
  readonly generations: GenerationClock;
  readonly emit: EventSink;
  /** How long one operation may take before it counts as indefinite. */
  readonly operationMs: number;
  standing(incarnation: Incarnation): Promise<Standing>;
  /** The store did not let a dead owner be displaced: it has forgotten that death. */
  notDead(incarnation: Incarnation): void;
  /** What the directory has acknowledged of this silo's writes, asked when a claim is sent (R14). */
  acknowledged(): number;
  claimed(counter: number, acknowledgedAtSend: number): void;
}

/** Whoever wants an actor. */
export interface Claimant {
  /** Its row is loaded next (C6). */
  readonly stateful: boolean;
  /** False when it does not want it any more (C5). */
  wanted(): boolean;
}

const ALWAYS: Claimant = { stateful: false, wanted: () => true };

const OWNER_MISSING: Acquired = {
  kind: "unavailable",
  why: "its last owner has no member record; the actor moves when that has lasted a whole lease",
};
const NOT_WANTED: Acquired = { kind: "unavailable", why: "nobody waits for it any more" };

/** A claim that may have been granted, and what was acknowledged when it was first sent. */
interface Undecided {
  readonly request: ClaimRequest;
  readonly acknowledgedAtSend: number;
}

const MAX_TRIES = 6;
const MAX_SENDS = 2;
/** Anyone can ask a silo where actors are: more questions than this are refused, not kept (I12). */
const MAX_LOOKUPS = 100_000;
/** With more than so many the oldest are forgotten: the store has been away for long, and silos pause. */
const MAX_UNDECIDED = 10_000;
const SETTLED_AT_ONCE = 256;

export class Ownership {
  readonly #o: OwnershipOptions;
  readonly #claims: Batcher<ClaimRequest, ClaimedRow>;
  /** Of actors that have rows. */
  readonly #claimsOfRows: Batcher<ClaimRequest, ClaimedRow>;
  readonly #releases: Batcher<ReleaseRequest, ReleaseAnswer>;
  readonly #lookups: Batcher<ActorAddress, LookupAnswer>;

  readonly #undecided = new Map<string, Undecided>();

  constructor(options: OwnershipOptions) {
    this.#o = options;
    const { clock, directory, operationMs } = options;
    const joint = options.joint && directory.claimAndLoad !== undefined;
    this.#claims = new Batcher<ClaimRequest, ClaimedRow>(clock, async (batch) => {
      const asked = directory.claim(batch);
      const { answer } = await bounded(clock, operationMs, "claim", asked);
      return answer.map((claim) => ({ claim, row: undefined }));
    });
    this.#claimsOfRows = joint
      ? new Batcher(clock, async (batch) => {
          const asked = directory.claimAndLoad!(batch);
          return (await bounded(clock, operationMs, "claim", asked)).answer;
        })
      : this.#claims;
    this.#releases = new Batcher(
      clock,
      async (batch) =>
        (await bounded(clock, operationMs, "release", directory.release(batch))).answer,
    );
    this.#lookups = new Batcher(
      clock,
      async (batch) =>
        (await bounded(clock, operationMs, "lookup", directory.lookup(batch))).answer,
      { maxWaiting: MAX_LOOKUPS },
    );
  }

  /**
   * Tries to become the owner, with a generation above `floor`. `claimant` is asked before each further claim (C5); what the
   * last one was granted is answered all the same.
   */
  async acquire(
    actor: ActorAddress,
    floor: number = 0,
    reason: ClaimReason = "call",
    claimant: Claimant = ALWAYS,
  ): Promise<Acquired> {
    const { generations } = this.#o;
    const claims = claimant.stateful ? this.#claimsOfRows : this.#claims;
    generations.saw(floor);
    let { request, acknowledgedAtSend } =
      this.#takeUndecided(actor) ?? this.#fresh(this.#request(actor, "free", reason));
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      let answered: ClaimedRow | undefined;
      for (let sends = 1; !answered; sends++)
        try {
          answered = await claims.ask(request);
        } catch (error) {
          if (sends < MAX_SENDS) continue; // C2
          this.#keepUndecided({ request, acknowledgedAtSend });
          return { kind: "unavailable", why: errorText(error) };
        }
      const { claim: answer, row } = answered;
      if (answer.ok) {
        generations.saw(answer.generation);
        this.#o.claimed(answer.counter, acknowledgedAtSend);
        this.#o.emit({
          type: "activation.claimed",
          actor,
          generation: answer.generation,
          reason: request.reason,
        });
        return {
          kind: "claimed",
          claim: { token: request.token, generation: answer.generation },
          row,
        };
      }
      if (!claimant.wanted()) return NOT_WANTED;
      switch (answer.refusal) {
        case "owned": {
          if (request.reason === "takeover" && names(request, answer.entry))
            this.#o.notDead(answer.entry.incarnation);
          const next = await this.#displace(actor, answer.entry, reason);
          if ("kind" in next) return next;
          if (!claimant.wanted()) return NOT_WANTED;
          ({ request, acknowledgedAtSend } = this.#fresh(next));
          break;
        }
        case "owner-absent":
          await this.#o.standing(answer.entry.incarnation);
          return OWNER_MISSING;
        case "changed":
        case "token-used":
          ({ request, acknowledgedAtSend } = this.#fresh(this.#request(actor, "free", reason)));
          break;
        case "claimant-not-alive":
          return { kind: "unavailable", why: "this silo takes no new actors" };
        case "closed":
          return { kind: "unavailable", why: "the directory is not open yet" };
        case "damaged":
          this.#o.emit({
            type: "store.damaged",
            key: formatActor(actor),
            problem: answer.problem,
          });
          return { kind: "damaged", problem: answer.problem };
      }
    }
    return { kind: "unavailable", why: "the directory kept changing" };
  }

  /** Gives the actor up. False when the store did not answer: the entry then stays, and its next claim displaces it. */
  async release(actor: ActorAddress, token: string): Promise<boolean> {
    for (let sends = 0; sends < MAX_SENDS; sends++) {
      try {
        await this.#releases.ask({ actor, token });
        return true;
      } catch {
        // Indefinite: the same request again is harmless (R8).
      }
    }
    return false;
  }

  /**
   * Sends claims whose answers were lost once more, and gives up what they were granted: nobody waits for it. (An actor's
   * next call does so by itself.)
   */
  async settle(): Promise<void> {
    const some = [...this.#undecided.values()].slice(0, SETTLED_AT_ONCE);
    await Promise.all(
      some.map(async (undecided) => {
        const { request, acknowledgedAtSend } = undecided;
        this.#takeUndecided(request.actor);
        try {
          const { claim: answer } = await this.#claims.ask(request);
          if (!answer.ok) return;
          this.#o.generations.saw(answer.generation);
          this.#o.claimed(answer.counter, acknowledgedAtSend);
        } catch {
          this.#keepUndecided(undecided);
          return;
        }
        await this.release(request.actor, request.token);
      }),
    );
  }

  lookup(actor: ActorAddress): Promise<LookupAnswer> {
    return this.#lookups.ask(actor);
  }

  /** The claim that displaces an entry, if its owner may be displaced. */
  async #displace(
    actor: ActorAddress,
    entry: DirectoryEntry,
    reason: ClaimReason,
  ): Promise<ClaimRequest | Acquired> {
    const { incarnation: silo, generation } = entry;
    const expected = { token: entry.token };
    if (silo === this.#o.incarnation)
      return this.#request(actor, expected, reason === "call" ? "reactivate" : reason);
    switch (await this.#o.standing(silo)) {
      case "dead":
        return this.#request(actor, expected, "takeover");
      case "lives":
        return { kind: "elsewhere", silo, generation };
      case "missing":
        return OWNER_MISSING;
    }
  }

  #request(
    actor: ActorAddress,
    expected: ClaimRequest["expected"],
    reason: ClaimReason,
  ): ClaimRequest {
    return {
      actor,
      incarnation: this.#o.incarnation,
      token: this.#o.random.hex128(),
      expected,
      // Also when the directory's own counter went back (R14, I7).
      floor: this.#o.generations.floor(),
      reason,
    };
  }

  #fresh(request: ClaimRequest): Undecided {
    return { request, acknowledgedAtSend: this.#o.acknowledged() };
  }

  #takeUndecided(actor: ActorAddress): Undecided | undefined {
    if (this.#undecided.size === 0) return undefined;
    const key = formatActor(actor);
    const undecided = this.#undecided.get(key);
    this.#undecided.delete(key);
    return undecided;
  }

  #keepUndecided(undecided: Undecided): void {
    const [oldest] = this.#undecided.keys();
    if (this.#undecided.size >= MAX_UNDECIDED && oldest !== undefined)
      this.#undecided.delete(oldest);
    this.#undecided.set(formatActor(undecided.request.actor), undecided);
  }
}

function names({ expected }: ClaimRequest, entry: DirectoryEntry): boolean {
  return expected !== "free" && expected.token === entry.token;
}
