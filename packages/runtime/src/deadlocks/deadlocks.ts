// Deadlocks over independent calls, as one incarnation of a silo sees to them: it looks for rings that its own turns wait in,
// answers others who look, and refuses the call that was chosen.
import type { Invoker } from "@tenure/client/internal";
import type {
  AskedCall,
  BreakMessage,
  Clock,
  EventSink,
  Incarnation,
  Message,
  Random,
  WaitState,
} from "@tenure/core/internal";
import { crossed } from "../activation/incoming-call.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { DeadlockWatch } from "./deadlock-watch.ts";
import { WaitCollector } from "./wait-collector.ts";
import type { Ring } from "./wait-graph.ts";
import { waitStates } from "./wait-states.ts";

export interface DeadlocksHost {
  readonly self: Incarnation;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly invoker: Pick<Invoker, "callsByTurn">;
  readonly catalog: Pick<Catalog, "get">;
  send(to: Incarnation, message: Message): void;
}

export class Deadlocks {
  readonly #host: DeadlocksHost;
  readonly #collector: WaitCollector;
  readonly #watch: DeadlockWatch;

  constructor(host: DeadlocksHost) {
    this.#host = host;
    const { self, clock, random, invoker } = host;
    this.#collector = new WaitCollector({
      self,
      clock,
      random,
      send: (to, message) => host.send(to, message),
      states: (asked) => this.states(asked),
    });
    this.#watch = new DeadlockWatch({
      clock,
      invoker,
      collector: this.#collector,
      break: (ring) => this.#choose(ring),
    });
  }

  /** One of this silo's turns makes a call. */
  calling(): void {
    this.#watch.called();
  }

  states(asked: readonly AskedCall[]): readonly WaitState[] {
    return waitStates(asked, {
      invoker: this.#host.invoker,
      wait: (actor, request) => this.#host.catalog.get(actor)?.wait(request),
    });
  }

  answered(request: number, states: readonly WaitState[]): void {
    this.#collector.answered(request, states);
  }

  /** The call of a ring that was chosen, if it still waits here. */
  break({ request, type, id, ring }: BreakMessage): void {
    const actor = { type, id };
    const activation = this.#host.catalog.get(actor);
    if (activation?.wait(request)?.kind !== "waits") return;
    this.#host.emit({ type: "deadlock.broken", actor, ring });
    activation.refuseWaiting(request, crossed(ring));
  }

  stop(): void {
    this.#watch.stop();
    this.#collector.stop();
  }

  #choose({ victim: { request, actor, silo }, text }: Ring): void {
    const message: BreakMessage = { kind: "break", request, ...actor, ring: text };
    if (silo === this.#host.self) this.break(message);
    else this.#host.send(silo, message);
  }
}
