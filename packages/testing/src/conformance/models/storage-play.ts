// Plays one sequence on a storage and on the model: the same answers, and the same rows to be read back.
import { deepStrictEqual } from "node:assert";
import {
  type ActorAddress,
  dueBucket,
  encodeActorKey,
  formatActor,
  type OwnershipRules,
  ROW_FORMAT,
  type Sequenced,
  type Storage,
} from "@tenure/core/internal";
import type { OpenedStorage } from "../storage-bench.ts";
import type { Bench, Planted } from "../suite.ts";
import { assertInvariants } from "./invariants.ts";
import type { Note, Play } from "./run.ts";
import { assertSequence, Sessions } from "./sessions.ts";
import { ACTORS, BUCKETS, PARTS, type StorageCommand } from "./storage-commands.ts";
import { STORAGE_INVARIANTS } from "./storage-invariants.ts";
import {
  decideStorage,
  dueIn,
  EMPTY_STORAGE,
  type StorageReply,
  type StorageState,
  type StorageStep,
  withNewerRow,
} from "./storage-model.ts";
import { noteStep, outcomeOf, plainDue, plainParts, plainReply } from "./storage-replies.ts";
import { asksOf, operationOf, type StorageOperation } from "./storage-requests.ts";

export interface OpenedModelStorage extends OpenedStorage {
  /** Compares the rows themselves, after each sequence, with what the model has. */
  readonly compareRecords?: (cluster: string, model: StorageState) => Promise<void>;
}

export interface StoragePlayOptions {
  readonly bench: Bench<Storage, OpenedModelStorage>;
  /** What the model decides by. */
  readonly rules: OwnershipRules;
  readonly note: Note;
}

/** Later than any due time. */
const EVER = 1e300;
const PLENTY = 1_000;

export class StoragePlay implements Play<StorageCommand> {
  readonly #on: StoragePlayOptions;
  readonly #sessions: Sessions<Storage>;
  readonly #sent: StorageOperation[] = [];
  readonly #planted: Planted[] = [];
  #state = EMPTY_STORAGE;
  #named = 0;
  #sequence = 0;

  private constructor(on: StoragePlayOptions, sessions: Sessions<Storage>) {
    this.#on = on;
    this.#sessions = sessions;
  }

  static async start(on: StoragePlayOptions): Promise<StoragePlay> {
    return new StoragePlay(on, await Sessions.open(on.bench));
  }

  async step(command: StorageCommand): Promise<void> {
    const { bench, note } = this.#on;
    switch (command.kind) {
      case "again": {
        const operation = this.#sent.at(-1 - command.back);
        if (!operation) return;
        note("again sent");
        await this.#send(operation);
        return;
      }
      case "due":
        await this.#compareDue(command.time);
        return;
      case "parts":
        await this.#compareParts(command.actor);
        return;
      case "reopen":
        await this.#sessions.reopen(async () => {});
        note("store reopened");
        return;
      case "newer row": {
        const { plant } = bench.store;
        const row = this.#state.rows.get(formatActor(command.actor));
        if (!plant || !row || row.meta.format > ROW_FORMAT) return;
        await this.#sessions.reopen(async () => {
          this.#planted.push(await plant.newerRow(bench.cluster, command.actor));
        });
        this.#state = withNewerRow(this.#state, command.actor);
        return;
      }
      default: {
        const operation = operationOf(command, this.#state, () => ++this.#named);
        await this.#send(operation);
        this.#sent.push(operation);
      }
    }
  }

  /** SM2: all that the port shows of each row. The row's own claim may load it again without changing it. */
  async finish(): Promise<void> {
    const { bench } = this.#on;
    await this.#compareDue(EVER);
    for (const actor of ACTORS) {
      await this.#compareParts(actor);
      const meta = this.#state.rows.get(formatActor(actor))?.meta ?? { generation: 1, token: "t0" };
      const requests = [{ actor, generation: meta.generation, token: meta.token }];
      await this.#send({ op: "verify", requests });
      if (this.#state.rows.has(formatActor(actor))) await this.#send({ op: "load", requests });
    }
    await bench.store.compareRecords?.(bench.cluster, this.#state);
    await bench.closeAll();
    for (const planted of this.#planted)
      deepStrictEqual(
        { newerRowUnchanged: await planted.unchanged() },
        { newerRowUnchanged: true },
      );
  }

  async close(): Promise<void> {
    await this.#on.bench.closeAll();
  }

  async #send(operation: StorageOperation): Promise<void> {
    const { rules, note } = this.#on;
    const { op } = operation;
    const asked = await ask(this.#sessions.next(), operation);
    const before = this.#state;
    let state = before;
    const steps = asksOf(operation).map((one): StorageStep => {
      const step = decideStorage(state, one, rules);
      state = step.after;
      return step;
    });
    // SM1.
    deepStrictEqual(
      { op, answer: asked.answer.map(plainReply) },
      { op, answer: steps.map(({ answer }) => plainReply(answer)) },
    );
    for (const step of steps) {
      noteStep(step, note);
      assertInvariants(STORAGE_INVARIANTS, step, rules);
    }
    if (new Set(steps.map(({ answer }) => outcomeOf(answer))).size > 1) note("batch mixed");
    this.#state = state === before ? before : { ...state, writes: before.writes + 1 };
    this.#sequence = assertSequence(this.#sequence, asked.sequence, state !== before);
  }

  async #compareDue(time: number): Promise<void> {
    const storage = this.#sessions.next();
    const all = dueIn(this.#state, time);
    for (const bucket of BUCKETS) {
      const found = await storage.dueBefore(bucket, time, PLENTY);
      const due = all.filter(({ actor }) => dueBucket(encodeActorKey(actor)) === bucket);
      deepStrictEqual({ due: plainDue(found) }, { due: plainDue(due) });
      if (due.length > 0) this.#on.note("due found");
      if (due.length > 1) this.#on.note("due several");
    }
  }

  async #compareParts(actor: ActorAddress): Promise<void> {
    const found = await this.#sessions.next().parts({ actor, names: PARTS });
    const row = this.#state.rows.get(formatActor(actor));
    deepStrictEqual({ parts: plainParts(found) }, { parts: plainParts(row?.parts ?? new Map()) });
  }
}

async function ask(
  storage: Storage,
  { op, requests }: StorageOperation,
): Promise<Sequenced<readonly StorageReply[]>> {
  switch (op) {
    case "load":
      return await storage.load(requests);
    case "save":
      return await storage.save(requests);
    case "verify":
      return await storage.verify(requests);
  }
}
