// Actor ids: which are allowed, and how one is written where bytes matter.
//   A1. An id is a non-empty string of well-formed Unicode, at most 512 bytes of UTF-8; equal means byte-equal.
//   A2. `encodeActorKey` is injective, and its output is safe in any subject, key or file name part: user text never
//       appears unencoded (a newline in a NATS subject injects a protocol line).
import { describe } from "./duration.ts";
import { ConfigError, InvalidArgumentError } from "./errors.ts";

/** An actor's name: its type (the name on the wire and in storage) and its id within the type. */
export interface ActorAddress {
  readonly type: string;
  readonly id: string;
}

export const MAX_ID_BYTES = 512;
const TYPE_PATTERN = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

export function isActorType(type: unknown): type is string {
  return typeof type === "string" && TYPE_PATTERN.test(type);
}

export function checkActorType(type: unknown): asserts type is string {
  if (!isActorType(type))
    throw new ConfigError(
      "type",
      `an actor type must match [A-Za-z][A-Za-z0-9_.-]{0,63}, not ${describe(type)}`,
    );
}

/** Why `id` is not an actor id, or undefined when it is one (A1). */
export function actorIdProblem(id: unknown): string | undefined {
  if (typeof id !== "string") return `an actor id must be a string, not ${describe(id)}`;
  if (id.length === 0) return "an actor id must not be empty";
  // One UTF-16 unit is at most 3 bytes of UTF-8: only ids that might be too long are measured.
  if (id.length * 3 > MAX_ID_BYTES) {
    const bytes = Buffer.byteLength(id);
    if (bytes > MAX_ID_BYTES)
      return `an actor id has at most ${MAX_ID_BYTES} bytes in UTF-8, this one has ${bytes}`;
  }
  if (!id.isWellFormed())
    return `an actor id must be well-formed Unicode; ${describe(id)} has a lone surrogate`;
  return undefined;
}

export function checkActorId(id: unknown): asserts id is string {
  const problem = actorIdProblem(id);
  if (problem !== undefined)
    throw new InvalidArgumentError(problem, {
      outcome: "not-executed",
      details: { argument: "id" },
    });
}

/** `type/id`, as people read it. A type has no `/`, so this is injective too. */
export function formatActor(actor: ActorAddress): string {
  return NamedActor.nameOf(actor) ?? `${actor.type}/${actor.id}`;
}

/**
 * An address whose name is asked for at every call: joining two strings costs little, but looking up what is joined anew costs
 * more than the rest of finding an actor. It is for our own use: to a user's eye it must be a plain object.
 */
export class NamedActor implements ActorAddress {
  readonly type: string;
  readonly id: string;
  readonly #name: string;

  constructor({ type, id }: ActorAddress) {
    this.type = type;
    this.id = id;
    this.#name = `${type}/${id}`;
  }

  static nameOf(actor: ActorAddress): string | undefined {
    return #name in actor ? actor.#name : undefined;
  }
}

/** The actor as a key: `type` + `/` + base64url of the id's UTF-8. A type has no `/`, base64url neither: injective (A2). */
export function encodeActorKey(actor: ActorAddress): string {
  return `${actor.type}/${Buffer.from(actor.id, "utf8").toString("base64url")}`;
}

export function decodeActorKey(key: string): ActorAddress {
  const slash = key.indexOf("/");
  return {
    type: key.slice(0, slash),
    id: Buffer.from(key.slice(slash + 1), "base64url").toString("utf8"),
  };
}
