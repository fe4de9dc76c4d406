// The catalog: actor → activation, for one incarnation of the silo.
//   G1. One slot per actor (slot-rules.ts), taken synchronously at its first call, before anything is awaited (R12, I4).
//   G2. A slot is held through `deactivating` and left only when the activation has ended.
//   G3. At most `maxActivations` slots are taken: a call that would need one more is refused, and nothing of it remains (I12).
//   G4. Idle activations are collected; the sweep looks at a bounded number of them at a time.
//   G5. Activations of stateless classes have slots, too, under keys that no actor has; which of them takes a call, its pool says.
//   G6. A drain takes a slice of each turn of the event loop: a silo that is full renews its lease, and serves what it still has,
//       while it hands its actors over. A sweep is in no hurry, and takes a small part of the time: calls would wait behind all
//       that became idle in the same second.
import {
  type ActorAddress,
  type ActorKind,
  assert,
  type Clock,
  delay,
  formatActor,
  type Refused,
} from "@tenure/core/internal";
import { Activation } from "../activation/activation.ts";
import type { ActivationDeps } from "../activation/activation-deps.ts";
import { CommitRefused } from "../activation/commit.ts";
import type { IncomingCall } from "../activation/incoming-call.ts";
import type { TurnRules } from "../activation/turn-rules.ts";
import { overloaded } from "../messaging/overloaded.ts";
import { HotActors } from "../messaging/hot-actors.ts";
import { SLICE_MS } from "../messaging/intake.ts";
import type { SlotRules } from "./slot-rules.ts";
import { NOBODYS, StatelessPool } from "./stateless-pool.ts";

const SWEEP_EVERY_MS = 1_000;
/** Some kilobytes each: before this many, a process has run out of memory. A bound, not a setting. */
const MAX_ACTIVATIONS = 1_000_000;
const SWEPT_AT_ONCE = 20_000;
/** A sweep works for so long, and rests. What follows from the end of an activation takes as long again. */
const SWEEP_SLICE_MS = 1;
const SWEEP_REST_MS = 4;
const LOOKS_AT_THE_CLOCK_EVERY = 64;

export interface CatalogDeps extends Omit<ActivationDeps, "gone" | "rules"> {
  readonly rules: TurnRules & SlotRules;
}

export class Catalog {
  readonly #deps: CatalogDeps & Pick<ActivationDeps, "gone">;
  readonly #slots = new Map<string, Activation>();
  readonly #pools = new Map<string, StatelessPool>();
  readonly #maxActivations: number;
  /** Names the activations of pools. */
  #made = 0;

  constructor(deps: CatalogDeps, maxActivations: number = MAX_ACTIVATIONS) {
    this.#deps = { ...deps, gone: (activation) => this.#leave(activation.key, activation) };
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

  /** `nowMs`: on the monotonic clock. */
  deliver(call: IncomingCall, kind: ActorKind, nowMs: number): void {
    if (kind.definition.stateless) {
      this.#poolOf(kind).deliver(call);
      return;
    }
    const key = call.actorKey ?? formatActor(call.actor);
    const holder = this.#slots.get(key);
    // Decided and taken in one step, before anything is awaited: of two first calls the second finds the first's slot.
    if (!this.#deps.rules.mayActivate(holder?.state)) {
      assert(holder, "G1: whoever may not take a slot joins the one who holds it");
      holder.enqueue(call, nowMs);
    } else {
      const full = holder ? undefined : this.#full(key);
      if (full) call.reply(full);
      else this.#take(key, call.actor, kind).enqueue(call, nowMs);
    }
  }

  /** The actor's activation, made for no call if there is none. It may still be starting. */
  activate(actor: ActorAddress, kind: ActorKind): Activation | Refused {
    const key = formatActor(actor);
    const holder = this.#slots.get(key);
    return holder ?? this.#full(key) ?? this.#take(key, actor, kind);
  }

  /** G3. The next sweep may collect some. */
  #full(key: string): Refused | undefined {
    if (this.#slots.size < this.#maxActivations) return undefined;
    const problem = `the silo has ${this.#maxActivations} activations, and no room for ${key}`;
    return overloaded(problem, SWEEP_EVERY_MS);
  }

  #take(
    key: string,
    actor: ActorAddress,
    kind: ActorKind,
    deps: ActivationDeps = this.#deps,
  ): Activation {
    const activation = new Activation(key, actor, kind, deps);
    this.#slots.set(key, activation);
    return activation;
  }

