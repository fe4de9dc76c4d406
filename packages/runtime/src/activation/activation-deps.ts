// What an activation needs of the silo that it lives in.
import type { Invoker } from "@tenure/client/internal";
import type {
  ActorAddress,
  Clock,
  EventSink,
  Incarnation,
  Interceptor,
  Random,
  Services,
} from "@tenure/core/internal";
import type { LeaseKeeper, Ownership } from "@tenure/directory/internal";
import type { Activation } from "./activation.ts";
import type { RowStore } from "./row-store.ts";
import type { TurnRules } from "./turn-rules.ts";

export interface ActivationDeps {
  readonly silo: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly lease: LeaseKeeper;
  readonly ownership: Pick<Ownership, "acquire" | "release">;
  readonly rows: RowStore;
  readonly invoker: Invoker;
  /** What the application gave to the actors of this silo. */
  readonly services: Services | undefined;
  readonly maxStateBytes: number;
  readonly exposeStacks: boolean;
  /** The silo's, around every method of its actors. */
  readonly interceptors: readonly Interceptor[];
  /** Of the whole silo; a class or a call may ask for it, too. */
  readonly strictReads: boolean;
  readonly rules: TurnRules;
  /** Where the actor would go if this silo gave it up now, as far as is known. */
  successor(actor: ActorAddress): Incarnation | undefined;
  /** Another silo that has at least this version of the actor's class, or, where none is named, the class at all. */
  knowing(actor: ActorAddress, version: number | undefined): Promise<Incarnation | undefined>;
  /** One of its turns makes a call. */
  calling(): void;
  /** The slot is free: the next call makes a new activation. */
  gone(activation: Activation): void;
}
