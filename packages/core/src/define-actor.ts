// What a user says about an actor class, checked once. (What may be called on it: actor-kind.ts.)
//   A2. An option that does not exist, or not yet, is refused, never ignored.
import type { Actor } from "./actor.ts";
import { checkActorType } from "./actor-id.ts";
import { describe, type Duration, durationMs } from "./duration.ts";
import { ConfigError } from "./errors.ts";
import {
  type Interceptors,
  type ResolvedInterceptors,
  resolveInterceptors,
} from "./interceptors.ts";
import { type Placement, resolvePlacement } from "./placement.ts";
import { isStandardSchema, type StandardSchema } from "./standard-schema.ts";
import {
  type CommitMode,
  type Reentrancy,
  resolveTurnOptions,
  type TurnOptions,
} from "./turn-options.ts";
import { isPlainObject } from "./walk.ts";

/**
 * How turns of a method may overlap: `write` never; `read` beside other reads; `interleave` beside anything, also in the
 * middle of a write turn.
 */
export type MethodMode = "write" | "read" | "interleave";

/** `P`: what the method takes. */
export interface MethodOptions<P extends readonly unknown[] = readonly unknown[]> {
  /** @default 'write' */
  readonly mode?: MethodMode | undefined;
  /** How long a caller waits when it names no time of its own. @default the caller's callTimeoutMs */
  readonly timeoutMs?: Duration | undefined;
  /** Running it twice does no harm: the runtime may repeat a call whose outcome is unknown. @default false */
  readonly idempotent?: boolean | undefined;
  /**
   * A Standard Schema for the list of arguments, checked at the silo before the method runs; the method gets its output. What it
   * refuses fails the call with InvalidArgumentError, not executed, with `details.issues`. Callers see the method's own types: a
   * schema that transforms a value must accept the type that it makes of it.
   */
  readonly args?: StandardSchema<unknown, P> | undefined;
}

type HookName = keyof Actor<unknown>;
/** The names of A's methods that can be called through a reference. */
export type CallableName<A> = {
  [K in keyof A]: K extends HookName | `_${string}` | `$${string}` | symbol | number
    ? never
    : A[K] extends (...args: never[]) => unknown
      ? K
      : never;
}[keyof A];

// `void`, because the compiler does not look at a method's return type then: one that is inferred may lead back to the class
// whose definition is being typed.
type ParametersOf<F> = F extends (...args: infer P) => void ? P : never;

export interface ActorOptions<A extends Actor<unknown>> {
  /** The stable name on the wire and in storage: `[A-Za-z][A-Za-z0-9_.-]{0,63}`. It survives minify and rename. */
  readonly type: string;
  /**
   * Makes the state of an actor that has none stored: a function, or a Standard Schema with defaults. Without it the actor has no
   * durable state and touches no storage.
   *
   * A schema's first state is its output for `undefined`, or, if it refuses that, for `{}`. What is stored is checked by it at each
   * activation, and its output is the state: what it refuses fails the activation and stays as it is.
   */
  readonly state?: (() => A["state"]) | StandardSchema<unknown, A["state"]> | undefined;
  /** Modes and options by method; a method that is not named is `'write'`. */
  readonly methods?:
    | {
        readonly [K in CallableName<A>]?:
          | MethodMode
          | MethodOptions<ParametersOf<A[K]>>
          | undefined;
      }
    | undefined;
  /** How long without calls before the activation is collected; `false`: never. @default '10m' */
  readonly idle?: Duration | false | undefined;
  /** Where a call activates an actor that has no owner. @default 'balanced' */
  readonly placement?: Placement | undefined;
  /** Calls waiting at one activation; more are refused with OverloadedError. @default 10_000 */
  readonly maxQueue?: number | undefined;
  /**
   * The version of the state's shape, stored with the state: a whole number from 1 to 65,535. Raise it when the shape changes.
   * State of an older version goes through `migrate`; state of a newer one is left to silos that have the newer class.
   * @default 1
   */
  readonly version?: number | undefined;
  /**
   * Makes state of this version of state that an older one stored. Called when such an actor is activated, before any of its own
   * code; it must answer at once. What it answers is checked by the schema, if `state` is one, and stored with the first write. If
   * it throws, the activation fails and what is stored stays as it is. Needed from version 2 on.
   * @example migrate: (old, fromVersion) => ({ euros: (old as { cents: number }).cents / 100 })
   */
  readonly migrate?: Migrate<A["state"]> | undefined;
  /**
   * `'turn'`: state is encoded at the end of each write turn, and saved if its bytes changed. `'explicit'`: only `ctx.commit()` saves,
   * and the end of a call with an idempotency key; replies may show what is not saved, and a throw rolls back to the last save.
   * @default 'turn'
   */
  readonly commit?: CommitMode | undefined;
  /**
   * What becomes of a call that comes back to an actor whose turn in its chain still runs, and that may not run beside it:
   * `'detect'` fails it at once with DeadlockError, which prints the chain. `'chain'` lets it in, and only calls of that chain:
   * the state so far is committed first, and a throw of the outer turn rolls back to there only; a turn with an idempotency key lets none in.
   * `'full'` lets every call run beside every other; a throw rolls nothing back. It needs `commit: 'explicit'`. @default 'detect'
   */
  readonly reentrancy?: Reentrancy | undefined;
  /**
   * A reply that no save of its own turn vouches for, as a `read`'s, leaves only when the store has confirmed that this activation
   * still owns the actor: never a stale answer, whatever clocks do. One round trip more, shared by the reads of a moment. For
   * actors with state. @default false
   */
  readonly strictReads?: boolean | undefined;
  /**
   * Functions around calls of actors of this class: `incoming` around their methods, inside the silo's own; `outgoing` around the
   * calls that they make, before the silo's own.
   */
  readonly interceptors?: Interceptors | undefined;
  /**
   * A pool of activations in each silo instead of actors: they have no names, nobody owns them, and nothing of them is stored. A call
   * goes to the caller's own silo if it has the class, else to any that has; there any free activation of the pool takes it, one call
   * at a time. At most `max` of them are made, as they are needed; more calls wait in one queue of `maxQueue`. The id in
   * `get(Class, id)` chooses nothing. For actors without `state`. @default false; `true`: at most 8
   */
  readonly stateless?: boolean | { readonly max?: number | undefined } | undefined;
}

