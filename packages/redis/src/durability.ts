// What a server's settings promise, and which of them are refused.
//   RS1. A server on which a decision could be wrong is always refused: cluster mode, a replica, a version without what
//        the scripts rely on, eviction of keys.
//   RS2. `strict` means that an acknowledged write survives a crash of the server and of its machine, as far as the
//        server's settings can promise it: an append-only file that is flushed before each answer. What could not be read
//        is not promised.
import { ConfigError, type PortEnvironment } from "@tenure/core/internal";
import { NO_CLUSTER } from "./options.ts";

export interface ServerSettings {
  readonly version: string;
  readonly mode: string;
  readonly role: string;
  /** Undefined here and below: the server does not say. */
  readonly appendOnly: boolean | undefined;
  readonly appendFsync: string | undefined;
  readonly maxMemory: number;
  readonly maxMemoryPolicy: string | undefined;
  readonly minReplicas: number;
}

/** The promise in one sentence, or a ConfigError that says what is wrong and what mends it. */
export function judgeServer(
  settings: ServerSettings,
  address: string,
  durability: PortEnvironment["durability"],
): string {
  const problem = unusable(settings);
  if (problem !== undefined)
    throw new ConfigError("redis.url", `the server at ${address} ${problem}`);
  const promise = promiseOf(settings);
  if (durability === "strict" && !promise.strict)
    throw new ConfigError(
      "durability",
      `'strict' needs an append-only file that is flushed before each answer, but of the server at ${address} is true: ` +
        `${promise.sentence}; set appendonly yes and appendfsync always, or leave out 'strict'`,
    );
  return promise.sentence;
}

function unusable(settings: ServerSettings): string | undefined {
  const { mode, role, version, maxMemory, maxMemoryPolicy } = settings;
  if (mode === "cluster") return `is in cluster mode, ${NO_CLUSTER}`;
  if (mode === "sentinel") return "is a sentinel, which holds no data; name the primary";
  if (role === "slave") return "is a replica, which takes no writes; name the primary";
  // Since 7.0 a script with a shebang is refused as a whole before it starts, and never half-way (LU2).
  if (!(Number.parseInt(version, 10) >= 7))
    return `has version ${version}; it must be 7.0 or newer, which checks a script before it runs`;
  // volatile-* evicts only keys with a time to live, and Tenure has none.
  if (maxMemory > 0 && maxMemoryPolicy?.startsWith("allkeys-"))
    return (
      `evicts any key when its memory is full (maxmemory-policy ${maxMemoryPolicy}), entries and state too; ` +
      "set maxmemory-policy noeviction"
    );
  return undefined;
}

function promiseOf(settings: ServerSettings): {
  readonly strict: boolean;
  readonly sentence: string;
} {
  const { strict, text } = promiseOfLog(settings);
  const replicas =
    settings.minReplicas > 0
      ? `none is taken without ${settings.minReplicas} connected replica${settings.minReplicas > 1 ? "s" : ""}, but a failover to one may lose the newest`
      : "a failover to a replica may lose the newest";
  return { strict, sentence: `an acknowledged write ${text}; ${replicas}` };
}

function promiseOfLog(settings: ServerSettings): {
  readonly strict: boolean;
  readonly text: string;
} {
  const { appendOnly, appendFsync } = settings;
  if (appendOnly === undefined)
    return {
      strict: false,
      text: "survives nothing that is known: the server does not say whether it keeps an append-only file (CONFIG is not allowed)",
    };
  if (!appendOnly)
    return {
      strict: false,
      text: "is lost when the server ends, back to its last snapshot if it makes any (appendonly no)",
    };
  const survives = "survives a crash of the server";
  switch (appendFsync) {
    case "always":
      return { strict: true, text: `${survives} and of its machine (appendfsync always)` };
    case "everysec":
      return {
        strict: false,
        text: `${survives}; a crash of its machine loses up to the last two seconds (appendfsync everysec)`,
      };
    case "no":
      return {
        strict: false,
        text: `${survives}; a crash of its machine loses what the operating system had not written yet, some 30 seconds (appendfsync no)`,
      };
    default:
      return {
        strict: false,
        text: `${survives}; what a crash of its machine loses could not be read (appendfsync: CONFIG is not allowed)`,
      };
  }
}
