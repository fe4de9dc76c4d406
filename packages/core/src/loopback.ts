// The in-process transport: the reference implementation of the transport port, and what several silos of one process
// share. It lives in core because the embedded store's package, which may know nothing but core, hands it out.
import { type Body, localBody, valueBody } from "./body.ts";
import type { Message } from "./message.ts";
import type { PortEnvironment } from "./port.ts";
import { ANY_SILO, type Address, EVERYONE } from "./silo-id.ts";
import type { DeliveryTag, Endpoint, Receiver, Transport, TransportProvider } from "./transport.ts";
import { isolate } from "./isolate.ts";

/** Silos and clients that were given the same loopback can talk to each other, per cluster. */
export function loopback(): TransportProvider {
  const clusters = new Map<string, Switchboard>();
  return {
    name: "loopback",
    open: (environment) => {
      let board = clusters.get(environment.cluster);
      if (!board) clusters.set(environment.cluster, (board = new Switchboard()));
      return Promise.resolve(new LoopbackTransport(board, environment));
    },
  };
}

class Switchboard {
  readonly endpoints = new Map<Address, LoopbackEndpoint>();

  servingEndpoints(): LoopbackEndpoint[] {
    return [...this.endpoints.values()].filter((endpoint) => endpoint.serving);
  }
}

class LoopbackTransport implements Transport {
  readonly #board: Switchboard;
  readonly #environment: PortEnvironment;
  readonly #endpoints = new Set<LoopbackEndpoint>();

  constructor(board: Switchboard, environment: PortEnvironment) {
    this.#board = board;
    this.#environment = environment;
  }

  join(address: Address, receiver: Receiver): Promise<Endpoint> {
    const endpoint = new LoopbackEndpoint(address, receiver, this.#board, this.#environment);
    this.#board.endpoints.set(address, endpoint);
    this.#endpoints.add(endpoint);
    return Promise.resolve(endpoint);
  }

  async close(): Promise<void> {
    for (const endpoint of this.#endpoints) await endpoint.close();
  }
}

/** A message on its way: it leaves its sender at the end of the turn. */
interface Sent {
  readonly sender: LoopbackEndpoint;
  readonly to: Address;
  readonly tag: DeliveryTag;
  readonly message: Message;
}

class LoopbackEndpoint implements Endpoint {
  serving = false;
  readonly #address: Address;
  readonly #receiver: Receiver;
  readonly #board: Switchboard;
  readonly #environment: PortEnvironment;
  #state: "open" | "closed" | "dropped" = "open";
  #nextTag: DeliveryTag = 1;
  #inbox: Sent[] = [];

  constructor(
    address: Address,
    receiver: Receiver,
    board: Switchboard,
    environment: PortEnvironment,
  ) {
    this.#address = address;
    this.#receiver = receiver;
    this.#board = board;
    this.#environment = environment;
  }

  snapshot(value: unknown, root: string): Body {
    return localBody(value, root);
  }

  send(to: Address, message: Message): DeliveryTag | undefined {
    if (this.#state !== "open") return undefined;
    const tag = this.#nextTag++;
    const targets = this.#targets(to);
    if (targets.length === 0) this.#environment.clock.afterTurn(() => this.#reachedNobody(to, tag));
    for (const target of targets)
      target.#take({
        sender: this,
        to,
        tag,
        message: copyForReceiver(message, targets.length > 1),
      });
    return tag;
  }

  #targets(to: Address): LoopbackEndpoint[] {
    if (to === EVERYONE) return [...this.#board.endpoints.values()];
    if (to === ANY_SILO) {
      const serving = this.#board.servingEndpoints();
      const at = Math.floor(this.#environment.random.next() * serving.length);
      return serving.length === 0 ? [] : [serving[at]!];
    }
    const target = this.#board.endpoints.get(to);
    return target ? [target] : [];
  }

  // Messages of one event-loop turn are handed over together, in order, in the next one. Not in a microtask: two actors
  // that call each other for ever would keep the loop from ever reaching a timer, and the silo from renewing its lease.
  #take(sent: Sent): void {
    this.#inbox.push(sent);
    if (this.#inbox.length > 1) return;
    this.#environment.clock.afterTurn(() => {
      const batch = this.#inbox;
      this.#inbox = [];
      for (const { sender, to, tag, message } of batch) {
        if (sender.#state === "dropped") continue; // T5: it had not left yet
        if (this.#state === "open") this.#receiver.message(sender.#address, message);
        else sender.#reachedNobody(to, tag);
      }
    });
  }

  #reachedNobody(to: Address, tag: DeliveryTag): void {
    if (this.#state === "open" && to !== EVERYONE) this.#receiver.undeliverable(to, tag);
  }

  setServing(serving: boolean): void {
    this.serving = serving;
  }

  async close(): Promise<void> {
    this.#leave("closed");
  }

  drop(): void {
    this.#leave("dropped");
  }

  #leave(state: "closed" | "dropped"): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.serving = false;
    if (this.#board.endpoints.get(this.#address) === this)
      this.#board.endpoints.delete(this.#address);
  }
}

// A value body belongs to whoever receives it (B2). The sender keeps a repeatable call's body for a retry.
function copyForReceiver(message: Message, several: boolean): Message {
  if (message.kind !== "call" || message.args.kind === "bytes") return message;
  if (!message.repeatable && !several) return message;
  return { ...message, args: valueBody(isolate(message.args.value, "args")) };
}
