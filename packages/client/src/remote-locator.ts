// How a client that is no silo finds actors: it asks any serving silo. A silo that does not have an actor's class asks one
// that has it in the same way.
import {
  type ActorAddress,
  type Address,
  ANY_SILO,
  type Clock,
  type DeliveryTag,
  type Endpoint,
  type Incarnation,
  type Located,
  type LocatedMessage,
  type Random,
} from "@tenure/core/internal";
import type { Locator } from "./departures.ts";
import { Questions } from "./questions.ts";

/** A silo that does not answer within this time is not waited for: another is asked. */
const ASK_MS = 1_000;

export class RemoteLocator implements Locator {
  readonly #random: Random;
  readonly #questions: Questions<Located>;

  constructor(clock: Clock, random: Random, endpoint: () => Endpoint | undefined) {
    this.#random = random;
    this.#questions = new Questions(clock, endpoint);
  }

  async locate(
    { type, id }: ActorAddress,
    avoid: Incarnation | undefined,
    to: Address = ANY_SILO,
  ): Promise<Located> {
    const request = this.#random.id48();
    const message = { kind: "locate", request, type, id, avoid } as const;
    const located = await this.#questions.ask(to, message, ASK_MS);
    switch (located.status) {
      case "not-connected":
        return nowhere("not connected to the cluster");
      case "silent":
        return nowhere("no silo answered where the actor is");
      case "undeliverable":
        return nowhere(
          to === ANY_SILO
            ? "no silo of the cluster is serving"
            : "the silo that was asked where the actor is has gone",
        );
      case "at":
      case "refused":
        return located;
    }
  }

  located(message: LocatedMessage): void {
    this.#questions.answer(message.request, message.result);
  }

  undeliverable(to: Address, tag: DeliveryTag): void {
    this.#questions.undeliverable(to, tag);
  }

  disconnected(): void {
    this.#questions.disconnected();
  }
}

function nowhere(message: string): Located {
  return { status: "refused", reason: "no-silo", message, owner: undefined, generation: 0 };
}
