// The catalog: actor → activation, for one incarnation of the silo.
//   G1. One slot per actor, taken synchronously at its first call, before anything is awaited (R12, I4).
//   G2. A slot is held through `deactivating` and left only when the activation has ended.
//   G3. At most `maxActivations` slots are taken: a call that would need one more is refused, and nothing of it remains (I12).
//   G4. Idle activations are collected; the sweep looks at a bounded number of them at a time.
import { type ActorAddress, type ActorKind, type Clock, formatActor } from "@tenure/core/internal";
import { delay } from "@tenure/core/internal";
import { Activation } from "../activation/activation.ts";
import type { ActivationDeps } from "../activation/activation-deps.ts";
import { CommitRefused } from "../activation/commit-pipeline.ts";
import type { IncomingCall } from "../activation/incoming-call.ts";
import { overloaded } from "../messaging/overloaded.ts";

const SWEEP_EVERY_MS = 1_000;
/** Some kilobytes each: before this many, a process has run out of memory. A bound, not a setting. */
const MAX_ACTIVATIONS = 1_000_000;
const SWEPT_AT_ONCE = 20_000;

export class Catalog {
  readonly #deps: Omit<ActivationDeps, "gone">;
  readonly #slots = new Map<string, Activation>();
  readonly #maxActivations: number;

  constructor(deps: Omit<ActivationDeps, "gone">, maxActivations = MAX_ACTIVATIONS) {
    this.#deps = deps;
    this.#maxActivations = maxActivations;
  }

  get size(): number {
    return this.#slots.size;
  }

  has(actor: ActorAddress): boolean {
    return this.#slots.has(formatActor(actor));
  }

  get(actor: ActorAddress): Activation | undefined {
    return this.#slots.get(formatActor(actor));
  }

  activations(): Iterable<Activation> {
    return this.#slots.values();
  }

  deliver(call: IncomingCall, kind: ActorKind): void {
    const key = formatActor(call.actor);
    let activation = this.#slots.get(key);
    if (!activation) {
      if (this.#slots.size >= this.#maxActivations) {
        // G3. The next sweep may collect some.
        const problem = `the silo has ${this.#maxActivations} activations, and no room for ${key}`;
        call.reply(overloaded(problem, SWEEP_EVERY_MS));
        return;
      }
      activation = this.#make(key, call.actor, kind);
      this.#slots.set(key, activation);
    }
    activation.enqueue(call);
  }

  #make(key: string, actor: ActorAddress, kind: ActorKind): Activation {
    const activation: Activation = new Activation(actor, kind, {
      ...this.#deps,
      gone: () => {
        if (this.#slots.get(key) === activation) this.#slots.delete(key);
      },
    });
    return activation;
  }

  /** Ends activations that had no call for as long as their class says. */
  async collectIdle(clock: Clock, signal: AbortSignal): Promise<void> {
    let sweep = this.#slots.values();
    for (;;) {
      await delay(clock, SWEEP_EVERY_MS, signal);
      const nowMs = clock.monotonicMs();
      for (let looked = 0; looked < SWEPT_AT_ONCE; looked++) {
        const next = sweep.next();
        if (next.done) {
          sweep = this.#slots.values();
          break;
        }
        const { idleMs } = next.value.kind.definition;
        if (idleMs !== false && next.value.quiet && nowMs - next.value.lastCallMs >= idleMs)
          next.value.deactivate("idle");
      }
    }
  }

  /** Hands every actor over: running turns finish, waiting calls are answered `moved`. */
  async drain(): Promise<void> {
    const all = [...this.#slots.values()];
    for (const activation of all) activation.deactivate("drain");
    await Promise.all(all.map((activation) => activation.ended));
  }

  /** Every actor is lost at once. */
  poison(reason: "lease-lost" | "fenced", message: string): void {
    const loss = new CommitRefused("SILO_UNAVAILABLE", message, false);
    for (const activation of this.#slots.values()) activation.poison(reason, loss);
  }
}
