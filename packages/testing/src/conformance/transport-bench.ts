// What the tests of a transport stand on: endpoints with a memory, on connections of one cluster.
//   C1. That nothing arrives is shown by a later message on the same way that does (T1), never by waiting.
import {
  type Address,
  bytesBody,
  type CallMessage,
  type Endpoint,
  type EventBody,
  type Message,
  type Receiver,
  systemClock,
  systemRandom,
  type Transport,
  type TransportProvider,
} from "@tenure/core/internal";
import { Bench, type OpenedStore, type RuleTest } from "./suite.ts";

export interface OpenedTransport extends OpenedStore<TransportProvider> {
  /** Puts bytes on the way that frames take, as a stranger could. Without it, skip RAW. */
  readonly publishRaw?: (way: RawWay, bytes: Uint8Array) => Promise<void>;
  /** Cuts all connections; heal() lets them come back. Without both, skip CUT. */
  readonly cut?: () => Promise<void>;
  readonly heal?: () => Promise<void>;
}

export interface RawWay {
  readonly cluster: string;
  readonly to: Address;
  /** Who the stranger says it is. */
  readonly from: string;
}

export type TransportRule = RuleTest<TransportBench>;

export class TransportBench extends Bench<Transport, OpenedTransport> {
  readonly events: EventBody[] = [];
  readonly #clock = systemClock();
  readonly #transports: Transport[] = [];

  override async open(cluster: string = this.cluster): Promise<Transport> {
    const transport = await this.store.provider.open({
      cluster,
      clock: this.#clock,
      random: systemRandom(),
      emit: (event) => this.events.push(event),
      leaseTtlMs: 4_000,
      openTimeoutMs: 5_000,
      durability: "default",
    });
    this.#transports.push(transport);
    return transport;
  }

  override async closeAll(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }

  /** An endpoint; on a connection of its own, unless a transport is given. */
  async join(transport?: Transport, address: Address = this.random.hex128()): Promise<Party> {
    const party = new Party(address);
    party.endpoint = await (transport ?? (await this.open())).join(address, party);
    return party;
  }

  /** The end of this event-loop turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#clock.afterTurn(resolve));
  }
}

interface Received {
  readonly from: Address;
  readonly message: Message;
}

/** An endpoint with a memory. */
export class Party implements Receiver {
  readonly address: Address;
  readonly received: Received[] = [];
  readonly undelivered: { readonly to: Address; readonly tag: number }[] = [];
  readonly changes: ("disconnected" | "reconnected")[] = [];
  /** Set right after joining. */
  endpoint!: Endpoint;
  onMessage: (received: Received) => void = () => {};
  #waiting: (() => void)[] = [];
  #fences = 1_000_000;

  constructor(address: Address) {
    this.address = address;
  }

  message(from: Address, message: Message): void {
    const received = { from, message };
    this.received.push(received);
    this.onMessage(received);
    this.#wake();
  }

  undeliverable(to: Address, tag: number): void {
    this.undelivered.push({ to, tag });
    this.#wake();
  }

  disconnected(): void {
    this.changes.push("disconnected");
    this.#wake();
  }

  reconnected(): void {
    this.changes.push("reconnected");
    this.#wake();
  }

  send(to: Party | Address, message: Message): number | undefined {
    return this.endpoint.send(typeof to === "string" ? to : to.address, message);
  }

  /** Resolves when `condition` holds; it is looked at after each thing that arrives. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The numbers of the probes that have arrived, fences left out. */
  get rounds(): readonly number[] {
    return this.received.flatMap(({ message }) =>
      message.kind === "probe" && message.round < 1_000_000 ? [message.round] : [],
    );
  }

  /** Resolves when all that this party has sent to `to` so far has arrived there, if it ever does (C1). */
  async fence(to: Party): Promise<void> {
    const round = ++this.#fences;
    this.send(to, probe(round));
    await to.until(() =>
      to.received.some(
        ({ from, message }) =>
          from === this.address && message.kind === "probe" && message.round === round,
      ),
    );
  }

  /** Resolves when every report about what this party has sent so far would be here (C1). */
  async fenceReports(): Promise<void> {
    const tag = this.send("f".repeat(32), probe(0));
    await this.until(() => this.undelivered.some((report) => report.tag === tag));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export function probe(round: number): Message {
  return { kind: "probe", round };
}

export function answer(request: number): Message {
  return { kind: "reply", request, result: { status: "failed", code: "X", message: "" } };
}

export function call(request: number, changes: Partial<CallMessage> = {}): CallMessage {
  return {
    kind: "call",
    request,
    type: "Cart",
    id: "alice",
    method: "add",
    args: bytesBody(new Uint8Array()),
    budgetMs: 1_000,
    key: undefined,
    chain: [],
    repeatable: false,
    strict: false,
    ...changes,
  };
}
