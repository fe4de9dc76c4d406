// One endpoint on the connection: what arrives for it, what leaves from it.
//   P1. All messages of one event-loop turn for one destination leave in one frame, after the turn; where they fill a frame
//       before, it leaves at once.
//   P2. Nothing that arrives is trusted: what is not a frame is dropped, counted and reported as garbage (T4). What is
//       longer than max_payload never arrives: the server ends the connection that sends it.
//   P3. "Nobody was there" is believed only as the server says it: status 503, no data, for a frame that is known.
//   P4. What the server has sent here before it took the subscription away is answered, also while closing: nobody else
//       would ever tell those who sent it (T5).
//   P5. Of what one read of the socket brings, a turn of the event loop delivers a few frames: arrivals.ts.
import {
  type Address,
  type Body,
  bytesBody,
  decodeFrame,
  type DeliveryTag,
  encodeFrame,
  encodeUserValue,
  type Endpoint,
  InvalidArgumentError,
  type Message,
  type PortEnvironment,
  type Receiver,
} from "@tenure/core/internal";
import { Arrivals, frameShare } from "./arrivals.ts";
import type { NatsMessage, NatsSubscription } from "./client-library.ts";
import type { Connection, SubscriptionHandler } from "./connection.ts";
import { type Frame, Outbox } from "./outbox.ts";
import { SentTags } from "./sent-tags.ts";
import { originOf, SERVING_QUEUE, Subjects } from "./subjects.ts";

/** `closing` still receives what is under way, and sends nothing but the answers to it. */
type State = "open" | "closing" | "gone";

interface Arrived {
  readonly from: Address;
  readonly data: Uint8Array;
}

/** What a frame keeps free below the server's max_payload. */
export const FRAME_MARGIN = 1_024;
/** What a value leaves for the rest of its message: the longest allowed ids, key, headers and call chain take 62 KiB. */
export const ENVELOPE_RESERVE: number = 64 * 1_024;

export class NatsEndpoint implements Endpoint {
  readonly #receiver: Receiver;
  readonly #connection: Connection;
  readonly #environment: PortEnvironment;
  readonly #onGone: (endpoint: NatsEndpoint) => void;
  readonly #subjects: Subjects;
  readonly #outbox: Outbox;
  readonly #arrivals: Arrivals<Arrived>;
  readonly #sent = new SentTags();
  /** What the outbox has leaves at the end of this turn. */
  #flushes = false;
  #state: State = "open";
  #own: NatsSubscription[] = [];
  #serving: NatsSubscription | undefined;
  #refused: Error | undefined;
  #dropped = 0;
  #closing: Promise<void> | undefined;

  constructor(
    address: Address,
    receiver: Receiver,
    connection: Connection,
    environment: PortEnvironment,
    onGone: (endpoint: NatsEndpoint) => void,
  ) {
    this.#receiver = receiver;
    this.#connection = connection;
    this.#environment = environment;
    this.#onGone = onGone;
    this.#subjects = new Subjects(environment.cluster, address);
    this.#arrivals = new Arrivals(environment.clock, (arrived) => this.#deliver(arrived));
    this.#outbox = new Outbox(() => environment.random.id48());
  }

