// The commits of one activation.
//   P1. At most one save is undecided; turns that end meanwhile join the next one, computed from the etag of this one.
//   P2. Whatever waits for a commit is let go only when the store has confirmed it (I9).
//   P3. A save whose answer is lost is sent again, the same save with the same etag, for as long as the lease lasts (R7, R8).
//   P4. A refused save ends the pipeline: everything that waits, or comes later, is refused with it (R25).
//       One that is too large for the store is no loss to those that come later: they are told that the activation is gone.
//   P5. Before each send the lease must hold (R6); a paused silo holds its saves until it resumes.
//   P6. The first definitive answer to any of the sends decides, also one that comes after that send was given up.
import {
  type ActorAddress,
  type Clock,
  delay,
  type EventSink,
  type Random,
  type SaveAnswer,
  type SaveRequest,
} from "@tenure/core/internal";
import type { Claim } from "@tenure/directory/internal";
import { backoffMs } from "@tenure/client/internal";
import { Batch, type Commit, CommitRefused, RefusedCommit } from "./commit.ts";
import type { AskedSave } from "./row-store.ts";

export interface CommitHost {
  readonly address: ActorAddress;
  readonly claim: Claim;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  save(asked: AskedSave): void;
  /** Undefined while the lease holds; rejects when the incarnation is over. */
  whenHeld(): Promise<void> | undefined;
  /** An answer was lost: no new turn should build on what may not be there. `false` when it is settled. */
  undecided(undecided: boolean): void;
  refused(refusal: CommitRefused): void;
}

export interface Changes {
  readonly put: readonly (readonly [name: string, bytes: Uint8Array])[];
  readonly del: readonly string[];
}

const NONE: readonly never[] = [];

export class CommitPipeline {
  readonly #host: CommitHost;
  #etag: string;
  #saving: Batch | undefined;
  #next: Batch | undefined;
  #refusal: CommitRefused | undefined;

  constructor(host: CommitHost, etag: string) {
    this.#host = host;
    this.#etag = etag;
  }

