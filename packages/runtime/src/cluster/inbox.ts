// What an incarnation does with each message that reaches it.
import type { Invoker } from "@tenure/client/internal";
import {
  type Address,
  type Endpoint,
  errorText,
  type Incarnation,
  type Located,
  type Message,
} from "@tenure/core/internal";
import { refused } from "../activation/incoming-call.ts";
import type { Parts } from "./parts.ts";

export class Inbox {
  readonly #self: Incarnation;
  readonly #parts: Parts;
  readonly #invoker: Invoker;
  #endpoint: Endpoint | undefined;
  /** What comes between the subscription and the endpoint that answers. */
  #early: (readonly [from: Address, message: Message])[] = [];

  constructor(self: Incarnation, parts: Parts, invoker: Invoker) {
    this.#self = self;
    this.#parts = parts;
    this.#invoker = invoker;
  }

  /** There is an endpoint to answer through. */
  open(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
    for (const [from, message] of this.#early.splice(0)) this.receive(from, message);
  }

  receive(from: Address, message: Message): void {
    const endpoint = this.#endpoint;
    if (!endpoint) {
      this.#early.push([from, message]);
      return;
    }
    switch (message.kind) {
      case "call":
        this.#parts.dispatcher.receive(from, message);
        return;
      case "cancel":
        this.#parts.dispatcher.cancel(message, from);
        return;
      case "reply":
        this.#invoker.reply(message, from);
        return;
      case "locate":
        void this.#answerLocate(endpoint, from, message);
        return;
      case "probe":
        if (from === this.#self) this.#parts.lease.probeArrived(message.round);
        return;
      case "death":
        // Only the store's word counts; an announcement just says that it is worth a look.
        this.#parts.membership.look(message.incarnation);
        return;
      case "suspect":
        // As of the newest poll: whoever could make silos poll by asking could make many do so.
        if (this.#parts.membership.isDead(message.incarnation))
          endpoint.send(from, { kind: "death", incarnation: message.incarnation });
        else this.#parts.membership.suspected(message.incarnation);
        return;
      case "waits":
        endpoint.send(from, {
          kind: "waiting",
          request: message.request,
          states: this.#parts.deadlocks.states(message.calls),
        });
        return;
      case "waiting":
        this.#parts.deadlocks.answered(message.request, message.states);
        return;
      case "break":
        this.#parts.deadlocks.break(message);
        return;
      case "located":
        this.#parts.others.located(message);
        return;
      case "admin":
        void this.#parts.administration.asked(from, message);
        return;
      case "administered":
        this.#parts.administration.answered(message);
    }
  }

  async #answerLocate(
    endpoint: Endpoint,
    from: Address,
    message: Extract<Message, { kind: "locate" }>,
  ): Promise<void> {
    const { request, type, id, avoid } = message;
    let result: Located;
    try {
      result = await this.#parts.locator.locate({ type, id }, avoid);
    } catch (error) {
      result = refused("unavailable", errorText(error));
    }
    endpoint.send(from, { kind: "located", request, result });
  }
}
