// Questions to silos, each with its own random id, that one message answers.
//   N1. Every question ends exactly once: with its answer, or with the reason why none came, at the latest when its time is up.
import type { Address, Clock, DeliveryTag, Endpoint, Message, Timer } from "@tenure/core/internal";

/** Why a question has no answer. */
export type Unanswered =
  | { readonly status: "not-connected" }
  | { readonly status: "undeliverable" }
  | { readonly status: "silent" };

interface Question<A> {
  readonly to: Address;
  readonly tag: DeliveryTag;
  readonly timer: Timer;
  end(answer: A | Unanswered): void;
}

export class Questions<A> {
  readonly #clock: Clock;
  readonly #endpoint: () => Endpoint | undefined;
  readonly #open = new Map<number, Question<A>>();

  constructor(clock: Clock, endpoint: () => Endpoint | undefined) {
    this.#clock = clock;
    this.#endpoint = endpoint;
  }

  ask(
    to: Address,
    message: Message & { readonly request: number },
    withinMs: number,
  ): Promise<A | Unanswered> {
    return new Promise((resolve) => {
      const { request } = message;
      const tag = this.#endpoint()?.send(to, message);
      if (tag === undefined) {
        resolve({ status: "not-connected" });
        return;
      }
      const timer = this.#clock.after(withinMs, () => this.#end(request, { status: "silent" }));
      this.#open.set(request, { to, tag, timer, end: resolve });
    });
  }

  answer(request: number, answer: A): void {
    this.#end(request, answer);
  }

  /** What left for `to` with this tag reached nobody. */
  undeliverable(to: Address, tag: DeliveryTag): void {
    for (const [request, question] of this.#open)
      if (question.to === to && question.tag === tag)
        this.#end(request, { status: "undeliverable" });
  }

  /** No answer can come any more to what was asked. */
  disconnected(): void {
    for (const request of this.#open.keys()) this.#end(request, { status: "not-connected" });
  }

  #end(request: number, answer: A | Unanswered): void {
    const question = this.#open.get(request);
    if (!question) return;
    this.#open.delete(request);
    question.timer.cancel();
    question.end(answer);
  }
}