/** `old` is what a class of version `fromVersion` stored, and the receiver's own. */
export type Migrate<S = unknown> = (old: unknown, fromVersion: number) => S;

export interface ResolvedMethod {
  readonly name: string;
  readonly mode: MethodMode;
  readonly timeoutMs: number | undefined;
  readonly idempotent: boolean;
  readonly args: StandardSchema | undefined;
}

/** How an actor's first state is made. */
export type StateSource = (() => unknown) | StandardSchema;

/** How many activations of a stateless class one silo has at most. */
export interface StatelessPool {
  readonly max: number;
}

/** What `defineActor` returns. `A` is only for the type system. */
export interface ActorDefinition<A extends Actor<unknown>> {
  readonly type: string;
  readonly state: StateSource | undefined;
  readonly methods: ReadonlyMap<string, ResolvedMethod>;
  readonly idleMs: number | false;
  readonly placement: Placement;
  readonly maxQueue: number;
  readonly version: number;
  readonly migrate: Migrate | undefined;
  readonly strictReads: boolean;
  readonly turns: TurnOptions;
  readonly interceptors: ResolvedInterceptors;
  readonly stateless: StatelessPool | undefined;
  /** @internal */
  readonly actorType?: A;
}

const MODES: ReadonlySet<unknown> = new Set(["write", "read", "interleave"]);

const ACTOR_OPTIONS = new Set([
  "type",
  "state",
  "methods",
  "idle",
  "placement",
  "maxQueue",
  "version",
  "migrate",
  "commit",
  "reentrancy",
  "strictReads",
  "interceptors",
  "stateless",
]);
const METHOD_OPTIONS = new Set(["mode", "timeoutMs", "idempotent", "args"]);

/**
 * Describes an actor class: `static readonly actor = defineActor<Counter>({ type: 'counter', … })`.
 * @throws ConfigError that names the option, the value and what is allowed.
 */
export function defineActor<A extends Actor<unknown>>(
  options: ActorOptions<A>,
): ActorDefinition<A> {
  if (typeof options !== "object" || options === null)
    throw new ConfigError("defineActor", "takes an object of options with at least `type`");
  checkActorType(options.type);
  const { type } = options;
  const at = (option: string): string => `actor '${type}': ${option}`;
  refuseUnknown(options, ACTOR_OPTIONS, (key) => at(key), {
    args: "a schema of arguments belongs to a method: methods: { add: { args: … } }",
  });
  if (
    options.state !== undefined &&
    typeof options.state !== "function" &&
    !isStandardSchema(options.state)
  )
    throw new ConfigError(
      at("state"),
      `must be a function that makes the first state, or a Standard Schema, not ${describe(options.state)}`,
    );
  const strictReads = options.strictReads ?? false;
  if (typeof strictReads !== "boolean")
    throw new ConfigError(at("strictReads"), `must be true or false, not ${describe(strictReads)}`);
  if (strictReads && options.state === undefined)
    throw new ConfigError(
      at("strictReads"),
      "needs `state`: an actor without has nothing in the store that could be verified",
    );
  const maxQueue = options.maxQueue ?? 10_000;
  checkCount(at("maxQueue"), maxQueue);
  const stateless = resolveStateless(options, at);
  const version = resolveVersion(options, at);
  return {
    type,
    state: options.state,
    methods: resolveMethods(options.methods ?? {}, at),
    idleMs: options.idle === false ? false : durationMs(at("idle"), options.idle ?? "10m"),
    placement: stateless ? "local" : resolvePlacement(at("placement"), options.placement),
    maxQueue,
    version,
    migrate: options.migrate,
    strictReads,
    turns: resolveTurnOptions(options, at),
    interceptors: resolveInterceptors(at("interceptors"), options.interceptors),
    stateless,
  };
}

