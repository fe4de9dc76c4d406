// Opening a stream: look, make it if it is not there, judge it.
import { ConfigError, type PortEnvironment, UnreachableError } from "@tenure/core/internal";
import type { Connection } from "../connection.ts";
import { openConnection } from "../open.ts";
import type { ResolvedNatsOptions } from "../options.ts";
import {
  ApiRefusal,
  askApi,
  type Json,
  NAME_IN_USE,
  NOT_ENABLED,
  STREAM_NOT_FOUND,
} from "./api.ts";
import { RecordStream } from "./record-stream.ts";
import { Requests } from "./requests.ts";
import { checkServer, judgeStream, newStream, promiseOf } from "./stream-config.ts";

export interface StreamName {
  readonly name: string;
  /** All that it stores. */
  readonly subjects: readonly string[];
}

export interface OpenedStream {
  readonly stream: RecordStream;
  readonly durability: string;
  readonly maxMessageBytes: number;
  /** How long an operation may take. */
  readonly timeoutMs: number;
}

/** On a connection of its own. `remade`: a stream that is gone while this is open is made again. */
export async function openStream(
  options: ResolvedNatsOptions,
  environment: PortEnvironment,
  { name, subjects }: StreamName,
  { remade }: { readonly remade: boolean },
): Promise<OpenedStream> {
  const { clock, random, cluster, durability, leaseTtlMs } = environment;
  const { shownServers, jetstream } = options;
  const timeoutMs = jetstream.commandTimeoutMs ?? Math.ceil(leaseTtlMs / 2);
  if (timeoutMs > leaseTtlMs)
    throw new ConfigError(
      "nats.jetstream.commandTimeoutMs",
      `must be at most leaseTtlMs (${leaseTtlMs}), not ${timeoutMs}: a renewal that waits longer is of no use`,
    );
  const store = `JetStream at ${shownServers}`;
  const connection: Connection = await openConnection(options, storeEvents(environment, store));
  try {
    const requests = await Requests.on(connection, { clock, random, cluster, timeoutMs, store });
    checkServer(jetstream, requests.serverVersion);
    const wanted = newStream(name, subjects, jetstream.replicas ?? 1);
    const judge = (info: Json): void =>
      judgeStream(info, name, subjects, jetstream, requests.serverVersion);
    const info = await infoOrNew(requests, wanted, name, shownServers);
    judge(info);
    const remake = async (): Promise<void> => {
      await askApi(requests, `STREAM.CREATE.${name}`, wanted);
    };
    return {
      stream: new RecordStream(name, requests, info, judge, remade ? remake : undefined),
      durability: promiseOf(info, jetstream, durability),
      maxMessageBytes: limitOf(info, requests.maxPayload),
      timeoutMs,
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** A connection of a store is lost as a store, not as a transport. */
function storeEvents(environment: PortEnvironment, store: string): PortEnvironment {
  return {
    ...environment,
    emit: (event) => {
      if (event.type === "transport.reconnected") return;
      if (event.type === "transport.disconnected")
        environment.emit({ type: "store.unavailable", store, error: event.reason });
      else environment.emit(event);
    },
  };
}

async function infoOrNew(
  requests: Requests,
  wanted: Json,
  name: string,
  shownServers: string,
): Promise<Json> {
  try {
    const info = await infoOf(requests, name);
    if (info) return info;
    try {
      return await askApi(requests, `STREAM.CREATE.${name}`, wanted);
    } catch (error) {
      // Another silo was faster; with other settings, which are judged like any.
      if (error instanceof ApiRefusal && error.errCode === NAME_IN_USE)
        return await askApi(requests, `STREAM.INFO.${name}`);
      throw error;
    }
  } catch (error) {
    if (!(error instanceof ApiRefusal))
      throw new UnreachableError("JetStream", shownServers, error);
    if (NOT_ENABLED.has(error.errCode))
      throw new ConfigError(
        "nats.servers",
        `JetStream, where ${name} would be, is not enabled at ${shownServers}, or this user may not use it (${error.message}); start nats-server with -js, or with jetstream { store_dir: … }, or name other stores, for example ...redis({ url })`,
        {},
        error,
      );
    throw new ConfigError(
      "nats.jetstream",
      `the server at ${shownServers} makes no stream ${name}: ${error.message}`,
      { stream: name },
      error,
    );
  }
}

async function infoOf(requests: Requests, name: string): Promise<Json | undefined> {
  try {
    return await askApi(requests, `STREAM.INFO.${name}`);
  } catch (error) {
    if (error instanceof ApiRefusal && error.errCode === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

function limitOf(info: Json, maxPayload: number): number {
  const config = (info["config"] ?? {}) as Json;
  const own = config["max_msg_size"];
  return typeof own === "number" && own > 0 ? Math.min(own, maxPayload) : maxPayload;
}
