// What one silo does to an actor at an operator's word, and asks another to do: ends its activation, hands it over, or makes it.
//   W1. Nothing here decides who owns an actor: it is given up and claimed like any other (I6).
//   W2. Only members of the cluster are heard: a client cannot make a silo give up an actor.
//   W3. Whoever asks is answered, or told that no answer came.
import { Questions, type Unanswered } from "@tenure/client/internal";
import {
  type ActorAddress,
  addressProblem,
  type ActorKind,
  type Address,
  type Administered,
  type AdministeredMessage,
  type AdminMessage,
  type AdminOperation,
  type CallResult,
  type Clock,
  type Endpoint,
  formatActor,
  type Incarnation,
  type Random,
} from "@tenure/core/internal";
import type { Membership } from "@tenure/directory/internal";
import { MOVED, refused } from "../activation/incoming-call.ts";
import type { Catalog } from "../catalog/catalog.ts";

export interface AdministrationHost {
  readonly self: Incarnation;
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly clock: Clock;
  readonly random: Random;
  readonly catalog: Pick<Catalog, "get" | "activate">;
  readonly membership: Pick<Membership, "lists" | "poll">;
  /** How long an activation elsewhere may take while those that call the actor wait here. */
  readonly handOverMs: number;
  endpoint(): Endpoint | undefined;
  /** Why no new actors are taken now, if none are. */
  closed(): "paused" | "draining" | undefined;
}

/** What becomes of an actor, and where. */
export interface Order {
  readonly operation: AdminOperation;
  readonly actor: ActorAddress;
  /** With `hand-over`: who is to have the actor. */
  readonly to?: Incarnation | undefined;
}

const DONE_NOTHING: Administered = { status: "done", generation: 0 };

export class Administration {
  readonly #host: AdministrationHost;
  readonly #questions: Questions<Administered>;

  constructor(host: AdministrationHost) {
    this.#host = host;
    this.#questions = new Questions(host.clock, () => host.endpoint());
  }

  /** Has it done at a silo, which may be this one. */
  async order(at: Incarnation, order: Order, withinMs: number): Promise<Administered | Unanswered> {
    const { self, random } = this.#host;
    if (at === self) return await this.#carryOut(order);
    const { operation, actor, to } = order;
    const request = random.id48();
    const message: AdminMessage = { kind: "admin", request, operation, ...actor, to };
    return await this.#questions.ask(at, message, withinMs);
  }

  async asked(from: Address, message: AdminMessage): Promise<void> {
    const { operation, type, id, to, request } = message;
    const problem = addressProblem(type, id);
    const result =
      problem !== undefined
        ? refused("invalid", problem)
        : (await this.#isMember(from))
          ? await this.#carryOut({ operation, actor: { type, id }, to })
          : refused("unauthorized", "only silos of the cluster may ask for this");
    this.#host.endpoint()?.send(from, { kind: "administered", request, result });
  }

  answered({ request, result }: AdministeredMessage): void {
    this.#questions.answer(request, result);
  }

  undeliverable(to: Address, tag: number): void {
    this.#questions.undeliverable(to, tag);
  }

  /** No answer can come any more. */
  disconnected(): void {
    this.#questions.disconnected();
  }

  // A silo that joined a moment ago is not in the view yet. (Polls are never two at once.)
  async #isMember(from: Address): Promise<boolean> {
    const { membership } = this.#host;
    if (membership.lists(from)) return true;
    await membership.poll();
    return membership.lists(from);
  }

  async #carryOut({ operation, actor, to }: Order): Promise<Administered> {
    if (this.#host.kinds.get(actor.type)?.definition.stateless)
      return refused("invalid", `${actor.type} is stateless: it has no actors of its own`);
    switch (operation) {
      case "deactivate":
        return await this.#deactivate(actor, undefined);
      case "hand-over":
        return await this.#deactivate(actor, to);
      case "activate":
        return await this.#activate(actor);
    }
  }

  async #deactivate(actor: ActorAddress, to: Incarnation | undefined): Promise<Administered> {
    const activation = this.#host.catalog.get(actor);
    if (!activation) return DONE_NOTHING;
    const failure = await activation.started;
    if (failure) return DONE_NOTHING;
    const generation = activation.generation ?? 0;
    activation.deactivate(
      "requested",
      to === undefined ? undefined : () => this.#handOver(actor, to),
    );
    await activation.ended;
    return { status: "done", generation };
  }

  /** What those that wait for the actor here are answered: where it lives now, as far as that is known. */
  async #handOver(actor: ActorAddress, to: Incarnation): Promise<CallResult> {
    const order: Order = { operation: "activate", actor };
    const answer = await this.order(to, order, this.#host.handOverMs);
    return answer.status === "done"
      ? refused("moved", "the actor was moved", to, answer.generation)
      : MOVED;
  }

  async #activate(actor: ActorAddress): Promise<Administered> {
    const { kinds, catalog } = this.#host;
    const kind = kinds.get(actor.type);
    if (!kind)
      return refused("unknown-type", `no class of type '${actor.type}' is registered here`);
    for (;;) {
      const closed = this.#host.closed();
      if (closed) return refused(closed, `the silo is ${closed}, and takes no new actors`);
      const activation = catalog.activate(actor, kind);
      if (!("started" in activation)) return activation;
      const failure = await activation.started;
      if (failure)
        return failure.status === "refused"
          ? failure
          : refused("unavailable", `${formatActor(actor)} could not be activated`);
      const { generation } = activation;
      if (generation !== undefined && activation.state !== "deactivating")
        return { status: "done", generation };
      // It is on its way out: the slot is free when it has ended.
      await activation.ended;
    }
  }
}
