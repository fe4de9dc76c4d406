// A class as a silo knows it: its definition, and the list of what may be called on it.
//   A1. Callable are the methods on the prototype chain below Actor whose names are not hooks, do not start with `_` or
//       `$`, and are plain methods (no accessors, no fields, no symbol keys). Nothing else ever is.
//   A3. A state schema that cannot make a first state is refused here, where it answers at once; else at the first activation.
import { Actor, type ActorClass } from "./actor.ts";
import type { ActorDefinition, ResolvedMethod } from "./define-actor.ts";
import { describe } from "./duration.ts";
import { ConfigError } from "./errors.ts";
import { firstState } from "./first-state.ts";

/** A registered class with everything that may be called on it (A1). */
export interface ActorKind {
  readonly actorClass: ActorClass;
  readonly definition: ActorDefinition<Actor<unknown>>;
  readonly methods: ReadonlyMap<string, ResolvedMethod>;
  /** Every method is a write, and none lets calls in: turns never overlap, and the current call needs no tracking. */
  readonly exclusive: boolean;
}

/** Reads a class for a silo. @throws ConfigError when it is not an actor class, or names methods it does not have. */
export function actorKind(actorClass: ActorClass): ActorKind {
  if (typeof actorClass !== "function" || !(actorClass.prototype instanceof Actor))
    throw new ConfigError(
      "actors",
      `must be classes that extend Actor, not ${describe(actorClass)}`,
    );
  const name =
    typeof actorClass.name === "string" && actorClass.name ? actorClass.name : "(anonymous class)";
  if (!Object.hasOwn(actorClass, "actor"))
    throw new ConfigError(
      "actors",
      `${name} needs a \`static readonly actor = defineActor<${name}>({ type: '…' })\` of its own`,
    );
  const definition = actorClass.actor;
  if (!(definition?.methods instanceof Map))
    throw new ConfigError(
      "actors",
      `${name}.actor must be what defineActor<${name}>({ type: '…' }) returns, not ${describe(definition)}`,
    );
  const callable = callableNames(actorClass);
  for (const method of definition.methods.keys())
    if (!callable.has(method))
      throw new ConfigError(
        `actor '${definition.type}': methods.${method}`,
        `${name} has no such method that can be called; it has ${[...callable].join(", ") || "none"}`,
      );
  if (callable.has("then"))
    throw new ConfigError(
      `actor '${definition.type}'`,
      `${name} declares \`then\`, which would make its references look like promises; rename it`,
    );
  if (definition.state) {
    const first = firstState(definition.state);
    if (!(first instanceof Promise) && !first.ok)
      throw new ConfigError(`actor '${definition.type}': state`, first.problem);
  }
  const methods = new Map<string, ResolvedMethod>();
  for (const method of callable)
    methods.set(
      method,
      definition.methods.get(method) ?? {
        name: method,
        mode: "write",
        timeoutMs: undefined,
        idempotent: false,
        args: undefined,
      },
    );
  const exclusive =
    definition.turns.reentrancy === "detect" &&
    [...methods.values()].every((method) => method.mode === "write");
  return { actorClass, definition, methods, exclusive };
}

const HOOKS = new Set(["constructor", "onActivate", "onDeactivate", "ctx", "state"]);

function callableNames(actorClass: ActorClass): ReadonlySet<string> {
  const names = new Set<string>();
  const hidden = new Set<string>();
  for (
    let prototype = actorClass.prototype as object;
    prototype !== Actor.prototype && prototype !== null;
    prototype = Object.getPrototypeOf(prototype) as object
  )
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (HOOKS.has(name) || name.startsWith("_") || name.startsWith("$")) continue;
      // The most derived declaration decides: an accessor over an inherited method hides it.
      if (names.has(name) || hidden.has(name)) continue;
      (typeof property.value === "function" ? names : hidden).add(name);
    }
  return names;
}
