// The simulated network: the transport port between simulated processes.
//   T1 to T7 of the port hold where no fault is drawn. Faults: loss, delay, reordering, duplication of everything but
//   calls (the port promises at most once), and partitions: of a pair, of a process, one way or both.
import {
  type Address,
  ANY_SILO,
  bytesBody,
  checkSerializable,
  encodeValue,
  type Endpoint,
  EVERYONE,
  type Message,
  type Receiver,
  type Transport,
  type TransportProvider,
} from "@tenure/core/internal";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

export interface NetworkFaults {
  /** Chance that a message is lost. */
  loss: number;
  /** Chance that a message (never a call) arrives twice. */
  duplication: number;
  /** Chance that a message overtakes those before it. */
  reordering: number;
  /** Mean delay, exponentially distributed. */
  delayMs: number;
  /** Chance that a message takes long, and how long at most; those behind it on its link wait too. */
  stragglers: number;
  stragglerMs: number;
}

/** Whoever watches what is said. */
export interface MessageWatch {
  sent(node: SimNode, message: Message): void;
  delivered(node: SimNode, message: Message): void;
}

export const CALM_NETWORK: Readonly<NetworkFaults> = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  delayMs: 0.5,
  stragglers: 0,
  stragglerMs: 0,
};

export class SimNetwork {
  readonly faults: NetworkFaults = { ...CALM_NETWORK };
  readonly world: World;
  readonly endpoints: Map<Address, SimEndpoint> = new Map();
  /** "a>b": messages from a to b are lost. "*" stands for anybody. */
  readonly #cuts = new Set<string>();
  readonly #lastArrival = new Map<string, number>();
  readonly #random;
  readonly #watch: MessageWatch | undefined;
  /** Processes to which a message came in this event. */
  readonly #touched = new Set<SimNode>();

  constructor(world: World, watch?: MessageWatch) {
    this.world = world;
    this.#watch = watch;
    this.#random = world.fork();
  }

