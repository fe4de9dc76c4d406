// What a server's settings promise, and which of them are refused.
//   PS1. A server on which a decision could be wrong, or could not be made, is always refused: a standby, one that takes no
//        writes, a version without what the functions rely on, a database that does not keep all text, a pooler that drops
//        the session's settings.
//   PS2. `strict` means that an acknowledged write survives a crash of the server and of its machine: fsync and
//        full_page_writes on, and synchronous_commit at least as high as its default.
import { ConfigError, type PortEnvironment } from "@tenure/core/internal";

export interface ServerSettings {
  /** As in server_version_num: 150004. */
  readonly version: number;
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  readonly searchPath: string;
  readonly fsync: boolean;
  readonly fullPageWrites: boolean;
  readonly synchronousCommit: string;
  readonly synchronousStandbys: string;
}

const OLDEST_VERSION = 120_000;

/** Which server a connection has led to: another one answers after a failover, or after a restore. */
export interface ServerIdentity {
  readonly system: string;
  readonly timeline: string;
}

export interface JudgedAt {
  readonly address: string;
  readonly schema: string;
}

/** The promise in one sentence, or a ConfigError that says what is wrong and what mends it. */
export function judgeServer(
  settings: ServerSettings,
  { address, schema }: JudgedAt,
  durability: PortEnvironment["durability"],
): string {
  const problem = unusable(settings, schema);
  if (problem !== undefined)
    throw new ConfigError("postgres.url", `the server at ${address} ${problem}`);
  const promise = promiseOf(settings);
  if (durability === "strict" && !promise.strict)
    throw new ConfigError(
      "durability",
      `'strict' needs a log that is flushed before each answer, but of the server at ${address} is true: ` +
        `${promise.sentence}; set fsync, full_page_writes and synchronous_commit to on, or leave out 'strict'`,
    );
  return promise.sentence;
}

function unusable(settings: ServerSettings, schema: string): string | undefined {
  const { version, encoding, isStandby, isReadOnly, searchPath } = settings;
  if (!(version >= OLDEST_VERSION))
    return `has version ${Math.floor(version / 10_000)}; it must be 12 or newer`;
  if (isStandby) return "is a standby, which takes no writes; name the primary";
  if (isReadOnly)
    return "takes no writes (default_transaction_read_only); name one that does, or switch it off";
  if (encoding !== "UTF8")
    return `has a database in ${encoding}, which does not keep all text; make one with encoding UTF8`;
  if (searchPath !== `"${schema}"`)
    return "is behind a pooler that drops a session's settings (options); connect to the server itself";
  return undefined;
}

function promiseOf(settings: ServerSettings): {
  readonly strict: boolean;
  readonly sentence: string;
} {
  const { strict, text } = promiseOfLog(settings);
  return { strict, sentence: `an acknowledged write ${text}; ${promiseOfFailover(settings)}` };
}

function promiseOfLog(settings: ServerSettings): {
  readonly strict: boolean;
  readonly text: string;
} {
  const { fsync, fullPageWrites, synchronousCommit } = settings;
  if (!fsync)
    return {
      strict: false,
      text: "survives a crash of the server, but a crash of its machine may lose or ruin all data (fsync off)",
    };
  if (synchronousCommit === "off")
    return {
      strict: false,
      text: "may be lost in a crash of the server or of its machine, the last second at most (synchronous_commit off)",
    };
  if (!fullPageWrites)
    return {
      strict: false,
      text: "survives a crash of the server, but a crash of its machine may ruin pages that were being written (full_page_writes off)",
    };
  return {
    // Less than what the administrator asks of the standbys is not what strict means, even where there are none.
    strict: synchronousCommit !== "local",
    text: `survives a crash of the server and of its machine (synchronous_commit ${synchronousCommit})`,
  };
}

function promiseOfFailover({ synchronousCommit, synchronousStandbys }: ServerSettings): string {
  if (synchronousStandbys === "" || synchronousCommit === "local" || synchronousCommit === "off")
    return "a failover to a standby may lose the newest";
  const where =
    synchronousCommit === "remote_write"
      ? "has been received by"
      : synchronousCommit === "remote_apply"
        ? "has been applied by"
        : "is in the log of";
  return `it ${where} the synchronous standbys (${synchronousStandbys}) too, so a failover to one of them keeps it`;
}
