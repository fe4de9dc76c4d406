// The store's decisions, watched from outside of whatever rules decide them. It knows the invariants and no rule.
//   I1: a save is accepted only with the token that the row holds; the token changes only by load, to a higher generation.
//   I2: an accepted save was computed from exactly the row that it replaces; etags are unique for ever.
//   I5: nothing is granted to the dead, and the dead stay dead.   I6: ownership moves only from a free entry, the
//   claimant's own, or a named incarnation that is dead.   I7: tokens never repeat, generations never go back.
//   I8: the accepted saves of an actor are one line: each was computed from the last one that the store holds.
// What a store that lost writes makes impossible is not asked of it, and nothing more:
//   W1. Each primary is watched by itself; what is known of its rows and its dead begins anew where it went back.
//   W2. For a lease after a loss of the newest writes, or a split, a silo whose claim is gone may not have noticed (R14):
//       what only one owner guarantees is not asked of that time. After the loss of everything it is: R13.
//       The same where a claim that is gone had raised a row's fence first: the one whom the directory names does not know,
//       and may answer reads from its memory until it saves or the actor is loaded anew.
//   W3. A generation granted a while ago is below every later one, whatever was lost, unless a wall clock jumped (I7).
import {
  type ActorAddress,
  type ClaimDecision,
  type ClaimRequest,
  type ClaimView,
  formatActor,
  type Incarnation,
  type LoadAnswer,
  type LoadRequest,
  type MemberRecord,
  type OwnershipRules,
  type RowMeta,
  type SaveRequest,
} from "@tenure/core/internal";
import type { Histories } from "./history.ts";
import type { SimTables } from "./tables.ts";
import type { Findings } from "./violations.ts";

/** What one primary was left with by its last decisions (W1). */
interface Primary {
  readonly tables: SimTables;
  readonly rows: Map<string, RowMeta>;
  readonly dead: Set<Incarnation>;
}

interface Granted {
  readonly generation: number;
  readonly token: string;
  readonly atMs: number;
}

interface Known {
  /** The highest that was ever loaded, and claimed. */
  loaded: Granted | undefined;
  claimed: Granted | undefined;
  readonly loads: Set<number>;
  /** Each generation and who claimed it, with the place of that claim among all claims. */
  readonly claims: Map<string, number>;
}

export interface StoreWatchOptions {
  nowMs(): number;
  /** How long a silo may take to notice that its claims are gone (W2). */
  readonly noticeMs: number;
  /** The longest that a claim or a load is on its way: whatever is older is below what is granted now (W3). */
  readonly underwayMs: number;
}

export interface Unsettled {
  readonly fromMs: number;
  untilMs: number;
}

export class StoreWatch {
  readonly #findings: Findings;
  readonly #histories: Histories;
  readonly #actors = new Map<string, Known>();
  readonly #names = new Map<Incarnation, string>();
  readonly #owners = new Map<string, Incarnation>();
  /** What each etag was computed from, and each token is for. */
  readonly #etags = new Map<string, string>();
  readonly #tokens = new Map<string, string>();
  readonly #options: StoreWatchOptions;
  readonly #primaries = new Map<SimTables, Primary>();
  readonly #unsettled: Unsettled[] = [];
  /** Actors whose fence is a claim's that the directory does not have. */
  readonly #strays = new Map<string, Unsettled>();
  #now: Primary | undefined;
  #claims = 0;
  #kept = true;
  #wallClocksJumped = false;

  constructor(findings: Findings, histories: Histories, options: StoreWatchOptions) {
    this.#findings = findings;
    this.#histories = histories;
    this.#options = options;
  }

  /** Whether a load of this generation has raised the actor's fence (I3). */
  hasLoaded(actorKey: string, generation: number): boolean {
    return this.#actors.get(actorKey)?.loads.has(generation) ?? false;
  }

  /** The place of a claim among all that were granted: what orders activations, also where numbers went back. 0: none. */
  placeOf(actorKey: string, generation: number, incarnation: Incarnation | undefined): number {
    return this.#actors.get(actorKey)?.claims.get(`${generation} ${incarnation}`) ?? 0;
  }

