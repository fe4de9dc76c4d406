// What a stream has to be, which settings of an existing one are refused, and what an acknowledged write survives.
//   SC1. A setting under which a record could vanish is refused: an age, a discard of old messages at a limit, a work queue.
//   SC2. More than one replica is refused below nats-server 2.11: compare-and-set had several winners there (measured on
//        servers before 2.9.21: 151 of 400 races).
//   SC3. What the server does not tell is not promised: how often it flushes to disk is `syncAlways`, which only an operator
//        can state.
import { ConfigError, type PortEnvironment } from "@tenure/core/internal";
import { isJson, type Json, numberIn } from "./api.ts";

export interface JetStreamSettings {
  /** Undefined: 1 for a new stream; of an existing one whatever it has. */
  readonly replicas: number | undefined;
  readonly syncAlways: boolean;
}

/** What is asked of the server for a stream that is not there yet. */
export function newStream(name: string, subjects: readonly string[], replicas: number): Json {
  return {
    name,
    subjects,
    retention: "limits",
    storage: "file",
    max_consumers: -1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_msg_size: -1,
    max_msgs_per_subject: 1,
    // With a limit that an operator sets later, what is new is refused, and nothing old is thrown away.
    discard: "new",
    num_replicas: replicas,
  };
}

/** @throws ConfigError that says what is wrong with the stream and how to mend it. */
export function judgeStream(
  info: Json,
  name: string,
  subjects: readonly string[],
  settings: JetStreamSettings,
  serverVersion: string,
): void {
  const config = isJson(info["config"]) ? info["config"] : {};
  const problem =
    problemOf(config, subjects) ?? replicasProblem(config, settings.replicas, serverVersion);
  if (problem === undefined) return;
  throw new ConfigError(
    "nats.jetstream",
    `the stream ${name} ${problem}. Tenure made it with other settings, or would have: put them right (nats stream edit ${name}), or, if nothing in it is needed, remove it`,
    { stream: name },
  );
}

function problemOf(config: Json, subjects: readonly string[]): string | undefined {
  const listens = JSON.stringify(config["subjects"] ?? []);
  const limited = numberIn(config, "max_msgs") > 0 || numberIn(config, "max_bytes") > 0;
  if (isJson(config["mirror"]) || Array.isArray(config["sources"]))
    return "is a copy of another stream (mirror or sources), which takes writes that are not ours";
  if (listens !== JSON.stringify(subjects))
    return `has the subjects ${listens}, not ${JSON.stringify(subjects)}`;
  if (numberIn(config, "max_age") > 0)
    return "forgets messages by age (max_age), ownership and state too; max_age must be 0";
  if (config["max_msgs_per_subject"] !== 1)
    return `keeps ${JSON.stringify(config["max_msgs_per_subject"])} messages of a subject; max_msgs_per_subject must be 1`;
  if (config["retention"] !== undefined && config["retention"] !== "limits")
    return `has the retention ${JSON.stringify(config["retention"])}, which removes messages; it must be limits`;
  if (limited && config["discard"] !== "new")
    return "throws its oldest messages away at its limit; with max_msgs or max_bytes discard must be new";
  for (const flag of ["sealed", "deny_delete", "no_ack"])
    if (config[flag] === true) return `is set to ${flag}; that must be off`;
  if (isJson(config["subject_transform"])) return "rewrites subjects (subject_transform)";
  return undefined;
}

function replicasProblem(
  config: Json,
  wanted: number | undefined,
  serverVersion: string,
): string | undefined {
  const has = Math.max(1, numberIn(config, "num_replicas"));
  if (wanted !== undefined && wanted !== has)
    return `has ${has} replica${has > 1 ? "s" : ""}, and nats.jetstream.replicas says ${wanted}`;
  return has > 1 && !isAtLeast(serverVersion, 2, 11)
    ? `has ${has} replicas, on nats-server ${serverVersion}, ${CAS_BROKEN}`
    : undefined;
}

const CAS_BROKEN = "below 2.11 a compare-and-set with replicas may have several winners";

/** Before a stream is made. */
export function checkServer(settings: JetStreamSettings, serverVersion: string): void {
  const { replicas = 1, syncAlways } = settings;
  if (replicas > 1 && !isAtLeast(serverVersion, 2, 11))
    throw new ConfigError(
      "nats.jetstream.replicas",
      `${replicas} need nats-server 2.11 or newer, and this one is ${serverVersion}: ${CAS_BROKEN}; update the servers, or leave it at 1`,
    );
  if (syncAlways && !isAtLeast(serverVersion, 2, 10))
    throw new ConfigError(
      "nats.jetstream.syncAlways",
      `nats-server ${serverVersion} has no sync_interval; 2.10 or newer is needed`,
    );
}

/** The promise in one sentence. @throws ConfigError where `strict` asks for more. */
export function promiseOf(
  info: Json,
  settings: JetStreamSettings,
  durability: PortEnvironment["durability"],
): string {
  const config = isJson(info["config"]) ? info["config"] : {};
  const { strict, sentence } = promise(config, settings.syncAlways);
  if (durability === "strict" && !strict)
    throw new ConfigError(
      "durability",
      `'strict' needs a server that flushes to disk before it answers, which a server does not tell; of this one is known: ` +
        `${sentence}; set jetstream { sync_interval: always } in every server (2.10 or newer), and say so with nats({ jetstream: { syncAlways: true } }), or leave out 'strict'`,
    );
  return sentence;
}

function promise(
  config: Json,
  syncAlways: boolean,
): { readonly strict: boolean; readonly sentence: string } {
  if (config["storage"] === "memory")
    return {
      strict: false,
      sentence: "an acknowledged write is lost when the server ends: the stream is in its memory",
    };
  const replicas = Math.max(1, numberIn(config, "num_replicas"));
  const copies = replicas > 1 ? `is on most of ${replicas} servers and ` : "";
  return syncAlways
    ? {
        strict: true,
        sentence: `an acknowledged write ${copies}survives a crash of the server and of its machine (sync_interval: always, as you state)`,
      }
    : {
        strict: false,
        sentence: `an acknowledged write ${copies}survives a crash of the server; a crash of its machine may lose what the server had not flushed yet, up to its sync_interval, two minutes unless set`,
      };
}

export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [hasMajor = 0, hasMinor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return hasMajor > major || (hasMajor === major && hasMinor >= minor);
}
