// One TCP connection to NATS, and whether it is up. The library reconnects for ever.
//   N1. Nothing is handed to the library while there is no connection: it would keep it and send it later, when the
//       caller has long given up (T3).
//   N2. A change is told once: as an event, then to the watcher.
//   N3. Every wait for the server is bounded by a timer.
//   N4. A connection is back when the server has taken the subscriptions again.
import { type Clock, ConfigError, type EventSink, UnreachableError } from "@tenure/core/internal";
import { TIMED_OUT, within } from "./bounded.ts";
import type {
  NatsConnection,
  NatsHeaders,
  NatsMessage,
  NatsStatus,
  NatsSubscription,
} from "./client-library.ts";
import { describeNatsError } from "./errors.ts";

export interface ConnectionWatcher {
  disconnected(): void;
  reconnected(): void;
}

export interface SubscriptionHandler {
  message(message: NatsMessage): void;
  /** The server took the subscription away: its permissions do not allow it. */
  refused(error: Error): void;
}

export interface ConnectionDeps {
  readonly clock: Clock;
  readonly emit: EventSink;
  /** How long a wait for the server may take (N3). */
  readonly waitMs: number;
  /** The servers as messages show them. */
  readonly shownServers: string;
}

/**
 * `restoring`: the connection is back and the server has not yet confirmed the subscriptions.
 * `closed` is for ever: by close(), or because the library gave up.
 */
type State = "connected" | "disconnected" | "restoring" | "closed";

const CLOSE_MS = 2_000;

export class Connection {
  readonly #nats: NatsConnection;
  readonly #deps: ConnectionDeps;
  #state: State = "connected";
  #watcher: ConnectionWatcher = { disconnected: () => undefined, reconnected: () => undefined };
  #maxPayload: number;
  #serverVersion: string;
  #waitingForChange: (() => void)[] = [];
  #lastProblem = "";

