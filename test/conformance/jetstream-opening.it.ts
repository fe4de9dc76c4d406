// JetStream as it is found: not enabled, with other settings, too small, gone, away; and what is said about each.
import { connect } from "@nats-io/transport-node";
import { ConfigError, encodeActorKey, StoreUnavailableError } from "@tenure/core/internal";
import type { Directory, PortEnvironment, Storage } from "@tenure/core/internal";
import { type JetStreamOptions, nats } from "@tenure/nats";
import { openStream, resolveNatsOptions, RowSubjects } from "@tenure/nats/internal";
import { Actor, connect as connectClient, createSilo, defineActor } from "tenure";
import { afterEach, expect, test } from "vitest";
import { type NatsServer, type NatsServerOptions, startNats } from "../support/nats-server.ts";
import {
  ACTOR,
  atEnd,
  claim,
  cleanUp,
  environment,
  eventually,
  join,
  nextEvent,
  save,
} from "./store-bench.ts";

afterEach(cleanUp);

const { cluster } = environment;
const STATE = `TENURE-${cluster}-state`;

async function start(options?: NatsServerOptions): Promise<NatsServer> {
  const server = await startNats(options);
  atEnd(() => server.stop());
  return server;
}

async function open(
  url: string,
  changes: Partial<PortEnvironment> = {},
  jetstream: JetStreamOptions = {},
): Promise<{ directory: Directory; storage: Storage }> {
  const backend = nats({ servers: url, jetstream: { commandTimeoutMs: 1_500, ...jetstream } });
  const directory = await backend.directory.open({ ...environment, ...changes });
  atEnd(() => directory.close());
  const storage = await backend.storage.open({ ...environment, ...changes });
  atEnd(() => storage.close());
  return { directory, storage };
}

/** What an operator does with a tool of theirs. */
async function operator(
  server: NatsServer,
): Promise<(verb: string, body?: object) => Promise<{ readonly config?: object }>> {
  const connection = await connect({ servers: server.url });
  atEnd(() => connection.close());
  return async (verb, body = {}) => {
    const message = await connection.request(`$JS.API.${verb}`, JSON.stringify(body));
    const answer: { error?: unknown; config?: object } = message.json();
    if (answer.error) throw new Error(JSON.stringify(answer.error));
    return answer;
  };
}

test("a server without JetStream is refused, with how to mend it", async () => {
  // The last line of its kind wins.
  const server = await start({ config: "jetstream: false" });
  await expect(open(server.url)).rejects.toBeInstanceOf(ConfigError);
  await expect(open(server.url)).rejects.toThrow(/JetStream.* is not enabled at nats:.*-js/);
});

test("a client needs no JetStream", async () => {
  const server = await start({ config: "jetstream: false" });
  const client = await connectClient({ cluster, ...nats({ servers: server.url }) });
  atEnd(() => client.close());
  const connection = await connect({ servers: server.url });
  atEnd(() => connection.close());
  expect(connection.info?.jetstream).toBeFalsy();
});

test("two replicas are refused on this server, which is older than 2.11 (SC2)", async () => {
  const server = await start();
  await expect(open(server.url, {}, { replicas: 2 })).rejects.toThrow(
    /^nats\.jetstream\.replicas: 2 need nats-server 2\.11 or newer, and this one is 2\./,
  );
});

test("a stream that forgets is refused at the start, and left as it is (SC1)", async () => {
  const server = await start();
  const { directory, storage } = await open(server.url);
  await Promise.all([directory.close(), storage.close()]);
  const ask = await operator(server);
  const { config } = await ask(`STREAM.INFO.${STATE}`);
  await ask(`STREAM.UPDATE.${STATE}`, { ...config, max_age: 600_000_000_000 });
  await expect(open(server.url)).rejects.toThrow(/^nats\.jetstream: .*max_age must be 0/);
  expect((await ask(`STREAM.INFO.${STATE}`)).config).toMatchObject({ max_age: 600_000_000_000 });
});

test("strict needs a statement about the server's sync_interval (SC3)", async () => {
  const server = await start();
  await expect(open(server.url, { durability: "strict" })).rejects.toThrow(
    /^durability: 'strict' needs a server that flushes/,
  );
  await expect(open(server.url, {}, { syncAlways: true })).rejects.toThrow(
    /has no sync_interval; 2\.10 or newer is needed/,
  );
  const { directory, storage } = await open(server.url);
  expect(directory.durability).toMatch(
    /survives a crash of the server; a crash of its machine may/,
  );
  expect(storage.durability).toBe(directory.durability);
});

