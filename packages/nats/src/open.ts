// Opening a connection: once, within the time that opening may take, or UnreachableError with the addresses.
import { type PortEnvironment, UnreachableError } from "@tenure/core/internal";
import { TIMED_OUT, within } from "./bounded.ts";
import type { NatsConnection, NatsConnectOptions } from "./client-library.ts";
import { Connection } from "./connection.ts";
import { describeNatsError } from "./errors.ts";
import type { ResolvedNatsOptions } from "./options.ts";

export async function openConnection(
  options: ResolvedNatsOptions,
  environment: PortEnvironment,
): Promise<Connection> {
  const connect = await options.loadConnect();
  const { clock, emit, openTimeoutMs } = environment;
  const opening = connect(settings(options, environment));
  let nats: NatsConnection | typeof TIMED_OUT;
  try {
    nats = await within(clock, openTimeoutMs, opening);
  } catch (error) {
    throw unreachable(options, describeNatsError(error), error);
  }
  if (nats === TIMED_OUT) {
    void closeLate(opening);
    throw unreachable(options, `no answer within ${openTimeoutMs} ms`);
  }
  try {
    const { shownServers } = options;
    return new Connection(nats, { clock, emit, waitMs: openTimeoutMs, shownServers });
  } catch (error) {
    await within(clock, openTimeoutMs, nats.close());
    throw error;
  }
}

function unreachable(options: ResolvedNatsOptions, why: string, error?: unknown): UnreachableError {
  return new UnreachableError("NATS", options.shownServers, new Error(why, { cause: error }));
}

/** Nobody waits any more for a connection that comes after the time. */
async function closeLate(opening: Promise<NatsConnection>): Promise<void> {
  try {
    await (await opening).close();
  } catch {
    // It did not come either.
  }
}

function settings(options: ResolvedNatsOptions, environment: PortEnvironment): NatsConnectOptions {
  const { cluster, openTimeoutMs, leaseTtlMs, random } = environment;
  return {
    ...options.passthrough,
    servers: [...options.servers],
    name: options.name ?? `tenure-${cluster}`,
    // Per server, so that one that does not answer leaves time for the others.
    timeout: Math.ceil(openTimeoutMs / options.servers.length),
    reconnect: true,
    waitOnFirstConnect: false,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    // A dead connection is noticed before the lease that depends on it has run out.
    pingInterval: Math.ceil(leaseTtlMs / 3),
    maxPingOut: 2,
    // The libraries' default captures a stack per operation: half the throughput (measured).
    noAsyncTraces: true,
    // By default two refusals in a row close a connection for ever; credentials may be repaired while silos run.
    ignoreAuthErrorAbort: true,
    // The library's own inbox is never used: request() is not. Were it, nobody could guess or share this one.
    inboxPrefix: `tnr.${cluster}.inbox.${random.hex128()}`,
  };
}