  #leave(key: string, activation: Activation): void {
    if (this.#slots.get(key) === activation) this.#slots.delete(key);
  }

  #poolOf(kind: ActorKind): StatelessPool {
    const { type } = kind.definition;
    let pool = this.#pools.get(type);
    if (!pool)
      this.#pools.set(
        type,
        (pool = new StatelessPool(
          kind,
          () => this.#deps.clock.monotonicMs(),
          (gone) => this.#poolMember(kind, gone),
        )),
      );
    return pool;
  }

  #poolMember(kind: ActorKind, gone: () => void): Activation | Refused {
    const { type } = kind.definition;
    // Its name in events and logs. No actor's key has the form of this one (G5): a type has no `#`.
    const id = `${this.#deps.silo}#${++this.#made}`;
    const key = `${type}#${id}`;
    const deps: ActivationDeps = {
      ...this.#deps,
      ownership: NOBODYS,
      gone: (activation) => {
        this.#leave(key, activation);
        gone();
      },
    };
    return this.#full(key) ?? this.#take(key, { type, id }, kind, deps);
  }

  /** Ends activations that had no call for as long as their class says, and tells of those that are hot (hot-actors.ts). */
  async collectIdle(clock: Clock, signal: AbortSignal): Promise<void> {
    let sweep = this.#slots.values();
    const hot = new HotActors(clock.monotonicMs(), this.#deps.emit);
    for (;;) {
      await delay(clock, SWEEP_EVERY_MS, signal);
      const nowMs = clock.monotonicMs();
      const slice = new Slice(clock, SWEEP_SLICE_MS);
      for (let looked = 0; looked < SWEPT_AT_ONCE; looked++) {
        const next = sweep.next();
        if (next.done) {
          sweep = this.#slots.values();
          break;
        }
        if (next.value.waiting > 0) hot.see(next.value.load);
        const { idleMs } = next.value.kind.definition;
        const ends =
          idleMs !== false && next.value.quiet && nowMs - next.value.lastCallMs >= idleMs;
        if (ends) next.value.deactivate("idle");
        if ((ends || looked % LOOKS_AT_THE_CLOCK_EVERY === 0) && slice.over) {
          await delay(clock, SWEEP_REST_MS, signal);
          slice.begin();
        }
      }
      hot.report(nowMs);
    }
  }

  /** Hands every actor over: running turns finish, waiting calls are answered `moved`. (G6) */
  async drain(): Promise<void> {
    const { clock } = this.#deps;
    for (const pool of this.#pools.values()) pool.close();
    const all = [...this.#slots.values()];
    const slice = new Slice(clock, SLICE_MS);
    for (const activation of all) {
      activation.deactivate("drain");
      if (!slice.over) continue;
      await new Promise<void>((resolve) => clock.afterTurn(resolve));
      slice.begin();
    }
    for (const activation of all) if (!activation.over) await activation.ended;
  }

  /** Every actor is lost at once. */
  poison(reason: "lease-lost" | "fenced", message: string): void {
    const loss = new CommitRefused("SILO_UNAVAILABLE", message, false);
    for (const pool of this.#pools.values()) pool.clear();
    for (const activation of this.#slots.values()) activation.poison(reason, loss);
  }
}

/** A piece of work that is long in all. */
class Slice {
  readonly #clock: Clock;
  readonly #ms: number;
  #sinceMs: number;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.#sinceMs = clock.monotonicMs();
  }

  /** The rest has to wait. */
  get over(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs >= this.#ms;
  }

  begin(): void {
    this.#sinceMs = this.#clock.monotonicMs();
  }
}
