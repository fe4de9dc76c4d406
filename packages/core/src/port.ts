// What every backend gets when a silo or a client opens it, and how a backend says that it cannot answer.
import type { Clock } from "./clock.ts";
import { TenureError } from "./errors.ts";
import type { EventSink } from "./events.ts";
import type { Random } from "./random.ts";

export interface PortEnvironment {
  /** The cluster id; in every subject, key and handshake (I14). Matches CLUSTER_PATTERN, so it needs no encoding. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly leaseTtlMs: number;
  /** How long opening may take before it fails with UnreachableError. */
  readonly openTimeoutMs: number;
  /** `strict` refuses settings under which an acknowledged write may be lost. */
  readonly durability: "default" | "strict";
}

export const CLUSTER_PATTERN: RegExp = /^[A-Za-z][A-Za-z0-9_-]{0,47}$/;

/** No definitive answer: the operation may or may not have been applied. Send the same request again (R7). */
export class StoreUnavailableError extends TenureError {
  constructor(message: string, cause?: unknown) {
    super("STORE_UNAVAILABLE", message, { cause });
  }
}

/** A server could not be reached at start. The message names its address. */
export class UnreachableError extends TenureError {
  constructor(what: string, address: string, cause?: unknown) {
    super(
      "UNREACHABLE",
      `${what} at ${address} cannot be reached${cause instanceof Error ? `: ${cause.message}` : ""}`,
      { cause, details: { address } },
    );
  }
}
