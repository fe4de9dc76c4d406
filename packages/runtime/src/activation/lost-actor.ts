// What an actor may still do after it has been lost (R25): look, and nothing else.
//   L1. Facts go on working: its name, its silo, its generation, the signal, the log, the current call.
//   L2. State can be read, as this activation knew it last: code that runs on must be able to clean up after itself, and
//       nothing that it computes can leave. It may be old: another activation may have changed it since.
//   L3. Every operation and every change of state throws FencedError, at the place where it was tried.
import { type ActorAddress, FencedError, formatActor } from "@tenure/core/internal";
import type { CommitRefused } from "./commit.ts";
import { viewsRefusing } from "./readonly-view.ts";

export interface LostHost {
  readonly address: ActorAddress;
  /** Set when the activation has been lost. */
  readonly loss: CommitRefused | undefined;
}

export class LostActor {
  readonly #host: LostHost;
  #view: (<T>(value: T) => T) | undefined;

  constructor(host: LostHost) {
    this.#host = host;
  }

  get isLost(): boolean {
    return this.#host.loss !== undefined;
  }

  /** The guard of every operation. @throws FencedError after the loss */
  refuse(what: string): void {
    if (this.isLost) throw this.error(what);
  }

  error(what: string): FencedError {
    const why = this.#host.loss?.message;
    return new FencedError(
      `${what}: ${formatActor(this.#host.address)} was lost${why ? `: ${why}` : ""}; nothing that this activation does counts any more`,
      { outcome: "not-executed" },
    );
  }

  /** State as it can be seen after the loss (L2, L3). */
  view<T>(state: T): T {
    this.#view ??= viewsRefusing((what) => this.error(what));
    return this.#view(state);
  }
}
