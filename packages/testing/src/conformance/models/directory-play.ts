// Plays one sequence on a directory and on the model: the same answers, and the same records to be read back.
import { deepStrictEqual } from "node:assert";
import {
  type Directory,
  formatActor,
  type Incarnation,
  type OwnershipRules,
  type Sequenced,
} from "@tenure/core/internal";
import type { OpenedDirectory } from "../directory-bench.ts";
import type { Bench } from "../suite.ts";
import { ACTORS, type DirectoryCommand } from "./directory-commands.ts";
import { DIRECTORY_INVARIANTS } from "./directory-invariants.ts";
import {
  decideDirectory,
  type DirectoryReply,
  type DirectoryState,
  type DirectoryStep,
  EMPTY_DIRECTORY,
  withEveryoneDead,
  withForeigner,
  withoutMember,
} from "./directory-model.ts";
import { holderIn, noteStep, outcomeOf } from "./directory-replies.ts";
import {
  asksOf,
  type DirectoryOperation,
  incarnationOf,
  operationOf,
} from "./directory-requests.ts";
import { assertInvariants } from "./invariants.ts";
import type { Note, Play } from "./run.ts";
import { assertSequence, Sessions } from "./sessions.ts";

/** What differs between stores that all keep the port's promises. */
export interface DirectoryTraits {
  /** Absent entries are trusted from the first registration on, whatever that says (R13). @default false */
  readonly startsOpen?: boolean;
  /** Opening the store again proves that everyone in it is dead, and opens the directory. @default false */
  readonly reopeningProvesDeath?: boolean;
}

export interface OpenedModelDirectory extends OpenedDirectory {
  /** Compares the records themselves, after each sequence, with what the model has. */
  readonly compareRecords?: (cluster: string, model: DirectoryState) => Promise<void>;
}

export interface DirectoryPlayOptions {
  readonly bench: Bench<Directory, OpenedModelDirectory>;
  readonly traits: DirectoryTraits;
  /** What the model decides by. */
  readonly rules: OwnershipRules;
  readonly note: Note;
}

export class DirectoryPlay implements Play<DirectoryCommand> {
  readonly #on: DirectoryPlayOptions;
  readonly #sessions: Sessions<Directory>;
  readonly #sent: DirectoryOperation[] = [];
  #state = EMPTY_DIRECTORY;
  #named = 0;
  #sequence = 0;

  private constructor(on: DirectoryPlayOptions, sessions: Sessions<Directory>) {
    this.#on = on;
    this.#sessions = sessions;
  }

  static async start(on: DirectoryPlayOptions): Promise<DirectoryPlay> {
    return new DirectoryPlay(on, await Sessions.open(on.bench));
  }

  async step(command: DirectoryCommand): Promise<void> {
    const { bench, note } = this.#on;
    const plant = bench.store.plant;
    switch (command.kind) {
      case "again": {
        const operation = this.#sent.at(-1 - command.back);
        if (!operation) return;
        note("again sent");
        await this.#send(operation);
        return;
      }
      case "look":
        await this.#look();
        return;
      case "reopen":
        await this.#reopen(async () => {});
        return;
      case "foreign": {
        const chosen = incarnationOf(command.silo, this.#state, this.#fresh);
        if (!plant?.foreignMember || !this.#state.members.has(chosen)) return;
        await this.#reopen(() => plant.foreignMember!(bench.cluster, chosen));
        this.#state = withForeigner(this.#state, chosen);
        return;
      }
      case "lose owner": {
        const owner = this.#state.entries.get(formatActor(command.actor))?.incarnation;
        if (!plant || owner === undefined || !this.#state.members.has(owner)) return;
        await this.#reopen(() => plant.lostMember(bench.cluster, owner));
        this.#state = withoutMember(this.#state, owner);
        return;
      }
      default: {
        const operation = operationOf(command, this.#state, this.#fresh);
        await this.#send(operation);
        this.#sent.push(operation);
      }
    }
  }

  async finish(): Promise<void> {
    await this.#look();
    await this.#on.bench.store.compareRecords?.(this.#on.bench.cluster, this.#state);
  }

  async close(): Promise<void> {
    await this.#on.bench.closeAll();
  }

  async #send(operation: DirectoryOperation): Promise<void> {
    const { rules, traits, note } = this.#on;
    const { op } = operation;
    const asked = await ask(this.#sessions.next(), operation);
    const before = this.#state;
    let state = before;
    const steps = asksOf(operation).map((given, i): DirectoryStep => {
      const counts = given.op === "register" && traits.startsOpen;
      const one = counts ? { ...given, request: { ...given.request, bootstrap: true } } : given;
      const step = decideDirectory(state, one, rules, holderIn(asked.answer[i]));
      state = step.after;
      return step;
    });
    // DM1.
    deepStrictEqual(
      { op, answer: asked.answer },
      { op, answer: steps.map(({ answer }) => answer) },
    );
    for (const step of steps) {
      noteStep(step, note);
      assertInvariants(DIRECTORY_INVARIANTS, step, rules);
    }
    if (new Set(steps.map(({ answer }) => outcomeOf(answer))).size > 1) note("batch mixed");
    this.#state = state === before ? before : { ...state, writes: before.writes + 1 };
    this.#sequence = assertSequence(this.#sequence, asked.sequence, state !== before);
  }

  /** DM2. */
  async #look(): Promise<void> {
    const directory = this.#sessions.next();
    const { members, swept, entries, sentinel } = this.#state;
    const listed = [...members.values()].filter(({ incarnation }) => !swept.has(incarnation));
    const found = await directory.members();
    const byName = (a: { incarnation: Incarnation }, b: { incarnation: Incarnation }): number =>
      a.incarnation < b.incarnation ? -1 : 1;
    deepStrictEqual(
      { ...found.answer, members: found.answer.members.toSorted(byName) },
      { sentinel, members: listed.toSorted(byName), damaged: [] },
    );
    const owners = await directory.lookup(ACTORS);
    deepStrictEqual(
      owners.answer,
      ACTORS.map((actor) => ({ ok: true, entry: entries.get(formatActor(actor)) })),
    );
    this.#sequence = assertSequence(this.#sequence, found.sequence, false);
    this.#sequence = assertSequence(this.#sequence, owners.sequence, false);
  }

  async #reopen(meanwhile: () => Promise<void>): Promise<void> {
    const { traits, note } = this.#on;
    await this.#sessions.reopen(meanwhile);
    note("store reopened");
    if (traits.reopeningProvesDeath) this.#state = withEveryoneDead(this.#state);
  }

  readonly #fresh = (): number => ++this.#named;
}

async function ask(
  directory: Directory,
  { op, requests }: DirectoryOperation,
): Promise<Sequenced<readonly DirectoryReply[]>> {
  const one = async (answer: Promise<Sequenced<DirectoryReply>>): ReturnType<typeof ask> => {
    const { sequence, answer: only } = await answer;
    return { sequence, answer: [only] };
  };
  switch (op) {
    case "register":
      return await one(directory.register(requests[0]));
    case "renew":
      return await one(directory.renew(requests[0]));
    case "markDead":
      return await one(directory.markDead(requests[0]));
    case "sweep":
      return await one(directory.sweep(requests[0]));
    case "open":
      return await one(directory.open(requests[0].storeId));
    case "claim":
      return await directory.claim(requests);
    case "release":
      return await directory.release(requests);
  }
}