  /** Takes over a connection that was just opened. */
  constructor(nats: NatsConnection, deps: ConnectionDeps) {
    this.#nats = nats;
    this.#deps = deps;
    const { info } = nats;
    if (info?.headers !== true)
      throw new ConfigError(
        "nats.servers",
        `the server at ${deps.shownServers} has no headers; nats-server 2.2 or newer is needed`,
      );
    this.#maxPayload = info.max_payload;
    this.#serverVersion = info.version;
    void this.#followStatus();
    void nats.closed().then((error) => this.#ended(error ?? undefined));
  }

  watch(watcher: ConnectionWatcher): void {
    this.#watcher = watcher;
  }

  /** The library forgets its `info` as soon as it has noticed a loss, which may be before its status says so. */
  get isConnected(): boolean {
    return this.#state === "connected" && this.#nats.info !== undefined;
  }

  /** The largest message that the server takes, headers included. */
  get maxPayload(): number {
    this.#maxPayload = this.#nats.info?.max_payload ?? this.#maxPayload;
    return this.#maxPayload;
  }

  /** Of the server that this is connected to, or was last. */
  get serverVersion(): string {
    this.#serverVersion = this.#nats.info?.version ?? this.#serverVersion;
    return this.#serverVersion;
  }

  /** False when the message has provably not left (N1). */
  publish(subject: string, payload: Uint8Array, reply?: string, headers?: NatsHeaders): boolean {
    if (!this.isConnected) return false;
    try {
      this.#nats.publish(subject, payload, {
        ...(reply === undefined ? {} : { reply }),
        ...(headers === undefined ? {} : { headers }),
      });
      return true;
    } catch (error) {
      this.report("nats publish", error);
      return false;
    }
  }

  /** Undefined when the connection is closed for ever. While it is lost, the subscription begins when it is back. */
  subscribe(
    subject: string,
    handler: SubscriptionHandler,
    queue?: string,
  ): NatsSubscription | undefined {
    if (this.#state === "closed") return undefined;
    return this.#nats.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        try {
          if (error) handler.refused(error);
          else handler.message(message);
        } catch (failure) {
          // What is thrown here would end the library's reading loop in silence, and with it all subscriptions.
          this.report("nats message", failure);
        }
      },
    });
  }

  /** Resolves when the server has processed all that was sent so far, over this connection or the next one. */
  async confirm(): Promise<void> {
    const { clock, waitMs } = this.#deps;
    const startMs = clock.monotonicMs();
    while (this.#state !== "closed") {
      const leftMs = waitMs - (clock.monotonicMs() - startMs);
      if (leftMs <= 0) break;
      const attempt = this.isConnected ? this.#roundTrip() : this.#nextChange();
      if ((await within(clock, leftMs, attempt)) === "confirmed") return;
    }
    throw new UnreachableError("NATS", this.#deps.shownServers);
  }

  /** Waits for `subscriptions` to end, and for what was published before to be at the server. */
  async drain(subscriptions: readonly NatsSubscription[]): Promise<void> {
    if (!this.isConnected) {
      this.unsubscribe(subscriptions);
      return;
    }
    const drained = Promise.allSettled(subscriptions.map((subscription) => subscription.drain()));
    const done = await within(this.#deps.clock, CLOSE_MS, drained);
    if (done === TIMED_OUT) this.unsubscribe(subscriptions);
  }

  /** Waits for what was published before to be at the server, as far as it answers in time. */
  async flushed(): Promise<void> {
    if (!this.isConnected) return;
    const answered = this.#nats.flush().catch(() => undefined); // lost meanwhile
    await within(this.#deps.clock, CLOSE_MS, answered);
  }

  unsubscribe(subscriptions: readonly NatsSubscription[]): void {
    if (this.#state === "closed") return;
    for (const subscription of subscriptions) subscription.unsubscribe();
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#changed();
    const closed = this.#nats.close().catch((error: unknown) => this.report("nats close", error));
    await within(this.#deps.clock, CLOSE_MS, closed);
  }

  /** Something failed that no caller waits for. */
  report(task: string, error: unknown): void {
    this.#deps.emit({ type: "task.failed", task, error: describeNatsError(error) });
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.#nats.status()) {
      if (status.type === "disconnect") this.#lost();
      else if (status.type === "reconnect") void this.#restored();
      else if (status.type === "error") this.#problem(status);
    }
  }

  #lost(): void {
    const was = this.#state;
    if (was === "closed") return;
    this.#state = "disconnected";
    if (was !== "connected") return; // N2: the library says so again for each failed attempt
    this.#emitLoss("connection lost");
    this.#watcher.disconnected();
    this.#changed();
  }

  // N4: the library has sent the subscriptions again; who is told before the server has taken them invites messages
  // that reach nobody.
  async #restored(): Promise<void> {
    if (this.#state !== "disconnected") return;
    this.#state = "restoring";
    try {
      await this.#nats.flush();
    } catch {
      return; // lost again; the next status says so
    }
    if (this.#state !== "restoring") return;
    this.#state = "connected";
    this.#lastProblem = "";
    this.#deps.emit({ type: "transport.reconnected" });
    this.#watcher.reconnected();
    this.#changed();
  }

  #ended(error: Error | undefined): void {
    const was = this.#state;
    if (was === "closed") return;
    this.#state = "closed";
    const why = error ? describeNatsError(error) : "by the client library";
    this.#emitLoss(`connection closed for ever: ${why}`);
    if (was === "connected") this.#watcher.disconnected();
    this.#changed();
  }

  #emitLoss(reason: string): void {
    this.#deps.emit({
      type: "transport.disconnected",
      reason: `NATS at ${this.#deps.shownServers}: ${reason}`,
    });
  }

  /** An error line of the server. The same one comes with each attempt to reconnect: told once per connection. */
  #problem(status: NatsStatus): void {
    const problem =
      status.error instanceof Error ? describeNatsError(status.error) : String(status.data);
    if (problem === this.#lastProblem || this.#state === "closed") return;
    this.#lastProblem = problem;
    this.#deps.emit({ type: "task.failed", task: "nats connection", error: problem });
  }

  /** Waits for the next change where it fails: the connection was lost meanwhile, and asking again at once would spin. */
  #roundTrip(): Promise<"confirmed" | void> {
    return this.#nats.flush().then(
      () => "confirmed",
      () => this.#nextChange(),
    );
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => this.#waitingForChange.push(resolve));
  }

  #changed(): void {
    const waiting = this.#waitingForChange;
    this.#waitingForChange = [];
    for (const resolve of waiting) resolve();
  }
}
