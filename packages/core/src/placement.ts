// Where an actor without an owner is activated, as a class says it. (The choice itself is the silos'.)
import type { ActorAddress } from "./actor-id.ts";
import { describe } from "./duration.ts";
import { ConfigError } from "./errors.ts";
import { isPlainObject } from "./walk.ts";

/** A live silo that has the actor's class and takes new actors, as a placement function sees it. */
export interface PlacementSilo {
  readonly name: string;
  readonly roles: readonly string[];
  /** Its activations, as of its last renewal. */
  readonly load: number;
}

/**
 * Answers the name of one of `silos`. It runs in whichever silo of the actor's class is asked where a first call should go: its
 * answer is a proposal, the claim in the directory decides. It should be quick, and the same in every silo.
 */
export type PlacementFunction = (actor: ActorAddress, silos: readonly PlacementSilo[]) => string;

/**
 * Where a call activates an actor that has no owner, among the live silos that have its class:
 * - `'balanced'`: one with few activations;
 * - `'local'`: the silo that makes the call, if it has the class, else any;
 * - `'random'`: any;
 * - `'hash'`: the one that the actor's name and the silos' names lead to (rendezvous hashing, Thaler and Ravishankar 1998):
 *   the same from everywhere, and where a silo comes or goes, only the actors that come to it or were its own have another;
 * - `{ role }`: one with few activations among those that `createSilo({ roles })` gave this role;
 * - a function: the one that it names.
 *
 * An actor that has an owner stays there.
 */
export type Placement =
  | "balanced"
  | "local"
  | "random"
  | "hash"
  | { readonly role: string }
  | PlacementFunction;

const NAMED: ReadonlySet<unknown> = new Set(["balanced", "local", "random", "hash"]);

export function resolvePlacement(option: string, given: Placement = "balanced"): Placement {
  if (typeof given === "function" || NAMED.has(given)) return given;
  if (typeof given === "object" && given !== null && isPlainObject(given))
    return byRole(option, given);
  throw new ConfigError(
    option,
    `must be 'balanced', 'local', 'random', 'hash', { role } or a function, not ${describe(given)}`,
  );
}

function byRole(option: string, given: object): Placement {
  const { role, ...others } = given as { readonly role?: unknown };
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new ConfigError(`${option}.${unknown}`, "is not an option; there is role");
  if (typeof role !== "string" || role === "")
    throw new ConfigError(`${option}.role`, `must be a non-empty string, not ${describe(role)}`);
  return { role };
}
