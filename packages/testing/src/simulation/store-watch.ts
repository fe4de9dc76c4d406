// The store's decisions, watched from outside of whatever rules decide them. It knows the invariants and no rule.
//   I1: a save is accepted only with the token that the row holds; the token changes only by load, to a higher generation.
//   I2: an accepted save was computed from exactly the row that it replaces; etags are unique for ever.
//   I5: nothing is granted to the dead, and the dead stay dead.   I6: ownership moves only from a free entry, the
//   claimant's own, or a named incarnation that is dead.   I7: tokens never repeat, generations never go back.
//   I8: the accepted saves of an actor are one line: each was computed from the last one that the store holds.
import {
  type ActorAddress,
  type ClaimDecision,
  type ClaimRequest,
  type ClaimView,
  formatActor,
  type Incarnation,
  type LoadRequest,
  type MemberRecord,
  type OwnershipRules,
  type RowMeta,
  type SaveRequest,
} from "@tenure/core/internal";
import type { Histories } from "./history.ts";
import type { Findings } from "./violations.ts";

interface Known {
  /** The row as the last decision left it; undefined when it is not known (the store went back). */
  row: RowMeta | undefined;
  /** The newest load that succeeded. */
  loaded: { readonly generation: number; readonly token: string } | undefined;
  claimed: number;
}

export class StoreWatch {
  readonly #findings: Findings;
  readonly #histories: Histories;
  readonly #actors = new Map<string, Known>();
  readonly #names = new Map<Incarnation, string>();
  readonly #owners = new Map<string, Incarnation>();
  readonly #etags = new Set<string>();
  readonly #tokens = new Map<string, string>();
  readonly #dead = new Set<Incarnation>();
  #aside = false;
  /** The store lost writes, or is split: what it holds is not what it accepted. */
  #wentBack = false;

  constructor(findings: Findings, histories: Histories) {
    this.#findings = findings;
    this.#histories = histories;
  }

