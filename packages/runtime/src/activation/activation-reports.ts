// What an activation tells the silo's event stream.
import type { ActorAddress, Clock, DeactivationReason, EventSink } from "@tenure/core/internal";
import { formatActor } from "@tenure/core/internal";
import type { Claim } from "@tenure/directory/internal";
import type { CommitRefused } from "./commit.ts";
import type { Life } from "./life.ts";

export class ActivationReports {
  readonly #actor: ActorAddress;
  readonly #clock: Clock;
  readonly #emit: EventSink;

  constructor(actor: ActorAddress, clock: Clock, emit: EventSink) {
    this.#actor = actor;
    this.#clock = clock;
    this.#emit = emit;
  }

  activated({ claim }: Life): void {
    this.#emit({
      type: "activation.activated",
      actor: this.#actor,
      generation: claim.generation,
    });
  }

  /** It never became active. */
  failed(error: string): void {
    this.#emit({ type: "activation.failed", actor: this.#actor, error });
  }

  /** The store refused a save, does not have the actor as this activation's any more, or lost what it had saved. */
  fenced(claim: Claim, refusal: CommitRefused, operation: "save" | "verify" | "parts"): void {
    this.#emit({
      type: "activation.fenced",
      actor: this.#actor,
      generation: claim.generation,
      storedGeneration: refusal.storedGeneration,
      operation,
      error: "FencedError",
    });
  }

  ended({ claim, sinceMs }: Life, reason: DeactivationReason): void {
    this.#emit({
      type: "activation.deactivated",
      actor: this.#actor,
      generation: claim.generation,
      reason,
      activeMs: this.#clock.monotonicMs() - sinceMs,
    });
  }

  /** Something failed that nobody is told by an answer. */
  broken(error: string, hook?: string): void {
    const task = formatActor(this.#actor);
    this.#emit({ type: "task.failed", task: hook ? `${task}.${hook}` : task, error });
  }
}