test("a state may be as large as max_payload allows, and a silo that allows more does not start", async () => {
  const server = await start({ config: "max_payload: 262144" });
  const { storage } = await open(server.url);
  expect(storage.maxStateBytes).toBe(262_144 - 16 * 1_024);
  class Cart extends Actor<{ n: number }> {
    static readonly actor = defineActor<Cart>({ type: "Cart", state: () => ({ n: 0 }) });
  }
  const options = { cluster: "large", actors: [Cart], ...nats({ servers: server.url }) };
  const told = createSilo({ ...options, maxStateBytes: 262_144, onEvent: () => undefined });
  await expect(told).rejects.toThrow(/maxStateBytes/);
  const silo = await createSilo({ ...options, onEvent: () => undefined });
  await silo.stop();
});

test("a row of exactly the largest state is kept, and a larger row is refused with its size, alone", async () => {
  const server = await start({ config: "max_payload: 65536" });
  const { storage } = await open(server.url);
  const other = { type: "Cart", id: "bob" };
  await storage.load([
    { actor: ACTOR, generation: 1, token: "t1" },
    { actor: other, generation: 1, token: "t1" },
  ]);
  const put = new Map([["state", Buffer.alloc(storage.maxStateBytes, 1)]]);
  expect((await storage.save([save({ put })])).answer).toEqual([{ ok: true }]);
  const more = save({ etag: "e1", newEtag: "e2", put: new Map([["k/a", Buffer.alloc(20_000)]]) });
  const { answer: answers } = await storage.save([more, save({ actor: other })]);
  expect(answers).toMatchObject([{ ok: false, refusal: "too-large" }, { ok: true }]);
  const [first] = answers;
  expect(JSON.stringify(first)).toMatch(/results of Cart\/alice would have 6\d{4} bytes together/);
  const { answer } = await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  expect(answer[0]).toMatchObject({ ok: true, row: { meta: { etag: "e1" } } });
});

test("a call whose recorded result finds no room fails typed, not executed; its actor goes on", async () => {
  const server = await start({ config: "max_payload: 65536" });
  class Cart extends Actor<{ s: string; n: number }> {
    static readonly actor = defineActor<Cart>({ type: "Cart", state: () => ({ s: "", n: 0 }) });
    async fill(bytes: number) {
      this.state.s = "x".repeat(bytes);
      this.state.n += 1;
      return "y".repeat(4_000);
    }
    async count() {
      return (this.state.n += 1);
    }
  }
  const silo = await createSilo({
    cluster: "full",
    actors: [Cart],
    bootstrap: true,
    ...nats({ servers: server.url }),
    onEvent: () => undefined,
  });
  atEnd(() => silo.stop());
  const cart = silo.client.get(Cart, "a");
  let filled = 0;
  const filling = async (): Promise<never> => {
    for (;;) {
      await cart.$with({ idempotencyKey: `key ${filled}` }).fill(48_000);
      filled += 1;
    }
  };
  const error = await filling().catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "NOT_SERIALIZABLE", outcome: "not-executed" });
  expect((error as Error).message).toMatch(/Cart\/a would have 6\d{4} bytes together/);
  expect(filled).toBeGreaterThan(0);
  expect(await cart.count()).toBe(filled + 1);
});

test("a server that was killed has all that it acknowledged, and the sessions go on by themselves", async () => {
  const server = await start();
  const { emit, seen } = nextEvent("store.unavailable");
  const { directory, storage } = await open(server.url, { emit });
  await join(directory);
  await directory.claim([claim("alice", "t1")]);
  await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  await storage.save([save()]);
  await server.kill();
  await expect(directory.members()).rejects.toBeInstanceOf(StoreUnavailableError);
  expect(await seen).toMatchObject({
    store: expect.stringContaining("JetStream at nats:") as string,
  });
  await server.restart();
  const { answer } = await eventually(() => directory.lookup([ACTOR]));
  expect(answer).toMatchObject([{ ok: true, entry: { token: "t1", free: false } }]);
  // The same save again, as by a caller that got no answer (R8).
  expect((await eventually(() => storage.save([save()]))).answer).toEqual([{ ok: true }]);
  const next = save({ etag: "e1", newEtag: "e2" });
  expect((await eventually(() => storage.save([next]))).answer).toEqual([{ ok: true }]);
});

test("a server that halts is given up in time, undecided, and what it did then is found", async () => {
  const server = await start();
  const { storage } = await open(server.url);
  await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  server.freeze();
  const error = await storage.save([save()]).catch((e: unknown) => e);
  server.thaw();
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect((error as Error).message).toMatch(/no answer within 1500 ms/);
  expect((await eventually(() => storage.save([save()]))).answer).toEqual([{ ok: true }]);
  const { answer } = await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  expect(answer[0]).toMatchObject({ ok: true, row: { meta: { etag: "e1", version: 1 } } });
});

