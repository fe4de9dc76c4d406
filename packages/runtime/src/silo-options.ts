// What createSilo takes, checked as a whole before anything is opened.
//   O1. A wrong option is a ConfigError that names it, its value and what is allowed.
//   O2. An option that does not exist is refused, never ignored.
import type { ActorClass, Services } from "@tenure/core";
import {
  type ActorKind,
  actorKind,
  CLUSTER_PATTERN,
  ConfigError,
  describe,
  type DirectoryProvider,
  type Duration,
  durationMs,
  type Interceptors,
  refuseUnknown,
  type ResolvedInterceptors,
  resolveInterceptors,
  type StorageProvider,
  type TenureEvent,
  type TransportProvider,
} from "@tenure/core/internal";
import type { Authorize } from "./messaging/authorization.ts";

export interface SiloOptions {
  /** The classes whose actors this silo may own. */
  readonly actors: readonly ActorClass[];
  /** Unique among the live silos of the cluster. @default a random one */
  readonly name?: string | undefined;
  /** @default 'default' */
  readonly cluster?: string | undefined;
  /** @default [] */
  readonly roles?: readonly string[] | undefined;
  /**
   * What actors find as `ctx.services`, typed by the interface `Services`. Given by reference: it is neither copied nor closed. A
   * silo whose actors use none needs none.
   */
  readonly services?: Services | undefined;
  /** Declares that the directory is new: a first start on an empty one need not wait for a lease. @default false */
  readonly bootstrap?: boolean | undefined;
  readonly transport: TransportProvider;
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
  /** How long a silo that died keeps its actors from moving, at most; at least a second. @default 4_000 */
  readonly leaseTtlMs?: Duration | undefined;
  /** How long a call waits when neither it nor its method names a time; at least 2 × leaseTtlMs. @default 10_000 */
  readonly callTimeoutMs?: Duration | undefined;
  /** How long stop() waits for running turns. @default 25_000 */
  readonly drainTimeoutMs?: Duration | undefined;
  /** Calls taken and not yet answered in the whole silo; more are refused. @default 100_000 */
  readonly maxCalls?: number | undefined;
  /**
   * How large one actor's state may be, encoded. A turn that makes it larger fails, alone, and is rolled back. More than the store can
   * hold is refused at the start. @default 512 KiB, or what the store can hold if that is less
   */
  readonly maxStateBytes?: number | undefined;
  /** `strict` refuses stores whose settings can lose an acknowledged write. @default 'default' */
  readonly durability?: "default" | "strict" | undefined;
  /** Whether a user's error carries its stack to callers. @default false */
  readonly exposeStacks?: boolean | undefined;
  /** Every actor with state that this silo serves has `strictReads`. @default false */
  readonly strictReads?: boolean | undefined;
  /**
   * Whether a call may be made, asked for every call to an actor here, from wherever it comes, before anything is activated.
   * Only `true` lets it go on; else it fails with UnauthorizedError, not executed. The call is as its message says: a header or a
   * caller proves nothing that its sender could not make up.
   * @example authorize: (call) => call.headers['token'] === process.env['TOKEN']
   */
  readonly authorize?: Authorize | undefined;
  /**
   * Functions around calls, the first of each list outermost: `incoming` around the methods of all actors that live here;
   * `outgoing` around all calls that leave here, by actors and by the silo's client.
   */
  readonly interceptors?: Interceptors | undefined;
  readonly onEvent?: ((event: TenureEvent) => void) | undefined;
}

export interface ResolvedSiloOptions {
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly name: string | undefined;
  readonly cluster: string;
  readonly roles: readonly string[];
  readonly services: Services | undefined;
  readonly bootstrap: boolean;
  readonly transport: TransportProvider;
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
  readonly leaseTtlMs: number;
  readonly callTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly maxCalls: number;
  readonly maxStateBytes: number | undefined;
  readonly durability: "default" | "strict";
  readonly authorize: Authorize | undefined;
  readonly exposeStacks: boolean;
  readonly strictReads: boolean;
  readonly interceptors: ResolvedInterceptors;
  readonly onEvent: ((event: TenureEvent) => void) | undefined;
}

const OPTIONS = new Set([
  "actors",
  "name",
  "cluster",
  "roles",
  "services",
  "bootstrap",
  "transport",
  "directory",
  "storage",
  "leaseTtlMs",
  "callTimeoutMs",
  "drainTimeoutMs",
  "maxCalls",
  "maxStateBytes",
  "durability",
  "authorize",
  "exposeStacks",
  "strictReads",
  "interceptors",
  "onEvent",
]);

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** Below this, one renewal whose answer is lost would pause the silo: the margin of a lease is at least 250 ms. */
const MIN_LEASE_MS = 1_000;