  /** Subscribes. Resolves when messages arrive; throws when the server does not permit it or does not answer. */
  async listen(): Promise<void> {
    for (const subject of this.#subjects.own) this.#own.push(...this.#subscribe(subject));
    await this.#connection.confirm();
    if (this.#refused) throw this.#refused;
  }

  snapshot(value: unknown, root: string): Body {
    const bytes = encodeUserValue(value, root);
    const { maxPayload } = this.#connection;
    const limit = maxPayload - Math.min(ENVELOPE_RESERVE, Math.floor(maxPayload / 8));
    if (bytes.length > limit)
      throw new InvalidArgumentError(
        `${root} takes ${bytes.length} bytes; at most ${limit} fit into one message (the NATS server's max_payload is ${maxPayload})`,
        { outcome: "not-executed", details: { path: root, size: bytes.length, limit } },
      );
    return bytesBody(bytes);
  }

  send(to: Address, message: Message): DeliveryTag | undefined {
    if (!this.#maySend(message) || !this.#connection.isConnected) return undefined;
    if (this.#outbox.isEmpty && !this.#flushes) {
      this.#flushes = true;
      this.#environment.clock.afterTurn(() => {
        this.#flushes = false;
        this.#flush();
      });
    }
    const tag = this.#outbox.add(to, message, this.#connection.maxPayload - FRAME_MARGIN);
    if (this.#outbox.isFull)
      this.#flush((frame) =>
        // Its sender does not know the tag yet.
        this.#environment.clock.afterTurn(() => this.#undeliverable(frame.to, frame.tag)),
      );
    return tag;
  }

  setServing(serving: boolean): void {
    if (this.#state !== "open" || serving === (this.#serving !== undefined)) return;
    const previous = this.#serving;
    this.#serving = serving ? this.#subscribe(this.#subjects.serving, SERVING_QUEUE)[0] : undefined;
    // Drained, not cut: what the server has already sent here was sent to nobody else.
    if (previous) void this.#connection.drain([previous]);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#flush();
    this.#state = "closing";
    await this.#connection.drain(this.#subscriptions());
    this.#arrivals.deliverAll();
    // P4: what came last may have been answered in this very turn.
    this.#flush();
    await this.#connection.flushed();
    this.#end();
  }

  drop(): void {
    const subscriptions = this.#subscriptions();
    this.#end();
    this.#connection.unsubscribe(subscriptions);
  }

  /** The connection is lost. What had not left by now has provably reached nobody; all else may have. */
  disconnected(): void {
    this.#arrivals.deliverAll();
    this.#sent.clear();
    for (const frame of this.#outbox.take()) this.#undeliverable(frame.to, frame.tag);
    if (this.#state === "open") this.#receiver.disconnected();
  }

  reconnected(): void {
    if (this.#state === "open") this.#receiver.reconnected();
  }

  /** P4 */
  #maySend({ kind }: Message): boolean {
    if (this.#state === "closing") return kind === "reply" || kind === "located";
    return this.#state === "open";
  }

  #subscriptions(): NatsSubscription[] {
    return this.#serving ? [...this.#own, this.#serving] : this.#own;
  }

  #end(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#own = [];
    this.#serving = undefined;
    this.#outbox.take();
    this.#sent.clear();
    this.#onGone(this);
  }

  #subscribe(subject: string, queue?: string): NatsSubscription[] {
    const handler: SubscriptionHandler = {
      message: (message) => this.#take(message),
      refused: (error) => {
        this.#refused = error;
        this.#connection.report(`nats subscription to ${subject}`, error);
      },
    };
    const subscription = this.#connection.subscribe(subject, handler, queue);
    return subscription ? [subscription] : [];
  }

  #flush(
    failed: (frame: Frame) => void = (frame) => this.#undeliverable(frame.to, frame.tag),
  ): void {
    for (const frame of this.#outbox.take()) if (!this.#publish(frame)) failed(frame);
  }

  #publish(frame: Frame): boolean {
    const subject = this.#subjects.to(frame.to);
    const payload = encodeFrame(frame.messages);
    if (!frame.wantsReport) return this.#connection.publish(subject, payload);
    this.#sent.add(frame.tag, frame.to);
    return this.#connection.publish(subject, payload, this.#subjects.replyFor(frame.tag));
  }

  #undeliverable(to: Address, tag: DeliveryTag): void {
    if (this.#state !== "gone") this.#receiver.undeliverable(to, tag);
  }

  #take(message: NatsMessage): void {
    if (this.#state === "gone") return;
    const origin = originOf(message.subject);
    switch (origin.kind) {
      case "endpoint":
        this.#arrivals.take({ from: origin.address, data: message.data });
        return;
      case "undelivered": {
        const to = isNoResponders(message) ? this.#sent.take(origin.tag) : undefined; // P3
        if (to === undefined) this.#garbage("a server's report", "not about a frame of ours");
        else this.#undeliverable(to, origin.tag);
        return;
      }
      case "garbage":
        this.#garbage(origin.from, "the sender is not an endpoint");
    }
  }

  #deliver({ from, data }: Arrived): number {
    // A receiver may drop its endpoint at any message: nothing arrives after that (T5).
    if (this.#isGone()) return 0;
    const messages = decodeFrame(data, (problem) => this.#garbage(from, problem));
    try {
      for (const message of messages) {
        if (this.#isGone()) break;
        this.#receiver.message(from, message);
      }
    } catch (error) {
      // A rule of ours is broken. The frames behind it are not.
      this.#connection.report("nats message", error);
    }
    return frameShare(messages.length, data.length);
  }

  #isGone(): boolean {
    return this.#state === "gone";
  }

  #garbage(from: string, problem: string): void {
    this.#dropped += 1;
    const shownFrom = from.slice(0, 64);
    const total = this.#dropped;
    this.#environment.emit({ type: "transport.garbage", from: shownFrom, problem, total });
  }
}

function isNoResponders(message: NatsMessage): boolean {
  try {
    return message.data.length === 0 && message.headers?.code === 503;
  } catch {
    return false; // headers that the library cannot read
  }
}
