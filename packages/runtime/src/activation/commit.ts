// One commit, as it is waited for: what is on its way to the store, and what becomes of it (commit-pipeline.ts sends it).

/** Why nothing of this activation can be committed any more. */
export class CommitRefused extends Error {
  /** What a caller is told: the store refused the save, or the silo lost the actor without asking it. */
  readonly code: "FENCED" | "SILO_UNAVAILABLE" | "NOT_SERIALIZABLE";
  /** True when the store proved that the save was not applied, and it was sent only once (R24). */
  readonly definitive: boolean;
  readonly storedGeneration: number;

  constructor(
    code: CommitRefused["code"],
    message: string,
    definitive: boolean,
    storedGeneration = 0,
  ) {
    super(message);
    this.code = code;
    this.definitive = definitive;
    this.storedGeneration = storedGeneration;
  }

  /** The same for those that were not in the refused save: that another's is too large says nothing of theirs. */
  get forOthers(): CommitRefused {
    if (this.code !== "NOT_SERIALIZABLE") return this;
    return new CommitRefused("FENCED", this.message, this.definitive);
  }
}

/** Told once: why the commit is refused, or that it is durable. */
export type CommitListener = (refusal: CommitRefused | undefined) => void;

/** What is on its way to the store, for those who wait for it. */
export interface Commit {
  /**
   * Calls it as soon as the store has confirmed the commit, at once if it has; of a refusal it is told in a microtask, when whoever
   * refuses is done. Every write has one: a promise, and what hangs on it, takes four times as long.
   */
  tell(listener: CommitListener): void;
  /** The same as a promise, which nobody has to look at. */
  readonly done: Promise<void>;
}

/** What the next save has. */
export class Batch implements Commit {
  readonly put: Map<string, Uint8Array> = new Map();
  del: Set<string> | undefined;
  #first: CommitListener | undefined;
  #others: CommitListener[] | undefined;
  #done: Promise<void> | undefined;
  #settled: CommitRefused | true | undefined;

  add(name: string, bytes: Uint8Array): void {
    this.put.set(name, bytes);
    this.del?.delete(name);
  }

  remove(name: string): void {
    (this.del ??= new Set()).add(name);
    this.put.delete(name);
  }

  tell(listener: CommitListener): void {
    if (this.#settled) tell(listener, this.#settled);
    else if (!this.#first) this.#first = listener;
    else (this.#others ??= []).push(listener);
  }

  get done(): Promise<void> {
    return (this.#done ??= promiseOf(this));
  }

  /** Once: what comes later says nothing. */
  settle(refusal: CommitRefused | undefined): void {
    if (this.#settled) return;
    this.#settled = refusal ?? true;
    if (this.#first) tell(this.#first, this.#settled);
    if (this.#others) for (const listener of this.#others) tell(listener, this.#settled);
  }
}

/** Of what was lost before it could be staged, too. */
export class RefusedCommit implements Commit {
  readonly #refusal: CommitRefused;

  constructor(refusal: CommitRefused) {
    this.#refusal = refusal;
  }

  tell(listener: CommitListener): void {
    tell(listener, this.#refusal);
  }

  get done(): Promise<void> {
    return promiseOf(this);
  }
}

function tell(listener: CommitListener, settled: CommitRefused | true): void {
  if (settled !== true) {
    queueMicrotask(() => listener(settled));
    return;
  }
  try {
    listener(undefined);
  } catch (error) {
    // A bug of ours, of which the other saves of the store's answer know nothing.
    queueMicrotask(() => {
      throw error;
    });
  }
}

function promiseOf(commit: Commit): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    commit.tell((refusal) => (refusal ? reject(refusal) : resolve()));
  });
  // A refusal that nobody happens to wait for is not an unhandled error of the process.
  done.catch(() => undefined);
  return done;
}
