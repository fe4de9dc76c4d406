// User code and replies, watched at every silo.
//   I3: nothing of an actor runs before its load raised the fence (before its claim, for an actor without state).
//   I4: once the activation of a later claim has begun to serve, no earlier one starts a turn or answers.
//   I5: nothing starts in an incarnation that the store has as dead.
//   I12: no more calls wait for an actor than its class allows.
import type { Actor } from "@tenure/core";
import type { Incarnation, Message } from "@tenure/core/internal";
import type { Activated, UserCode } from "./observed-actor.ts";
import type { Histories } from "./history.ts";
import type { SimNode } from "./node.ts";
import type { StoreWatch } from "./store-watch.ts";
import type { Findings } from "./violations.ts";

/** A silo's process, as the watch needs it. */
export interface WatchedSilo {
  readonly node: SimNode;
  readonly incarnation: Incarnation | undefined;
}

interface Serving {
  readonly generation: number;
  readonly silo: WatchedSilo;
}

interface Served extends Serving {
  readonly place: number;
  readonly atMs: number;
}

interface Started extends Serving {
  readonly key: string;
  readonly method: string;
}

export class CodeWatch {
  readonly #findings: Findings;
  readonly #histories: Histories;
  readonly #store: StoreWatch;
  /** The newest activation of each actor that has served. */
  readonly #newest = new Map<string, Served>();
  readonly #started = new Map<number, Started>();
  /** Calls that a pool serves: nobody owns those who serve them. */
  readonly #ofPools = new Set<number>();
  /** Delivered calls that have neither started nor been answered: by process, by actor. */
  readonly #waiting = new WeakMap<SimNode, Map<string, Set<number>>>();
  readonly #maxQueue: ReadonlyMap<string, number>;
  readonly #processes = new WeakMap<Actor<unknown>, SimNode>();

  constructor(
    findings: Findings,
    histories: Histories,
    store: StoreWatch,
    maxQueue: ReadonlyMap<string, number>,
  ) {
    this.#findings = findings;
    this.#histories = histories;
    this.#store = store;
    this.#maxQueue = maxQueue;
  }

  /** The process in which this object lives. */
  processOf(actor: Actor<unknown>): SimNode | undefined {
    return this.#processes.get(actor);
  }

  at(silo: WatchedSilo): UserCode {
    return {
      constructed: (activation, actor) => {
        this.#processes.set(actor, silo.node);
        this.#constructed(silo, activation);
      },
      turn: (activation, method, request) => this.#turn(silo, activation, method, request),
    };
  }

  /** A new incarnation of this process: what waited in its last one waits no more, though no answer to it could leave. */
  joined(node: SimNode): void {
    this.#waiting.delete(node);
  }

  delivered(node: SimNode, message: Message): void {
    // Given up: it waits no more, if it did.
    if (message.kind === "cancel")
      for (const waiting of this.#waiting.get(node)?.values() ?? [])
        waiting.delete(message.request);
    if (message.kind !== "call") return;
    const key = `${message.type}/${message.id}`;
    const most = this.#maxQueue.get(message.type);
    if (most === undefined) return;
    let byActor = this.#waiting.get(node);
    if (!byActor) this.#waiting.set(node, (byActor = new Map()));
    let waiting = byActor.get(key);
    if (!waiting) byActor.set(key, (waiting = new Set()));
    waiting.add(message.request);
  }

  /** After an event: what was delivered in it has found its place. */
  checkWaiting(nodes: Iterable<SimNode>): void {
    for (const node of nodes)
      for (const [key, waiting] of this.#waiting.get(node) ?? []) {
        const most = this.#maxQueue.get(key.slice(0, key.indexOf("/")))!;
        if (waiting.size > most)
          this.#findings.violated("I12", `${waiting.size} calls wait for ${key}; ${most} may`);
      }
  }

  /** A silo sends something. */
  sent(node: SimNode, message: Message): void {
    if (message.kind !== "reply") return;
    const { request, result } = message;
    for (const waiting of this.#waiting.get(node)?.values() ?? []) waiting.delete(request);
    if (result.status === "refused") {
      this.#findings.saw(
        result.reason === "moved" && result.owner ? "a redirect" : `refused: ${result.reason}`,
      );
      return;
    }
    const started = this.#started.get(request);
    if (result.status === "failed") {
      this.#findings.saw(`failed: ${result.code}`);
      return;
    }
    if (this.#ofPools.delete(request)) return;
    if (!started) {
      this.#findings.saw("a repeated key answered from its record");
      return;
    }
    this.#started.delete(request);
    this.#histories.add(
      started.key,
      "replied",
      node.name,
      started.generation,
      `${started.method} ${result.status}`,
    );
    this.#serves(started.key, started, `answers ${started.method}`);
  }

  #constructed(silo: WatchedSilo, { type, id, generation, stateful, owned }: Activated): void {
    if (!owned) return;
    const key = `${type}/${id}`;
    const ready = stateful
      ? this.#store.hasLoaded(key, generation)
      : this.#store.placeOf(key, generation, silo.incarnation) > 0;
    if (!ready)
      this.#findings.violated(
        "I3",
        `${key} generation ${generation} was constructed on ${silo.node.name} before ${stateful ? "its load" : "its claim"}`,
      );
    this.#histories.add(key, "constructed", silo.node.name, generation);
  }

  #turn(
    silo: WatchedSilo,
    { type, id, generation, owned }: Activated,
    method: string,
    request: number,
  ): void {
    if (!owned) {
      this.#ofPools.add(request);
      return;
    }
    const key = `${type}/${id}`;
    const { incarnation, node } = silo;
    this.#waiting.get(node)?.get(key)?.delete(request);
    if (incarnation !== undefined && this.#store.isDead(incarnation) && this.#store.settled)
      this.#findings.violated(
        "I5",
        `${node.name} is dead and starts ${key}.${method} generation ${generation}`,
      );
    this.#histories.add(key, "turn", node.name, generation, method);
    this.#started.set(request, { key, generation, silo, method });
    this.#serves(key, { generation, silo }, `starts ${method}`);
  }

  #serves(key: string, now: Serving, what: string): void {
    const { nowMs } = now.silo.node.world;
    const newest = this.#newest.get(key);
    // Who served in a time of two owners says nothing about who may serve after it.
    const counts = newest && !this.#store.wasUnsettled(newest.atMs, nowMs);
    const place = this.#store.placeOf(key, now.generation, now.silo.incarnation);
    if (!counts || place > newest.place) {
      this.#newest.set(key, { ...now, place, atMs: nowMs });
      return;
    }
    if (now.generation !== newest.generation || now.silo !== newest.silo)
      this.#findings.violated(
        "I4",
        `${key} generation ${now.generation} on ${now.silo.node.name} ${what} after generation ${newest.generation} on ${newest.silo.node.name} has served`,
      );
  }
}
