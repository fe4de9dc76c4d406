// One event stream. Framework code never logs: it emits these; log lines, metrics, test waits and histories read them.
// Per-call work emits nothing (counters instead): events are for what an operator would want to be told.
import type { ActorAddress } from "./actor-id.ts";
import type { DeactivationReason } from "./actor.ts";
import type { ClaimReason } from "./ownership-rules.ts";
import type { Incarnation } from "./silo-id.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What happened, by type. Every event also carries `atMs` (wall time) and the `silo` it happened in ("" in a client). */
export type EventBody =
  | { readonly type: "silo.joined"; readonly incarnation: Incarnation }
  | { readonly type: "silo.serving"; readonly incarnation: Incarnation }
  | { readonly type: "silo.paused"; readonly incarnation: Incarnation; readonly reason: string }
  | { readonly type: "silo.resumed"; readonly incarnation: Incarnation; readonly pausedMs: number }
  | { readonly type: "silo.draining"; readonly incarnation: Incarnation }
  | { readonly type: "silo.lost"; readonly incarnation: Incarnation; readonly reason: string }
  | { readonly type: "silo.stopped"; readonly incarnation: Incarnation }
  | {
      readonly type: "member.dead";
      readonly incarnation: Incarnation;
      readonly name: string;
      readonly by: Incarnation;
    }
  /** A dead member is not listed any more (R16). */
  | { readonly type: "member.swept"; readonly incarnation: Incarnation; readonly name: string }
  | { readonly type: "directory.opened"; readonly storeId: string; readonly reason: string }
  /** The directory lost writes that it had acknowledged to this silo, which discards its activations (R14). */
  | { readonly type: "directory.rolled-back"; readonly incarnation: Incarnation }
  | { readonly type: "store.opened"; readonly store: string; readonly durability: string }
  | { readonly type: "store.unavailable"; readonly store: string; readonly error: string }
  | { readonly type: "store.damaged"; readonly key: string; readonly problem: string }
  | {
      readonly type: "activation.claimed";
      readonly actor: ActorAddress;
      readonly generation: number;
      readonly reason: ClaimReason;
    }
  | {
      readonly type: "activation.activated";
      readonly actor: ActorAddress;
      readonly generation: number;
    }
  | {
      readonly type: "activation.deactivated";
      readonly actor: ActorAddress;
      readonly generation: number;
      readonly reason: DeactivationReason;
      readonly activeMs: number;
    }
  | {
      readonly type: "activation.failed";
      readonly actor: ActorAddress;
      readonly error: string;
    }
  | {
      /** A save or a load of this activation was refused: it had lost its actor. It is discarded. */
      readonly type: "activation.fenced";
      readonly actor: ActorAddress;
      readonly generation: number;
      readonly storedGeneration: number;
      readonly operation: "load" | "save" | "verify" | "parts";
      readonly error: "FencedError";
    }
  | {
      /** What is stored of the actor is of newer code than this silo has. It is left as it is, for a silo that knows it. */
      readonly type: "activation.outdated";
      readonly actor: ActorAddress;
      readonly problem: string;
      /** Who is to activate it; undefined when no silo is known that could. */
      readonly to: Incarnation | undefined;
    }
  | { readonly type: "commit.resent"; readonly actor: ActorAddress; readonly attempt: number }
  | {
      readonly type: "actor.log";
      readonly level: LogLevel;
      readonly actor: ActorAddress;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | {
      /** Calls waited for each other; this one of them, which waited here, was refused. */
      readonly type: "deadlock.broken";
      readonly actor: ActorAddress;
      readonly ring: string;
    }
  | {
      /** The actors whose callers wait longest: queue length × service time. At most five, at most once in ten seconds. */
      readonly type: "actors.hot";
      readonly actors: readonly {
        readonly actor: ActorAddress;
        /** Calls that wait. */
        readonly waiting: number;
        /** How long one of its turns takes. */
        readonly serviceMs: number;
      }[];
    }
  /** The retry budget of this silo or client is used up: of its open calls, those that were refused wait longer (R27). */
  | { readonly type: "retries.held-back"; readonly openCalls: number }
  /** A silo's `authorize` threw, or answered neither true nor false, for so many calls so far: they were refused. */
  | { readonly type: "authorize.failed"; readonly error: string; readonly total: number }
  /** Replies that nobody waited for, all in all (R29): callers give up before they are answered. */
  | { readonly type: "replies.unknown"; readonly total: number }
  | {
      /** A frame, or a message in one, that was refused and dropped (I14). */
      readonly type: "transport.garbage";
      readonly from: string;
      readonly problem: string;
      /** How many this endpoint has dropped so far, with this one. */
      readonly total: number;
    }
  | { readonly type: "transport.disconnected"; readonly reason: string }
  | { readonly type: "transport.reconnected" }
  | { readonly type: "task.failed"; readonly task: string; readonly error: string };

export type EventType = EventBody["type"];
export type TenureEvent<T extends EventType = EventType> = Extract<EventBody, { type: T }> & {
  readonly atMs: number;
  readonly silo: string;
};

/** What is given to it is the stream's from then on: nobody else changes it or gives it away again. */
export type EventSink = (event: EventBody) => void;
export type EventListener = (event: TenureEvent) => void;

/** A stream of events with listeners. A listener that throws is dropped from the event, never from the stream. */
export class EventStream {
  readonly #listeners = new Set<EventListener>();
  readonly #silo: string;
  readonly #wallMs: () => number;

  constructor(silo: string, wallMs: () => number) {
    this.#silo = silo;
    this.#wallMs = wallMs;
  }

  /** Calls `listener` with every event from now on; the answer stops it. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next event of a type, or the next one that a predicate accepts. */
  next<T extends EventType>(
    type: T,
    accept: (event: TenureEvent<T>) => boolean = () => true,
  ): Promise<TenureEvent<T>> {
    return new Promise((resolve) => {
      const stop = this.subscribe((event) => {
        if (event.type !== type || !accept(event as TenureEvent<T>)) return;
        stop();
        resolve(event as TenureEvent<T>);
      });
    });
  }

  readonly emit: EventSink = (body) => {
    if (this.#listeners.size === 0) return;
    // Not copied: that costs five times as much, and every activation tells of itself twice.
    const event = body as EventBody & { atMs: number; silo: string };
    event.atMs = this.#wallMs();
    event.silo = this.#silo;
    for (const listener of this.#listeners) {
      try {
        listener(event as TenureEvent);
      } catch {
        // A listener is the user's; its failure must not reach the code that reported an event.
      }
    }
  };
}