  /** Whether a load of this generation has raised the actor's fence (I3). */
  hasLoaded(actorKey: string, generation: number): boolean {
    return (this.#actors.get(actorKey)?.loaded?.generation ?? 0) >= generation;
  }

  hasClaimed(actorKey: string, generation: number): boolean {
    return (this.#actors.get(actorKey)?.claimed ?? 0) >= generation;
  }

  isDead(incarnation: Incarnation): boolean {
    return this.#dead.has(incarnation);
  }

  /** Whether the store kept everything that it accepted until now. */
  get kept(): boolean {
    return !this.#wentBack;
  }

  storeWentBack(): void {
    this.#wentBack = true;
    for (const known of this.#actors.values()) known.row = undefined;
    this.#dead.clear();
  }

  /** Runs decisions that are not the primary's: a stale copy answers a read. */
  aside<T>(run: () => T): T {
    this.#aside = true;
    try {
      return run();
    } finally {
      this.#aside = false;
    }
  }

  /** The same rules, watched. */
  over(rules: OwnershipRules): OwnershipRules {
    const watched = <A extends unknown[], R>(
      decide: (...args: A) => R,
      see: (answer: R, ...args: A) => void,
    ): ((...args: A) => R) => {
      return (...args) => {
        const answer = decide(...args);
        if (!this.#aside) see(answer, ...args);
        return answer;
      };
    };
    return {
      decideRegister: watched(rules.decideRegister, (answer, members, _sentinel, request) => {
        if (!answer.ok) return this.#findings.saw(`registration refused: ${answer.refusal}`);
        for (const member of members)
          if (member.name === request.name && member.state === "dead")
            this.#findings.saw("a name registered again");
        this.#names.set(answer.member.incarnation, answer.member.name);
        this.#seeMember(request.incarnation, answer.member);
      }),
      decideRenew: watched(rules.decideRenew, (answer, record, request) => {
        if (!answer.ok) return this.#findings.saw(`renewal refused: ${answer.refusal}`);
        if (record?.state === "dead")
          this.#findings.violated("I5", `${this.#name(request.incarnation)} is dead and renewed`);
        this.#seeMember(request.incarnation, answer.member);
      }),
      decideMarkDead: watched(rules.decideMarkDead, (answer, record, request) => {
        if (!answer.ok) return this.#findings.saw(`death refused: ${answer.refusal}`);
        if (record?.state !== "dead") this.#findings.saw("a death");
        this.#seeMember(request.incarnation, answer.member);
      }),
      decideClaim: watched(rules.decideClaim, (decision, view, request) =>
        this.#claim(decision, view, request),
      ),
      decideRelease: watched(rules.decideRelease, (decision, entry, request) => {
        if (!decision.answer.ok) return this.#findings.saw("a release refused");
        if (!decision.entry) return;
        if (!entry || entry.token !== request.token)
          this.#findings.violated(
            "I6",
            `${formatActor(request.actor)} was released with a token that is not its owner's`,
          );
        this.#histories.add(
          formatActor(request.actor),
          "released",
          this.#name(decision.entry.incarnation),
          decision.entry.generation,
        );
      }),
      decideLoad: watched(rules.decideLoad, (answer, row, request) => {
        const key = formatActor(request.actor);
        if (answer.ok) this.#load(key, answer.meta, row, request);
        else {
          this.#findings.saw(`a load refused: ${answer.refusal}`);
          this.#histories.add(
            key,
            "refused",
            this.#owner(request.token),
            request.generation,
            `load: ${answer.refusal}`,
          );
        }
      }),
      decideSave: watched(rules.decideSave, ({ answer, meta }, row, given) => {
        // Stores hand on the whole request; the decision's type only asks for less of it.
        const request = given as SaveRequest & { readonly actor: ActorAddress };
        const key = formatActor(request.actor);
        const silo = this.#owner(request.token);
        if (meta) this.#save(key, meta, row, request);
        else if (answer.ok) {
          this.#findings.saw("a save sent again and found applied");
          this.#histories.add(key, "resent", silo, request.generation);
          if (row?.etag !== request.newEtag)
            this.#findings.violated("I2", `${key}: a save was answered OK and is not there`);
        } else {
          this.#findings.saw(`a save refused: ${answer.refusal}`);
          this.#histories.add(key, "refused", silo, request.generation, `save: ${answer.refusal}`);
        }
      }),
      decideVerify: rules.decideVerify,
    };
  }

  #claim(decision: ClaimDecision, view: ClaimView, request: ClaimRequest): void {
    const key = formatActor(request.actor);
    const { answer, entry } = decision;
    if (!answer.ok) return this.#findings.saw(`a claim refused: ${answer.refusal}`);
    if (!entry) {
      this.#findings.saw("a claim sent again and found granted");
      if (view.entry?.token !== request.token)
        this.#findings.violated("I6", `${key}: a claim was answered OK and is not there`);
      return;
    }
    const silo = this.#name(request.incarnation);
    this.#findings.saw(`a claim: ${request.reason}`);
    this.#owners.set(request.token, request.incarnation);
    this.#histories.add(key, "claimed", silo, entry.generation, request.reason);
    if (view.claimant?.state !== "alive" || this.#dead.has(request.incarnation))
      this.#findings.violated("I5", `${silo} is not alive and was granted ${key}`);
    const before = view.entry;
    const named = request.expected === "free" ? undefined : request.expected.token;
    if (before && !before.free && named !== before.token)
      this.#findings.violated(
        "I6",
        `${silo} took ${key} from a claim of ${this.#name(before.incarnation)} that it did not name`,
      );
    if (
      before &&
      !before.free &&
      before.incarnation !== request.incarnation &&
      view.owner?.state !== "dead"
    )
      this.#findings.violated(
        "I6",
        `${silo} took ${key} from ${this.#name(before.incarnation)}, which is not marked dead`,
      );
    const known = this.#known(key);
    if (entry.generation <= known.claimed && this.kept)
      this.#findings.violated(
        "I7",
        `${key} was granted generation ${entry.generation} after ${known.claimed}`,
      );
    known.claimed = Math.max(known.claimed, entry.generation);
    this.#seeToken(key, request.token, entry.generation);
  }

  #load(key: string, meta: RowMeta, row: RowMeta | undefined, request: LoadRequest): void {
    const known = this.#known(key);
    this.#seeRow(key, known, row);
    const { loaded } = known;
    if (
      loaded &&
      (loaded.generation > meta.generation ||
        (loaded.generation === meta.generation && loaded.token !== meta.token))
    )
      this.#findings.violated(
        "I7",
        `${key} was loaded with generation ${meta.generation} after ${loaded.generation}`,
      );
    if (row && (row.etag !== meta.etag || row.version !== meta.version))
      this.#findings.violated("I1", `${key}: a load changed more than the fence`);
    this.#seeToken(key, request.token, request.generation);
    known.loaded = { generation: meta.generation, token: meta.token };
    known.row = meta;
    this.#histories.add(key, "loaded", this.#owner(meta.token), meta.generation);
  }

  #save(key: string, meta: RowMeta, row: RowMeta | undefined, request: SaveRequest): void {
    const known = this.#known(key);
    this.#seeRow(key, known, row);
    if (!row || row.token !== request.token || row.generation !== request.generation)
      this.#findings.violated(
        "I1",
        `${key}: a save of ${this.#owner(request.token)} with generation ${request.generation} was accepted over generation ${row?.generation ?? "none"} with ${row?.token === request.token ? "its" : "another"} token`,
      );
    if (row && row.etag !== request.etag)
      this.#findings.violated("I2", `${key}: an accepted save was not computed from its row`);
    if (row && (meta.token !== row.token || meta.generation !== row.generation))
      this.#findings.violated("I1", `${key}: a save changed the fence`);
    if (this.#etags.has(meta.etag))
      this.#findings.violated("I2", `${key}: the etag ${meta.etag} was used before`);
    this.#etags.add(meta.etag);
    known.row = meta;
    this.#findings.saw("a save");
    this.#histories.add(key, "saved", this.#owner(meta.token), meta.generation);
  }

  /** A row is what the last decision made it: nothing else writes (I1, I8). */
  #seeRow(key: string, known: Known, row: RowMeta | undefined): void {
    if (known.row === undefined || this.#wentBack) return;
    if (row?.etag !== known.row.etag || row.token !== known.row.token)
      this.#findings.violated("I8", `${key}: the row is not what the last decision left there`);
  }

  #seeToken(key: string, token: string, generation: number): void {
    const use = `${key} generation ${generation}`;
    const before = this.#tokens.get(token);
    if (before !== undefined && before !== use)
      this.#findings.violated("I7", `the token of ${before} is also that of ${use}`);
    this.#tokens.set(token, use);
  }

  #seeMember(incarnation: Incarnation, member: MemberRecord): void {
    if (member.state === "dead") this.#dead.add(incarnation);
    else if (this.#dead.has(incarnation))
      this.#findings.violated("I5", `${this.#name(incarnation)} was dead and is ${member.state}`);
  }

  #known(key: string): Known {
    let known = this.#actors.get(key);
    if (!known) this.#actors.set(key, (known = { row: undefined, loaded: undefined, claimed: 0 }));
    return known;
  }

  #owner(token: string): string {
    const incarnation = this.#owners.get(token);
    return incarnation === undefined ? "nobody" : this.#name(incarnation);
  }

  #name(incarnation: Incarnation): string {
    return this.#names.get(incarnation) || incarnation.slice(0, 8);
  }
}
