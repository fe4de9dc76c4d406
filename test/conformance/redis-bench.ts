// What the tests of Redis's faults share: private servers, sessions on them, and requests of one silo for one actor.
import {
  type ClaimRequest,
  type Directory,
  type EventBody,
  type PortEnvironment,
  type SaveRequest,
  type Storage,
  StoreUnavailableError,
  systemClock,
  systemRandom,
} from "@tenure/core/internal";
import { redis } from "@tenure/redis";
import { Redis } from "ioredis";
import { type RedisServer, type RedisServerOptions, startRedis } from "../support/redis-server.ts";

export const ME = "a".repeat(32);
export const ACTOR = { type: "Cart", id: "alice" };

const undo: (() => Promise<void>)[] = [];

/** To be undone after the test. */
export function atEnd(step: () => Promise<void>): void {
  undo.push(step);
}

/** For `afterEach`: ends what the test started, the newest first. */
export async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).toReversed()) await step();
}

export async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  atEnd(() => server.stop());
  return server;
}

export function client(server: RedisServer): Redis {
  const raw = new Redis(server.port, "127.0.0.1");
  raw.on("error", () => {});
  atEnd(async () => raw.disconnect());
  return raw;
}

export const environment: PortEnvironment = {
  cluster: "faults",
  clock: systemClock(),
  random: systemRandom(),
  emit: () => {},
  leaseTtlMs: 4_000,
  openTimeoutMs: 8_000,
  durability: "default",
};

export async function openBoth(
  url: string,
  changes: Partial<PortEnvironment> = {},
): Promise<{ directory: Directory; storage: Storage }> {
  // Short, for those that wait for it; long enough for a machine that is busy with other tests.
  const backend = redis({ url, commandTimeoutMs: 1_500 });
  const directory = await backend.directory.open({ ...environment, ...changes });
  atEnd(() => directory.close());
  const storage = await backend.storage.open({ ...environment, ...changes });
  atEnd(() => storage.close());
  return { directory, storage };
}

export async function join(directory: Directory): Promise<void> {
  const { answer } = await directory.register({
    incarnation: ME,
    name: "north",
    types: { Cart: 1 },
    roles: [],
    protocol: 1,
    proposedStoreId: "5".repeat(32),
    bootstrap: true,
  });
  if (!answer.ok) throw new Error(`not registered: ${answer.refusal}`);
}

export function claim(id: string, token: string): ClaimRequest {
  const actor = { type: "Cart", id };
  return { actor, incarnation: ME, token, expected: "free", floor: 0, reason: "call" };
}

export function save(changes: Partial<SaveRequest> = {}): SaveRequest {
  const put = new Map([["state", Buffer.from("state")]]);
  const base = {
    actor: ACTOR,
    generation: 1,
    token: "t1",
    etag: "",
    newEtag: "e1",
    due: undefined,
  };
  return { ...base, put, del: [], ...changes };
}

/** The next event of a type. */
export function nextEvent(type: EventBody["type"]): {
  emit: (event: EventBody) => void;
  seen: Promise<EventBody>;
} {
  let emit!: (event: EventBody) => void;
  const seen = new Promise<EventBody>((resolve) => {
    emit = (event) => {
      if (event.type === type) resolve(event);
    };
  });
  return { emit, seen };
}

/** Asks until it is answered; each refusal must be a StoreUnavailableError. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      // Waits for the connection, not for a time: a refusal comes back at once.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
