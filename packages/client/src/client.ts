// What a user holds to call actors: `connect()` outside of silos, `silo.client` inside.
import {
  type Actor,
  type ActorAddress,
  type ActorClass,
  type ActorDefinition,
  type ActorRef,
  checkActorId,
  checkActorType,
  ConfigError,
  describe,
  isActorType,
  makeReference,
  InvalidArgumentError,
  type ReferenceTarget,
} from "@tenure/core/internal";

/** Makes references to actors. */
export interface ActorClient {
  /**
   * A reference to the actor `id` of this class. Making one sends nothing; the first call activates the actor.
   * @throws InvalidArgumentError at once for an id that is not a non-empty, well-formed string of at most 512 bytes.
   */
  get<A extends Actor<unknown>>(actor: ActorClass<A>, id: string): ActorRef<A>;
  /** The same by the type's name, with `import type` only: no implementation is needed here. */
  get<A extends Actor<unknown>>(type: string, id: string): ActorRef<A>;
}

/** One reference, for clients and for turns alike. */
export function referenceTo<A extends Actor<unknown>>(
  actor: ActorClass<A> | string,
  id: string,
  target: ReferenceTarget,
): ActorRef<A> {
  const address = addressOf(actor, id);
  return makeReference<A>(address, target, definitionOf(actor)?.methods);
}

/** @throws InvalidArgumentError for a bad id or type, ConfigError for what is no actor class. */
export function addressOf(actor: Pick<ActorClass, "actor"> | string, id: string): ActorAddress {
  checkActorId(id);
  if (typeof actor === "string") {
    if (!isActorType(actor))
      throw new InvalidArgumentError(
        `an actor type must match [A-Za-z][A-Za-z0-9_.-]{0,63}, not ${describe(actor)}`,
        { outcome: "not-executed" },
      );
    return { type: actor, id };
  }
  const definition = definitionOf(actor);
  if (typeof definition !== "object" || definition === null)
    throw new ConfigError(
      "actor",
      `must be an actor class or the name of a type, not ${describe(actor)}`,
    );
  checkActorType(definition.type);
  return { type: definition.type, id };
}

function definitionOf(
  actor: Pick<ActorClass, "actor"> | string,
): ActorDefinition<Actor<unknown>> | undefined {
  return typeof actor === "function" ? (actor as ActorClass).actor : undefined;
}