/** Two bytes of what is stored. */
export const MAX_VERSION = 0xffff;

function resolveVersion(
  { version: given, migrate, state }: ActorOptions<Actor<unknown>>,
  at: (option: string) => string,
): number {
  const version = given ?? 1;
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION)
    throw new ConfigError(
      at("version"),
      `must be a whole number from 1 to ${MAX_VERSION}, not ${describe(version)}`,
    );
  if (migrate !== undefined && typeof migrate !== "function")
    throw new ConfigError(
      at("migrate"),
      `must be a function of what is stored and its version, not ${describe(migrate)}`,
    );
  if (version > 1 && state === undefined)
    throw new ConfigError(at("version"), "needs `state`: nothing is stored that could be older");
  if (version > 1 && migrate === undefined)
    throw new ConfigError(
      at("version"),
      `${version} needs \`migrate\`: actors may have state of an older version`,
    );
  if (version === 1 && migrate !== undefined)
    throw new ConfigError(at("migrate"), "needs a `version` above 1: there is nothing older");
  return version;
}

const DEFAULT_POOL = 8;

function resolveStateless(
  { stateless, state, placement }: ActorOptions<Actor<unknown>>,
  at: (option: string) => string,
): StatelessPool | undefined {
  if (stateless === undefined || stateless === false) return undefined;
  const option = at("stateless");
  if (stateless !== true && (typeof stateless !== "object" || !isPlainObject(stateless ?? [])))
    throw new ConfigError(option, `must be true, false or { max }, not ${describe(stateless)}`);
  const given = stateless === true ? {} : stateless;
  refuseUnknown(given, new Set(["max"]), (key) => `${option}.${key}`);
  const max = given.max ?? DEFAULT_POOL;
  checkCount(`${option}.max`, max);
  if (state !== undefined)
    throw new ConfigError(option, "goes without `state`: nobody owns what a pool would save");
  if (placement !== undefined)
    throw new ConfigError(option, "goes without `placement`: a call goes to its caller's own silo");
  return { max };
}

function checkCount(option: string, count: unknown): void {
  if (!Number.isSafeInteger(count) || Number(count) < 1)
    throw new ConfigError(option, `must be a positive whole number, not ${describe(count)}`);
}

function resolveMethods(
  methods: Readonly<Record<string, MethodMode | MethodOptions<unknown[]> | undefined>>,
  at: (option: string) => string,
): ReadonlyMap<string, ResolvedMethod> {
  const resolved = new Map<string, ResolvedMethod>();
  if (typeof methods !== "object" || !isPlainObject(methods))
    throw new ConfigError(
      at("methods"),
      `must be an object of method names and modes, not ${describe(methods)}`,
    );
  for (const [name, given] of Object.entries(methods)) {
    if (given === undefined) continue;
    const option = at(`methods.${name}`);
    const o: MethodOptions<unknown[]> = typeof given === "string" ? { mode: given } : given;
    if (typeof o !== "object" || o === null)
      throw new ConfigError(option, `must be a mode or an object, not ${describe(given)}`);
    refuseUnknown(o, METHOD_OPTIONS, (key) => `${option}.${key}`);
    const mode = o.mode ?? "write";
    if (!MODES.has(mode))
      throw new ConfigError(
        option,
        `the mode must be 'write', 'read' or 'interleave', not ${describe(mode)}`,
      );
    if (o.idempotent !== undefined && typeof o.idempotent !== "boolean")
      throw new ConfigError(
        `${option}.idempotent`,
        `must be true or false, not ${describe(o.idempotent)}`,
      );
    if (o.args !== undefined && !isStandardSchema(o.args))
      throw new ConfigError(
        `${option}.args`,
        `must be a Standard Schema of the list of arguments, not ${describe(o.args)}`,
      );
    resolved.set(name, {
      name,
      mode,
      timeoutMs:
        o.timeoutMs === undefined ? undefined : durationMs(`${option}.timeoutMs`, o.timeoutMs),
      idempotent: o.idempotent ?? false,
      args: o.args,
    });
  }
  return resolved;
}

/** Throws for the first key that is not an option; `why` has a word for names that exist elsewhere in the design. */
export function refuseUnknown(
  options: object,
  known: ReadonlySet<string>,
  at: (key: string) => string,
  why: Readonly<Record<string, string>> = {},
): void {
  for (const [key, value] of Object.entries(options)) {
    if (known.has(key) || value === undefined) continue;
    throw new ConfigError(
      at(key),
      (Object.hasOwn(why, key) && why[key]) ||
        `is not an option; there are ${[...known].toSorted().join(", ")}`,
    );
  }
}