export function resolveSiloOptions(given: SiloOptions): ResolvedSiloOptions {
  if (typeof given !== "object" || given === null)
    throw new ConfigError("createSilo", "takes an object of options with at least `actors`");
  refuseUnknown(given, OPTIONS, (key) => key);
  const leaseTtlMs = durationMs("leaseTtlMs", given.leaseTtlMs ?? 4_000);
  if (leaseTtlMs < MIN_LEASE_MS)
    throw new ConfigError("leaseTtlMs", `must be at least ${MIN_LEASE_MS} ms, not ${leaseTtlMs}`);
  const callTimeoutMs = durationMs(
    "callTimeoutMs",
    given.callTimeoutMs ?? Math.max(10_000, 2 * leaseTtlMs),
  );
  if (callTimeoutMs < 2 * leaseTtlMs)
    throw new ConfigError(
      "callTimeoutMs",
      `must be at least 2 × leaseTtlMs (${2 * leaseTtlMs} ms), or calls give up before a dead silo's actors have moved; it is ${callTimeoutMs}`,
    );
  return {
    kinds: resolveActors(given.actors),
    name: given.name === undefined ? undefined : text("name", given.name, NAME_PATTERN),
    cluster: text("cluster", given.cluster ?? "default", CLUSTER_PATTERN),
    roles: resolveRoles(given.roles ?? []),
    services: resolveServices(given.services),
    bootstrap: boolean("bootstrap", given.bootstrap ?? false),
    transport: provider("transport", given.transport),
    directory: provider("directory", given.directory),
    storage: provider("storage", given.storage),
    leaseTtlMs,
    callTimeoutMs,
    drainTimeoutMs: durationMs("drainTimeoutMs", given.drainTimeoutMs ?? 25_000),
    maxCalls: positiveInteger("maxCalls", given.maxCalls ?? 100_000),
    maxStateBytes:
      given.maxStateBytes === undefined
        ? undefined
        : positiveInteger("maxStateBytes", given.maxStateBytes),
    durability: oneOf("durability", given.durability ?? "default", ["default", "strict"]),
    exposeStacks: boolean("exposeStacks", given.exposeStacks ?? false),
    strictReads: boolean("strictReads", given.strictReads ?? false),
    authorize: resolveAuthorize(given.authorize),
    interceptors: resolveInterceptors("interceptors", given.interceptors),
    onEvent: listener(given.onEvent),
  };
}

function resolveActors(actors: unknown): ReadonlyMap<string, ActorKind> {
  if (!Array.isArray(actors))
    throw new ConfigError("actors", `must be an array of actor classes, not ${describe(actors)}`);
  const kinds = new Map<string, ActorKind>();
  for (const actorClass of actors as readonly ActorClass[]) {
    const kind = actorKind(actorClass);
    const { type } = kind.definition;
    const other = kinds.get(type);
    if (other)
      throw new ConfigError(
        "actors",
        `${other.actorClass.name} and ${actorClass.name} both have the type '${type}'; types are unique`,
      );
    kinds.set(type, kind);
  }
  return kinds;
}

function resolveRoles(roles: unknown): readonly string[] {
  if (!Array.isArray(roles) || roles.some((role) => typeof role !== "string" || role === ""))
    throw new ConfigError("roles", `must be an array of non-empty strings, not ${describe(roles)}`);
  return roles as string[];
}

function resolveServices(services: unknown): Services | undefined {
  if (services !== undefined && (typeof services !== "object" || services === null))
    throw new ConfigError("services", `must be an object, not ${describe(services)}`);
  return services as Services | undefined;
}

function text(option: string, value: unknown, pattern: RegExp): string {
  if (typeof value !== "string" || !pattern.test(value))
    throw new ConfigError(option, `must match ${pattern.source}, not ${describe(value)}`);
  return value;
}

function boolean(option: string, value: unknown): boolean {
  if (typeof value !== "boolean")
    throw new ConfigError(option, `must be true or false, not ${describe(value)}`);
  return value;
}

function positiveInteger(option: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1)
    throw new ConfigError(option, `must be a positive whole number, not ${describe(value)}`);
  return value;
}

function oneOf<T extends string>(option: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T))
    throw new ConfigError(
      option,
      `must be ${allowed.map((item) => `'${item}'`).join(" or ")}, not ${describe(value)}`,
    );
  return value as T;
}

function provider<T extends { open: unknown }>(option: string, value: T): T {
  if (typeof (value as T | undefined)?.open !== "function")
    throw new ConfigError(
      option,
      `must be a ${option}, not ${describe(value)}; spread a vendor's function into the options, for example ...nats({ servers }) or ...redis({ url })`,
    );
  return value;
}

function resolveAuthorize(value: unknown): Authorize | undefined {
  if (value !== undefined && typeof value !== "function")
    throw new ConfigError("authorize", `must be a function, not ${describe(value)}`);
  return value as Authorize | undefined;
}

function listener(value: unknown): ((event: TenureEvent) => void) | undefined {
  if (value !== undefined && typeof value !== "function")
    throw new ConfigError("onEvent", `must be a function, not ${describe(value)}`);
  return value as ((event: TenureEvent) => void) | undefined;
}
