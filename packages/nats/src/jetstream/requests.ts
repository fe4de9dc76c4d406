// Questions to the server, many at once, over one connection: each names an inbox of ours, and its answer comes there.
// (The libraries' own request() makes a timer and a promise more for each; a batch here is a few hundred.)
//   RQ1. Whatever rejects is indefinite and says so, with the server and the reason: StoreUnavailableError (R7).
//   RQ2. Nothing waits for a connection and nothing is sent twice: without one a question is refused at once, and all that
//        are open when it breaks are rejected.
//   RQ3. They leave in the order in which they were asked, at most WINDOW at a time: a server drops what its queue of
//        questions does not hold.
//   RQ4. `epoch` tells connections apart. What was seen in one says nothing about the next: in between, the server may
//        have lost its newest writes.
import { type Clock, type Random, StoreUnavailableError, type Timer } from "@tenure/core/internal";
import type { NatsHeaders, NatsMessage, NatsSubscription } from "../client-library.ts";
import type { Connection } from "../connection.ts";

export interface RequestsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly cluster: string;
  readonly timeoutMs: number;
  /** What messages call the store: `JetStream at nats://…`. */
  readonly store: string;
}

interface Question {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: NatsHeaders | undefined;
  /** Undefined: of whatever connection there is when it leaves. */
  readonly epoch: number | undefined;
  resolve(message: NatsMessage): void;
  reject(error: Error): void;
}

const WINDOW = 512;

export class Requests {
  readonly #connection: Connection;
  readonly #deps: RequestsDeps;
  readonly #inbox: string;
  readonly #open = new Map<string, { readonly question: Question; readonly untilMs: number }>();
  #waiting: Question[] = [];
  #subscription: NatsSubscription | undefined;
  #refused: Error | undefined;
  #timer: Timer | undefined;
  #asked = 0;
  #epoch = 1;
  #closed = false;

  private constructor(connection: Connection, deps: RequestsDeps) {
    this.#connection = connection;
    this.#deps = deps;
    // Where a client of the cluster has no permission, and nobody can guess.
    this.#inbox = `tnr.${deps.cluster}.inbox.${deps.random.hex128()}`;
  }

  /** Takes over the connection: resolves when answers arrive. */
  static async on(connection: Connection, deps: RequestsDeps): Promise<Requests> {
    const requests = new Requests(connection, deps);
    connection.watch({
      disconnected: () => requests.#lost("the connection was lost"),
      reconnected: () => undefined,
    });
    requests.#subscription = connection.subscribe(`${requests.#inbox}.*`, {
      message: (message) => requests.#answered(message),
      refused: (error) => {
        requests.#refused = error;
        requests.#lost(`the server took the inbox away: ${error.message}`);
      },
    });
    await connection.confirm();
    if (requests.#refused) throw requests.#refused;
    return requests;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get maxPayload(): number {
    return this.#connection.maxPayload;
  }

  get serverVersion(): string {
    return this.#connection.serverVersion;
  }

  /** `epoch`: the question makes sense over that connection only (RQ4). */
  ask(
    subject: string,
    payload: Uint8Array,
    headers?: NatsHeaders,
    epoch?: number,
  ): Promise<NatsMessage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ subject, payload, headers, epoch, resolve, reject });
      this.#send();
    });
  }

  unavailable(reason: string, cause?: unknown): StoreUnavailableError {
    return new StoreUnavailableError(`${this.#deps.store}: ${reason}`, cause);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#lost("this session is closed");
    if (this.#subscription) this.#connection.unsubscribe([this.#subscription]);
    await this.#connection.close();
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#open.size < WINDOW) {
      const question = this.#waiting.shift()!;
      const problem = this.#problem(question);
      if (problem !== undefined) {
        question.reject(this.unavailable(problem));
        continue;
      }
      const name = (++this.#asked).toString(36);
      const { subject, payload, headers } = question;
      if (!this.#connection.publish(subject, payload, `${this.#inbox}.${name}`, headers)) {
        question.reject(this.unavailable("it could not be sent"));
        continue;
      }
      const untilMs = this.#deps.clock.monotonicMs() + this.#deps.timeoutMs;
      this.#open.set(name, { question, untilMs });
      this.#watch();
    }
  }

  #problem(question: Question): string | undefined {
    if (this.#closed) return "this session is closed";
    if (!this.#connection.isConnected) return "there is no connection";
    if (question.epoch !== undefined && question.epoch !== this.#epoch)
      return "the connection is another one than what is to be written was computed over";
    return undefined;
  }

  #answered(message: NatsMessage): void {
    const name = message.subject.slice(this.#inbox.length + 1);
    const asked = this.#open.get(name);
    if (!asked) return; // too late: it was given up
    this.#open.delete(name);
    asked.question.resolve(message);
    this.#send();
  }

  /** One timer for all: they have the same time, so the one that was asked first is the first to be given up. */
  #watch(): void {
    const first = this.#open.values().next().value;
    if (this.#timer || !first) return;
    const leftMs = first.untilMs - this.#deps.clock.monotonicMs();
    this.#timer = this.#deps.clock.after(Math.max(0, leftMs), () => {
      this.#timer = undefined;
      const nowMs = this.#deps.clock.monotonicMs();
      for (const [name, { question, untilMs }] of this.#open) {
        if (untilMs > nowMs) break;
        this.#open.delete(name);
        question.reject(this.unavailable(`no answer within ${this.#deps.timeoutMs} ms`));
      }
      this.#send();
      this.#watch();
    });
  }

  #lost(why: string): void {
    this.#epoch += 1;
    this.#timer?.cancel();
    this.#timer = undefined;
    const questions = [
      ...[...this.#open.values()].map((asked) => asked.question),
      ...this.#waiting,
    ];
    this.#open.clear();
    this.#waiting = [];
    for (const question of questions) question.reject(this.unavailable(why));
  }
}
