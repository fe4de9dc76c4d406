// How a client that is no silo finds actors: it asks any serving silo.
import type {
  ActorAddress,
  Clock,
  Endpoint,
  Incarnation,
  Located,
  LocatedMessage,
  Random,
  Timer,
} from "@tenure/core/internal";
import { ANY_SILO } from "@tenure/core/internal";
import type { Locator } from "./departures.ts";

/** A silo that does not answer within this time is not waited for: another is asked. */
const ASK_MS = 1_000;

interface Question {
  readonly tag: number;
  readonly timer: Timer;
  answer(located: Located): void;
}

export class RemoteLocator implements Locator {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #endpoint: () => Endpoint;
  readonly #open = new Map<number, Question>();

  constructor(clock: Clock, random: Random, endpoint: () => Endpoint) {
    this.#clock = clock;
    this.#random = random;
    this.#endpoint = endpoint;
  }

  locate(actor: ActorAddress, avoid: Incarnation | undefined): Promise<Located> {
    return new Promise((resolve) => {
      const request = this.#random.id48();
      const tag = this.#endpoint().send(ANY_SILO, {
        kind: "locate",
        request,
        type: actor.type,
        id: actor.id,
        avoid,
      });
      if (tag === undefined) {
        resolve(nowhere("not connected to the cluster"));
        return;
      }
      const timer = this.#clock.after(ASK_MS, () => {
        this.#answer(request, nowhere("no silo answered where the actor is"));
      });
      this.#open.set(request, { tag, timer, answer: resolve });
    });
  }

  located(message: LocatedMessage): void {
    this.#answer(message.request, message.result);
  }

  undeliverable(tag: number): void {
    for (const [request, question] of this.#open)
      if (question.tag === tag) this.#answer(request, nowhere("no silo of the cluster is serving"));
  }

  disconnected(): void {
    for (const request of this.#open.keys())
      this.#answer(request, nowhere("not connected to the cluster"));
  }

  #answer(request: number, located: Located): void {
    const question = this.#open.get(request);
    if (!question) return;
    this.#open.delete(request);
    question.timer.cancel();
    question.answer(located);
  }
}

function nowhere(message: string): Located {
  return { status: "refused", reason: "no-silo", message, owner: undefined, generation: 0 };
}