  /** Adds a turn's changes to the next save. */
  stage(changes: Changes): Commit {
    if (this.#refusal) return new RefusedCommit(this.#refusal);
    const batch = (this.#next ??= new Batch());
    for (const [name, bytes] of changes.put) batch.add(name, bytes);
    for (const name of changes.del) batch.remove(name);
    if (!this.#saving) this.#begin();
    return batch;
  }

  /** The same for one part that is put, as nearly every turn does. */
  stagePart(name: string, bytes: Uint8Array): void {
    if (this.#refusal) return;
    (this.#next ??= new Batch()).add(name, bytes);
    if (!this.#saving) this.#begin();
  }

  /** What must be durable before anything that was computed until now may be shown; undefined when all of it is. */
  barrier(): Commit | undefined {
    return this.#refusal ? new RefusedCommit(this.#refusal) : (this.#next ?? this.#saving);
  }

  /** Refuses everything that waits: the activation is lost for another reason than a save. */
  abandon(refusal: CommitRefused): void {
    if (this.#refusal) return;
    this.#refusal = refusal;
    this.#saving?.settle(refusal);
    this.#next?.settle(refusal);
  }

  // Nearly every save is sent at once, and what is heard of it first is that it was accepted: then no promise is made for it.
  #begin(): void {
    const batch = this.#next;
    if (!batch) return;
    this.#saving = batch;
    this.#next = undefined;
    const request = this.#requestOf(batch);
    const paused = this.#host.whenHeld();
    if (paused) void this.#insist(new Save(request, undefined), paused);
    else this.#host.save(new Save(request, this));
  }

  /** The first that a save that was sent at once hears: its answer, or that none came in time. */
  heard(save: Save): void {
    if (this.#refusal) return;
    if (save.answer?.ok) {
      this.#etag = save.request.newEtag;
      this.#accepted();
    } else void this.#insist(save, undefined);
  }

  #accepted(): void {
    const batch = this.#saving;
    this.#saving = undefined;
    // First: whoever is told may go on at once, and stage more (P1).
    this.#begin();
    batch?.settle(undefined);
  }

  /** What becomes of a save that was not accepted at once. */
  async #insist(save: Save, paused: Promise<void> | undefined): Promise<void> {
    const refusal = save.answer
      ? this.#conclude(save.request, save.answer, 1)
      : await this.#resend(save, paused);
    if (this.#refusal) return;
    if (!refusal) {
      this.#accepted();
      return;
    }
    this.#saving?.settle(refusal);
    this.abandon(refusal.forOthers);
    this.#host.refused(refusal);
  }

  #requestOf(batch: Batch): SaveRequest {
    const { address: actor, claim, random } = this.#host;
    return {
      actor,
      generation: claim.generation,
      token: claim.token,
      etag: this.#etag,
      newEtag: random.hex128(),
      put: batch.put,
      del: batch.del ? [...batch.del] : NONE,
      due: undefined,
    };
  }

  /** Resolves when something is heard of it. */
  #send(save: Save): Promise<void> {
    const heard = save.heard();
    this.#host.save(save);
    return heard;
  }

  /**
   * The same save until it is answered or the lease is over (P3): again where it was sent in vain, or for the first time where the
   * silo is `paused`.
   */
  async #resend(save: Save, paused: Promise<void> | undefined): Promise<CommitRefused | undefined> {
    const { address: actor, clock, random, emit } = this.#host;
    let pause = paused;
    for (let sends = paused ? 0 : 1; ;) {
      if (sends > 0) {
        emit({ type: "commit.resent", actor, attempt: sends });
        this.#host.undecided(true);
        await Promise.race([delay(clock, backoffMs(sends, random.next())), save.heard()]);
        // What has been heard while nobody listened decides (P6), whatever has become of the lease.
        pause = save.answer ? undefined : this.#host.whenHeld();
      }
      if (pause && (await this.#isOver(pause, save)))
        // One that was sent may have been applied.
        return new CommitRefused("SILO_UNAVAILABLE", "the silo's incarnation is over", sends === 0);
      if (this.#refusal) return this.#refusal;
      if (!save.answer) {
        sends += 1;
        await this.#send(save);
      }
      if (save.answer) return this.#conclude(save.request, save.answer, sends);
    }
  }

  /** Waits until the lease holds (P5) or an answer has come. Whether the lease is lost for good. */
  async #isOver(paused: Promise<void>, save: Save): Promise<boolean> {
    try {
      for (let held: Promise<void> | undefined = paused; held;) {
        await Promise.race([held, save.heard()]);
        if (save.answer) break;
        held = this.#host.whenHeld();
      }
      return false;
    } catch {
      return true;
    }
  }

  #conclude(request: SaveRequest, answer: SaveAnswer, sends: number): CommitRefused | undefined {
    if (!answer.ok) return refusalOf(answer, sends === 1);
    this.#etag = request.newEtag;
    this.#host.undecided(false);
    return undefined;
  }
}

/** A save under way: its first answer, to any of the sends, decides (P6). */
class Save implements AskedSave {
  readonly request: SaveRequest;
  answer: SaveAnswer | undefined;
  #first: Pick<CommitPipeline, "heard"> | undefined;
  #wake: (() => void) | undefined;

  /** `first` is told what is heard first; from then on it is for `heard`. */
  constructor(request: SaveRequest, first: Pick<CommitPipeline, "heard"> | undefined) {
    this.request = request;
    this.#first = first;
  }

  answered(answer: SaveAnswer): void {
    this.answer ??= answer;
    this.#tell();
  }

  unanswered(): void {
    this.#tell();
  }

  #tell(): void {
    const first = this.#first;
    this.#first = undefined;
    if (first) first.heard(this);
    else this.#wake?.();
  }

  /** Resolves when something is heard of it: an answer, or that none came in time. */
  heard(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function refusalOf(answer: Extract<SaveAnswer, { ok: false }>, single: boolean): CommitRefused {
  switch (answer.refusal) {
    case "fenced":
      return new CommitRefused(
        "FENCED",
        `the store holds generation ${answer.generation}: this activation has lost its actor`,
        single,
        answer.generation,
      );
    case "conflict":
      return new CommitRefused(
        "FENCED",
        "the store holds another version of the state than this activation saved last",
        single,
      );
    case "too-large":
      return new CommitRefused("NOT_SERIALIZABLE", answer.problem, single);
    case "newer-format":
      return new CommitRefused("FENCED", `the row has the newer format ${answer.format}`, single);
    case "damaged":
      return new CommitRefused("FENCED", `the row is damaged: ${answer.problem}`, single);
  }
}