  /** Whether every primary has it as dead. */
  isDead(incarnation: Incarnation): boolean {
    return (
      this.#primaries.size > 0 &&
      [...this.#primaries.values()].every(({ dead }) => dead.has(incarnation))
    );
  }

  /** Whether the store kept everything that it accepted until now. */
  get kept(): boolean {
    return this.#kept;
  }

  /** Whether there is one owner of each actor, as far as the store's promises go (W2). */
  get settled(): boolean {
    return !this.wasUnsettled(this.#options.nowMs(), this.#options.nowMs());
  }

  /** Whether any of this time was unsettled. */
  wasUnsettled(fromMs: number, untilMs: number): boolean {
    return this.#unsettled.some((each) => each.fromMs <= untilMs && fromMs <= each.untilMs);
  }

  /** A silo heard of a row together with its claim. */
  rowCame(row: LoadAnswer): void {
    this.#findings.saw(
      row.ok ? "a row came with its claim" : `a row that came with its claim: ${row.refusal}`,
    );
  }

  // ---- what happens to the store -----------------------------------------------------------------------------------

  /** The next decisions are this primary's. */
  decidesOn(tables: SimTables): void {
    this.#now = this.#primaries.get(tables) ?? this.#meet(tables);
  }

  /** Its newest writes are gone. */
  wentBack(tables: SimTables): void {
    this.#kept = false;
    this.#meet(tables);
    this.#unsettledFor(this.#options.noticeMs);
  }

  /**
   * A replica that lagged does not any more. Where writes were lost meanwhile it may have shown revs from before, and the same ones
   * come again: who watched them across both believes in a silence that was none, for a lease more (R3).
   */
  caughtUp(): void {
    if (!this.#kept) this.#unsettledFor(this.#options.noticeMs);
  }

  /** All of it is gone. */
  emptied(tables: SimTables): void {
    this.#kept = false;
    this.#meet(tables);
  }

  divided(second: SimTables): void {
    this.#kept = false;
    this.#meet(second);
    this.#unsettledFor(Infinity);
  }

  /** A split is over. */
  united(dropped: SimTables): void {
    this.#primaries.delete(dropped);
    const strays = new Set(this.#strays.values());
    for (const split of this.#unsettled)
      if (split.untilMs === Infinity && !strays.has(split)) split.untilMs = this.#options.nowMs();
    this.#unsettledFor(this.#options.noticeMs);
  }

  /** A wall clock is wrong from now on (W3). */
  wallClockJumped(): void {
    this.#wallClocksJumped = true;
  }

  #meet(tables: SimTables): Primary {
    const dead = [...tables.memberRecords.values()].filter(({ state }) => state === "dead");
    const primary: Primary = {
      tables,
      rows: new Map<string, RowMeta>(),
      dead: new Set(dead.map(({ incarnation }) => incarnation)),
    };
    this.#primaries.set(tables, primary);
    return primary;
  }

  #unsettledFor(ms: number): void {
    const fromMs = this.#options.nowMs();
    this.#unsettled.push({ fromMs, untilMs: fromMs + ms });
  }

  // ---- its decisions -----------------------------------------------------------------------------------------------

  /** The same rules, watched. */
  over(rules: OwnershipRules): OwnershipRules {
    const watched = <A extends unknown[], R>(
      decide: (...args: A) => R,
      see: (answer: R, ...args: A) => void,
    ): ((...args: A) => R) => {
      return (...args) => {
        const answer = decide(...args);
        see(answer, ...args);
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
      decideSweep: watched(rules.decideSweep, (answer, record) => {
        if (!answer.ok) return this.#findings.saw(`a sweep refused: ${answer.refusal}`);
        this.#findings.saw("a dead member swept");
        if (record?.state !== "dead")
          this.#findings.violated(
            "I5",
            `${this.#name(answer.member.incarnation)} was swept, and is not dead`,
          );
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
    if (view.claimant?.state !== "alive" || this.#now!.dead.has(request.incarnation))
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
    known.claims.set(`${entry.generation} ${request.incarnation}`, ++this.#claims);
    known.claimed = this.#seeGrant(known.claimed, key, "granted", entry.generation, request.token);
    this.#seeToken(key, request.token, entry.generation);
  }

  #load(key: string, meta: RowMeta, row: RowMeta | undefined, request: LoadRequest): void {
    const known = this.#known(key);
    this.#seeRow(key, row);
    if (row && (row.etag !== meta.etag || row.version !== meta.version))
      this.#findings.violated("I1", `${key}: a load changed more than the fence`);
    this.#seeToken(key, request.token, request.generation);
    known.loads.add(meta.generation);
    known.loaded = this.#seeGrant(known.loaded, key, "loaded with", meta.generation, meta.token);
    this.#seeFence(key, request);
    this.#now!.rows.set(key, meta);
    this.#histories.add(key, "loaded", this.#owner(meta.token), meta.generation);
  }

  /** W2. Where everything is kept, a claim that is gone was displaced by one that loads next. */
  #seeFence(key: string, { actor, token }: LoadRequest): void {
    const stray = this.#strays.get(key);
    const entry = this.#now!.tables.entry(actor);
    const named = entry?.token === token;
    if (stray && named) {
      stray.untilMs = this.#options.nowMs();
      this.#strays.delete(key);
    }
    if (stray || named || this.#kept) return;
    const unsettled = { fromMs: this.#options.nowMs(), untilMs: Infinity };
    this.#unsettled.push(unsettled);
    this.#strays.set(key, unsettled);
    this.#findings.saw("a fence raised by a claim that is gone");
  }

  #save(key: string, meta: RowMeta, row: RowMeta | undefined, request: SaveRequest): void {
    this.#seeRow(key, row);
    if (!row || row.token !== request.token || row.generation !== request.generation)
      this.#findings.violated(
        "I1",
        `${key}: a save of ${this.#owner(request.token)} with generation ${request.generation} was accepted over generation ${row?.generation ?? "none"} with ${row?.token === request.token ? "its" : "another"} token`,
      );
    if (row && row.etag !== request.etag)
      this.#findings.violated("I2", `${key}: an accepted save was not computed from its row`);
    if (row && (meta.token !== row.token || meta.generation !== row.generation))
      this.#findings.violated("I1", `${key}: a save changed the fence`);
    // The very same save may be applied again where the store lost it.
    const from = `${key} from ${request.etag}`;
    if ((this.#etags.get(meta.etag) ?? from) !== from || (this.#kept && this.#etags.has(meta.etag)))
      this.#findings.violated("I2", `${key}: the etag ${meta.etag} was used before`);
    this.#etags.set(meta.etag, from);
    this.#now!.rows.set(key, meta);
    this.#findings.saw("a save");
    this.#histories.add(key, "saved", this.#owner(meta.token), meta.generation);
  }

  /** A row is what the last decision made it: nothing else writes (I1, I8). */
  #seeRow(key: string, row: RowMeta | undefined): void {
    const left = this.#now!.rows.get(key);
    if (left && (row?.etag !== left.etag || row.token !== left.token))
      this.#findings.violated("I8", `${key}: the row is not what the last decision left there`);
  }

  /** The highest of the grants. A second one of the same token is the same request, sent again. */
  #seeGrant(
    highest: Granted | undefined,
    key: string,
    how: string,
    generation: number,
    token: string,
  ): Granted {
    const nowMs = this.#options.nowMs();
    const granted = { generation, token, atMs: nowMs };
    if (!highest || generation > highest.generation) return granted;
    const again = how !== "granted" && token === highest.token && generation === highest.generation;
    // W3.
    const remembered =
      this.#kept || (!this.#wallClocksJumped && nowMs - highest.atMs > this.#options.underwayMs);
    if (!again && remembered)
      this.#findings.violated(
        "I7",
        `${key} was ${how} generation ${generation} after ${highest.generation}`,
      );
    return highest;
  }

  #seeToken(key: string, token: string, generation: number): void {
    // A claim that is sent again where the store lost it may be granted another number.
    const use = `${key} generation ${this.#kept ? generation : ""}`;
    const before = this.#tokens.get(token);
    if (before !== undefined && !before.startsWith(use))
      this.#findings.violated("I7", `the token of ${before} is also that of ${use}`);
    if (before === undefined) this.#tokens.set(token, `${key} generation ${generation}`);
  }

  #seeMember(incarnation: Incarnation, member: MemberRecord): void {
    const { dead } = this.#now!;
    if (member.state === "dead") dead.add(incarnation);
    else if (dead.has(incarnation))
      this.#findings.violated("I5", `${this.#name(incarnation)} was dead and is ${member.state}`);
  }

  #known(key: string): Known {
    let known = this.#actors.get(key);
    if (!known) {
      known = { loaded: undefined, claimed: undefined, loads: new Set(), claims: new Map() };
      this.#actors.set(key, known);
    }
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