  provider(node: SimNode): TransportProvider {
    return {
      name: "simulated",
      open: () => {
        const own = new Set<SimEndpoint>();
        const transport: Transport = {
          join: (address, receiver) => {
            const endpoint = new SimEndpoint(this, node, address, receiver);
            this.endpoints.set(address, endpoint);
            own.add(endpoint);
            return Promise.resolve(endpoint);
          },
          close: async () => {
            for (const endpoint of own) endpoint.drop();
          },
        };
        return Promise.resolve(transport);
      },
    };
  }

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
    // What is late on its way keeps nothing else waiting any more.
    this.#lastArrival.clear();
  }

  /** The processes to which something came since this was asked last. */
  touched(): readonly SimNode[] {
    if (this.#touched.size === 0) return [];
    const nodes = [...this.#touched];
    this.#touched.clear();
    return nodes;
  }

  isCut(from: string, to: string): boolean {
    return (
      this.#cuts.has(`${from}>${to}`) || this.#cuts.has(`${from}>*`) || this.#cuts.has(`*>${to}`)
    );
  }

  /** @internal */
  transmit(sender: SimEndpoint, to: Address, message: Message, tag: number): void {
    this.#watch?.sent(sender.node, message);
    const targets = this.#targets(to);
    if (targets.length === 0) {
      if (!this.isCut(sender.node.name, "*")) this.#reachedNobody({ sender, to, tag, message });
      return;
    }
    for (const target of targets) {
      const sent = { sender, to, tag, message };
      this.#carry(sent, target);
      if (message.kind !== "call" && this.#random.next() < this.faults.duplication)
        this.#carry(sent, target);
    }
  }

  #targets(to: Address): readonly SimEndpoint[] {
    if (to === EVERYONE) return [...this.endpoints.values()];
    if (to === ANY_SILO) {
      const serving = [...this.endpoints.values()].filter((endpoint) => endpoint.serving);
      return serving.length === 0
        ? []
        : [serving[Math.floor(this.#random.next() * serving.length)]!];
    }
    const target = this.endpoints.get(to);
    return target ? [target] : [];
  }

  #reachedNobody({ sender, to, tag }: Sent): void {
    this.world.schedule(this.#delayMs(), `no responder ${sender.node.name}`, () =>
      sender.node.run("message", () => sender.undeliverable(to, tag)),
    );
  }

  #carry(sent: Sent, target: SimEndpoint): void {
    const { sender, message } = sent;
    const [from, to] = [sender.node.name, target.node.name];
    if (this.isCut(from, to) || this.#random.next() < this.faults.loss) {
      this.world.note(`lost ${message.kind} ${from}>${to}`);
      return;
    }
    const link = `${sender.address}>${target.address}`;
    let atMs = this.world.nowMs + this.#delayMs();
    if (this.#random.next() >= this.faults.reordering)
      atMs = Math.max(atMs, this.#lastArrival.get(link) ?? 0);
    this.#lastArrival.set(link, Math.max(atMs, this.#lastArrival.get(link) ?? 0));
    this.world.schedule(
      atMs - this.world.nowMs,
      `${message.kind} ${from}>${to}${about(message)}`,
      () => {
        if (target.left) this.#tooLate(sent, target);
        else target.node.run("message", () => this.#arrive(sent, target));
      },
    );
  }

  #arrive(sent: Sent, target: SimEndpoint): void {
    if (target.left) this.#tooLate(sent, target);
    // With an endpoint that was dropped, what was on its way there dies.
    if (!target.isOpen) return;
    this.#watch?.delivered(target.node, sent.message);
    this.#touched.add(target.node);
    target.take(sent.sender.address, sent.message);
  }

  /** What comes to an endpoint that has closed is reported (T5). */
  #tooLate(sent: Sent, target: SimEndpoint): void {
    if (sent.to !== EVERYONE && !this.isCut(target.node.name, sent.sender.node.name))
      this.#reachedNobody(sent);
  }

  #delayMs(): number {
    const { delayMs, stragglers, stragglerMs } = this.faults;
    if (stragglers > 0 && this.#random.next() < stragglers)
      return this.#random.next() * stragglerMs;
    return -Math.log(1 - this.#random.next()) * delayMs;
  }
}

/** A message on its way. */
interface Sent {
  readonly sender: SimEndpoint;
  readonly to: Address;
  readonly tag: number;
  readonly message: Message;
}

function about(message: Message): string {
  switch (message.kind) {
    case "call":
      return ` ${message.type}/${message.id}.${message.method}`;
    case "admin":
      return ` ${message.operation} ${message.type}/${message.id}`;
    case "reply":
    case "administered":
    case "located":
      return message.result.status === "refused"
        ? `: ${message.result.reason}, ${message.result.message}`
        : `: ${message.result.status}`;
    default:
      return "";
  }
}

class SimEndpoint implements Endpoint {
  serving = false;
  /** By close(). */
  left = false;
  readonly node: SimNode;
  readonly address: Address;
  readonly #network: SimNetwork;
  readonly #receiver: Receiver;
  #open = true;
  #tag = 0;

  constructor(network: SimNetwork, node: SimNode, address: Address, receiver: Receiver) {
    this.#network = network;
    this.node = node;
    this.address = address;
    this.#receiver = receiver;
  }

  snapshot(value: unknown, root: string): ReturnType<typeof bytesBody> {
    checkSerializable(value, root);
    return bytesBody(encodeValue(value));
  }

  send(to: Address, message: Message): number | undefined {
    if (!this.#open || this.node.crashed) return undefined;
    this.#tag += 1;
    this.#network.transmit(this, to, message, this.#tag);
    return this.#tag;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  take(from: Address, message: Message): void {
    if (this.#open) this.#receiver.message(from, message);
  }

  undeliverable(to: Address, tag: number): void {
    if (this.#open) this.#receiver.undeliverable(to, tag);
  }

  setServing(serving: boolean): void {
    this.serving = serving;
  }

  async close(): Promise<void> {
    this.left ||= this.#open;
    this.drop();
  }

  drop(): void {
    this.#open = false;
    this.serving = false;
    if (this.#network.endpoints.get(this.address) === this)
      this.#network.endpoints.delete(this.address);
  }
}
