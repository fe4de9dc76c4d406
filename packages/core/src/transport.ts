// The transport port: messages between endpoints.
//   T1. A message arrives at most once, or not at all; messages from one endpoint to another keep their order.
//   T2. `snapshot` takes a copy of a value before it returns, or throws NotSerializableError / InvalidArgumentError with
//       the path; a receiver never shares a mutable object with the sender or with another receiver.
//   T3. `send` never throws and never waits. It answers a tag; if the message provably reached nobody, the endpoint's
//       `undeliverable` is called with that tag. It answers undefined when there is no connection and nothing left.
//   T4. A foreign frame (other cluster, other protocol, garbage) is counted, reported as an event and dropped (I14).
//   T5. After close() or drop() nothing arrives and nothing leaves. Until close() has resolved, what was sent before leaves,
//       and so do answers (reply, located) to what still arrives, and nothing else: of what was sent to an endpoint that
//       closes, each message reaches it and can be answered, or is reported to its sender (T3). drop() ends all at once.
//   T6. Messages to ANY_SILO reach one endpoint that is serving; messages to EVERYONE reach every endpoint, the sender too.
//   T7. A reply goes to the endpoint that the transport says the call came from, never to an address inside a message.
import type { Body } from "./body.ts";
import type { Message } from "./message.ts";
import type { PortEnvironment } from "./port.ts";
import type { Address } from "./silo-id.ts";

/** Names the frame in which a message left. */
export type DeliveryTag = number;

export interface Receiver {
  message(from: Address, message: Message): void;
  /** What left with this tag reached nobody (T3). */
  undeliverable(to: Address, tag: DeliveryTag): void;
  /** The connection was lost: replies to what was sent before may never come. */
  disconnected(): void;
  reconnected(): void;
}

export interface Endpoint {
  /** A copy of a user's value, ready to travel. `root` starts the path in errors: `args`, `result`. */
  snapshot(value: unknown, root: string): Body;
  send(to: Address, message: Message): DeliveryTag | undefined;
  /** Whether this endpoint takes messages to ANY_SILO. Off at first. */
  setServing(serving: boolean): void;
  close(): Promise<void>;
  drop(): void;
}

export interface Transport {
  /** Opens an endpoint. Resolves when messages to `address` arrive. */
  join(address: Address, receiver: Receiver): Promise<Endpoint>;
  close(): Promise<void>;
}

export interface TransportProvider {
  readonly name: string;
  open(environment: PortEnvironment): Promise<Transport>;
}