test("a directory that is removed while silos run is made again, closed; state that is removed is not (H19, R13)", async () => {
  const server = await start();
  const { directory, storage } = await open(server.url);
  await join(directory);
  await storage.load([{ actor: ACTOR, generation: 1, token: "t1" }]);
  const ask = await operator(server);
  await ask(`STREAM.DELETE.TENURE-${cluster}-directory`);
  await ask(`STREAM.DELETE.${STATE}`);
  const { answer } = await eventually(() => directory.members());
  expect(answer).toMatchObject({ sentinel: undefined, members: [] });
  await expect(storage.save([save()])).rejects.toThrow(/is not there/);
  await expect(storage.save([save()])).rejects.toThrow(StoreUnavailableError);
});

test("a stream that an operator spoils while silos run answers nothing on the next connection, and works again when mended (J5)", async () => {
  const server = await start();
  const { directory } = await open(server.url);
  await join(directory);
  const ask = await operator(server);
  const name = `TENURE-${cluster}-directory`;
  const { config } = await ask(`STREAM.INFO.${name}`);
  await ask(`STREAM.UPDATE.${name}`, { ...config, max_age: 600_000_000_000 });
  await server.restart();
  const refused = async (): Promise<unknown> => {
    for (;;) {
      const error: unknown = await directory.members().catch((e: unknown) => e);
      if (String(error).includes("max_age must be 0")) return error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  expect(await refused()).toBeInstanceOf(StoreUnavailableError);
  const again = await operator(server);
  await again(`STREAM.UPDATE.${name}`, config);
  expect((await eventually(() => directory.members())).answer.members).toHaveLength(1);
});

test("a write that is acknowledged at a number that was known before is no answer: the store lost writes (J4, H1)", async () => {
  const server = await start();
  const { storage } = await open(server.url);
  const load = { actor: ACTOR, generation: 1, token: "t1" };
  await storage.load([load]);
  await storage.save([save()]);
  // Emptied, over the same connection.
  const ask = await operator(server);
  const { config } = await ask(`STREAM.INFO.${STATE}`);
  await ask(`STREAM.DELETE.${STATE}`);
  await ask(`STREAM.CREATE.${STATE}`, config);
  await expect(storage.load([load])).rejects.toThrow(/it went back from sequence 2 to 1/);
  expect((await storage.load([load])).answer).toMatchObject([
    { ok: true, row: { meta: { etag: "" } } },
  ]);
});

test("what was read over one connection is not written over the next, though its number is still the newest (J3)", async () => {
  const server = await start();
  const { stream } = await openStream(
    resolveNatsOptions({ servers: server.url }),
    environment,
    new RowSubjects(cluster).stream,
    { remade: false },
  );
  atEnd(() => stream.close());
  const subject = new RowSubjects(cluster).row("Cart/YQ");
  await stream.put(await stream.read(subject), Buffer.from("one"));
  const before = await stream.read(subject);
  await server.restart();
  const after = await eventually(() => stream.read(subject));
  expect(after.sequence).toBe(before.sequence);
  expect(await stream.put(before, Buffer.from("two"))).toBe(false);
  expect(await stream.put(after, Buffer.from("three"))).toBe(true);
});

test("a batch of five thousand rows is answered whole", async () => {
  const server = await start();
  const { storage } = await open(server.url, {}, { commandTimeoutMs: 4_000 });
  const actors = Array.from({ length: 5_000 }, (_, i) => ({ type: "Cart", id: `${i}` }));
  const loads = actors.map((actor) => ({ actor, generation: 1, token: "t1" }));
  expect((await storage.load(loads)).answer.filter(({ ok }) => ok)).toHaveLength(5_000);
  const { answer } = await storage.save(actors.map((actor) => save({ actor })));
  expect(answer.filter(({ ok }) => ok)).toHaveLength(5_000);
});

test("another's message on a row's subject is damage that is named, and stays", async () => {
  const server = await start();
  const { storage } = await open(server.url);
  const connection = await connect({ servers: server.url });
  atEnd(() => connection.close());
  connection.publish(new RowSubjects(cluster).row(encodeActorKey(ACTOR)), "not ours");
  await connection.flush();
  const load = { actor: ACTOR, generation: 1, token: "t1" };
  const damaged = { ok: false, refusal: "damaged", problem: "row: its header is cut off" };
  expect((await storage.load([load])).answer).toEqual([damaged]);
  expect((await storage.save([save()])).answer).toEqual([damaged]);
  expect((await storage.load([load])).answer).toEqual([damaged]);
});
