// What the port's promises do not say and NATS makes possible to get wrong.
import { createServer, type Server } from "node:net";
import { connect as connectNatsIo } from "@nats-io/transport-node";
import {
  type Address,
  type Body,
  bytesBody,
  type Endpoint,
  type EventBody,
  InvalidArgumentError,
  type Message,
  type PortEnvironment,
  type Receiver,
  systemClock,
  systemRandom,
  type Transport,
  UnreachableError,
} from "@tenure/core/internal";
import { nats, type NatsConnect, type NatsOptions } from "@tenure/nats";
import { connect as connectNats, headers, type NatsConnection } from "nats";
import { afterEach, describe, expect, test } from "vitest";
import { type NatsServer, type NatsServerOptions, startNats } from "../support/nats-server.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);
const NOBODY = "0".repeat(32);

const LIBRARIES: readonly (readonly [name: string, connect: NatsConnect])[] = [
  ["nats 2", connectNats],
  ["@nats-io/transport-node 3", connectNatsIo],
];

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe.each(LIBRARIES)("transport over %s", (_, connect) => {
  const open = (
    server: { readonly url: string },
    options: Partial<NatsOptions> = {},
    environment: Partial<PortEnvironment> = {},
  ): Promise<Opened> => openTransport({ servers: server.url, connect, ...options }, environment);

  test("a dead port is named, well within the time to open", async () => {
    const dead = await startServer();
    await dead.stop();
    const opening = open(dead, { servers: [`nats://user:secret@127.0.0.1:${dead.port}`] });
    await expect(opening).rejects.toThrow(UnreachableError);
    await expect(opening).rejects.toThrow(
      `NATS at nats://127.0.0.1:${dead.port} cannot be reached: connection refused`,
    );
  });

  test("a server that says nothing is given up after the time to open", async () => {
    const silent = await silentServer();
    const opening = open(silent, {}, { openTimeoutMs: 200 });
    await expect(opening).rejects.toThrow(UnreachableError);
    await expect(opening).rejects.toThrow(silent.url);
  });

  test("of several servers one is enough", async () => {
    const [dead, server] = [await startServer(), await startServer()];
    await dead.stop();
    const { join } = await open(server, { servers: [dead.url, server.url] });
    const a = await join(A);
    expect(a.endpoint.send(A, probe(1))).toBeDefined();
    await a.until(() => a.received.length === 1);
  });

  test("refused credentials are told, and not shown", async () => {
    const server = await startServer({ config: USERS });
    const opening = open(server, { user: "silo", pass: "wrong-secret" });
    await expect(opening).rejects.toThrow(/the server refuses the credentials/);
    await expect(opening).rejects.not.toThrow(/wrong-secret/);
  });

  test("a subject that the server does not permit fails the join", async () => {
    const server = await startServer({ config: USERS });
    const { join, events } = await open(server, { user: "mute", pass: "x" });
    await expect(join(A)).rejects.toThrow(/does not permit the subject.*tnr\.c/);
    expect(events.map(({ type }) => type)).toContain("task.failed");
  });

  test("1,000 messages of one turn leave in few frames", async () => {
    const server = await startServer();
    const { join } = await open(server);
    const [a, b] = [await join(A), await join(B)];
    const frames = await wiretap(server, `tnr.c.1.${B}.${A}`);
    for (let round = 0; round < 1_000; round++) a.endpoint.send(B, probe(round));
    await b.until(() => b.received.length === 1_000);
    await frames.sync();
    expect(frames.seen.length).toBeLessThanOrEqual(16);
  });

  test("frames stay below the server's max_payload, and too large values are refused", async () => {
    const server = await startServer({ config: "max_payload: 16384" });
    const { join } = await open(server);
    const [a, b] = [await join(A), await join(B)];
    const frames = await wiretap(server, `tnr.c.1.${B}.${A}`);
    const args = a.endpoint.snapshot(new Uint8Array(6_000), "args");
    for (let request = 1; request <= 9; request++) a.endpoint.send(B, call(request, args));
    await b.until(() => b.received.length === 9);
    await frames.sync();
    expect(frames.seen.length).toBe(5);
    expect(b.received.map(({ message }) => message.kind === "call" && message.request)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    const tooLarge = (): Body => a.endpoint.snapshot(new Uint8Array(15_000), "args");
    expect(tooLarge).toThrow(InvalidArgumentError);
    expect(tooLarge).toThrow(/args takes 15\d+ bytes; at most 14336 fit/);
  });

  test("a message that fits into no frame is reported; it has not left", async () => {
    const server = await startServer({ config: "max_payload: 16384" });
    const { join, events } = await open(server);
    const a = await join(A);
    const tag = a.endpoint.send(A, call(1, bytesBody(new Uint8Array(20_000))));
    a.endpoint.send(A, probe(2));
    await a.until(() => a.received.length + a.undelivered.length === 2);
    expect(a.undelivered).toEqual([{ to: A, tag }]);
    expect(events).toContainEqual(expect.objectContaining({ task: "nats publish" }));
  });

  test("a forged report is garbage: its author does not know the tag", async () => {
    const server = await startServer();
    const { join, events } = await open(server);
    const a = await join(A);
    a.endpoint.send(A, probe(1));
    await a.until(() => a.received.length === 1);
    const stranger = await rawConnection(server);
    const status = { headers: headers(503, "No Responders") };
    for (const tag of ["1", "u", "zzzz"])
      stranger.publish(`tnr.c.1.${A}.u-${tag}`, new Uint8Array(), status);
    await stranger.flush();
    await garbageEvents(a, events, 3);
    expect(a.undelivered).toEqual([]);
  });

  test("what comes to a frame's reply subject and is not the server's report is garbage", async () => {
    const server = await startServer();
    const { join, events } = await open(server);
    const [a, b] = [await join(A), await join(B)];
    const frames = await wiretap(server, `tnr.c.1.${B}.${A}`);
    a.endpoint.send(B, call(1));
    await b.until(() => b.received.length === 1);
    await frames.sync();
    const { reply } = frames.seen[0]!;
    expect(reply).toMatch(new RegExp(`^tnr\\.c\\.1\\.${A}\\.u-`));
    const stranger = await rawConnection(server);
    stranger.publish(reply!, new Uint8Array());
    stranger.publish(reply!, new Uint8Array([1]), { headers: headers(503, "No Responders") });
    stranger.publish(reply!, new Uint8Array(), { headers: headers(404, "Not Found") });
    await stranger.flush();
    await garbageEvents(a, events, 3);
    expect(a.undelivered).toEqual([]);
  });

  test("nobody is asked to report about replies and messages to everyone", async () => {
    const server = await startServer();
    const { join } = await open(server);
    const a = await join(A);
    const frames = await wiretap(server, "tnr.>");
    const result = { status: "failed", code: "X", message: "" } as const;
    a.endpoint.send(NOBODY, { kind: "reply", request: 1, result });
    a.endpoint.send("all", { kind: "death", incarnation: B });
    await a.until(() => a.received.length === 1);
    await frames.sync();
    expect(frames.seen.map(({ reply }) => reply)).toEqual([undefined, undefined]);
  });

  test("a receiver that throws harms neither the connection nor later messages", async () => {
    const server = await startServer();
    const { join, events } = await open(server);
    const a = await join(A);
    a.onMessage = ({ message }) => {
      if (message.kind === "probe" && message.round === 1) throw new Error("a receiver's bug");
    };
    a.endpoint.send(A, probe(1));
    await a.until(() => a.received.length === 1);
    a.endpoint.send(A, probe(2));
    await a.until(() => a.received.length === 2);
    expect(events).toContainEqual({
      type: "task.failed",
      task: "nats message",
      error: "failed (a receiver's bug)",
    });
  });

  test("credentials that are refused on the way back do not end the transport", async () => {
    const server = await startServer({ config: USERS });
    let asked = 0;
    const a = new Party();
    const authenticator = (): { user: string; pass: string } => {
      asked++;
      a.wake();
      return { user: "silo", pass: "x" };
    };
    const { join, events } = await open(server, { authenticator });
    await join(A, a);
    await server.kill();
    await a.until(() => a.changes.length === 1);
    await server.restart(USERS.replace("silo", "other"));
    // By default the libraries give up after the second refusal.
    await a.until(() => asked === 4);
    expect(a.endpoint.send(A, probe(1))).toBeUndefined();
    await server.restart(USERS);
    await a.until(() => a.changes.length === 2);
    a.endpoint.send(A, probe(2));
    await a.until(() => a.received.length === 1);
    // The library tries several times a second; an operator is told once.
    expect(events.filter(({ type }) => type === "task.failed")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "transport.disconnected")).toHaveLength(1);
  });

  test("a connection that the library ends for ever is told, and nothing waits for it", async () => {
    const server = await startServer({ config: USERS });
    let asked = 0;
    const authenticator = (): { user: string; pass: string } => {
      if (++asked > 1) throw new Error("the vault is sealed");
      return { user: "silo", pass: "x" };
    };
    const { join, transport, events } = await open(server, { authenticator });
    const a = await join(A);
    await server.kill();
    await a.until(() => a.changes.length === 1);
    await server.restart();
    await a.until(
      () => events.filter(({ type }) => type === "transport.disconnected").length === 2,
    );
    expect(events.at(-1)).toMatchObject({ reason: expect.stringContaining("the vault is sealed") });
    expect(a.endpoint.send(A, probe(1))).toBeUndefined();
    a.endpoint.setServing(true);
    await expect(join(B)).rejects.toThrow(UnreachableError);
    await a.endpoint.close();
    await transport.close();
    expect(a.changes).toEqual(["disconnected"]);
  });

  test("a server that hangs counts as lost, and closing does not wait for it", async () => {
    const server = await startServer();
    // So long a lease that the library will not notice the silence itself.
    const { join, transport } = await open(server, {}, { leaseTtlMs: 600_000 });
    const [a, b] = [await join(A), await join(B)];
    process.kill(server.pid, "SIGSTOP");
    cleanups.push(async () => void process.kill(server.pid, "SIGCONT"));
    a.endpoint.drop();
    await b.endpoint.close();
    await transport.close();
    expect(b.endpoint.send(A, probe(1))).toBeUndefined();
  });

  test("a server that hangs is noticed by its silence", async () => {
    const server = await startServer();
    const { join } = await open(server, {}, { leaseTtlMs: 300 });
    const a = await join(A);
    process.kill(server.pid, "SIGSTOP");
    await a.until(() => a.changes.length === 1);
    expect(a.endpoint.send(A, probe(1))).toBeUndefined();
    process.kill(server.pid, "SIGCONT");
    await a.until(() => a.changes.length === 2);
    expect(a.changes).toEqual(["disconnected", "reconnected"]);
  });

  test("an endpoint can join while the connection is lost, and has joined when it is back", async () => {
    const server = await startServer();
    const { join } = await open(server);
    const a = await join(A);
    await server.kill();
    await a.until(() => a.changes.length === 1);
    const joining = join(B);
    await server.restart();
    const b = await joining;
    await a.until(() => a.changes.length === 2);
    a.endpoint.send(B, probe(1));
    await b.until(() => b.received.length === 1);
    expect(a.undelivered).toEqual([]);
  });

  test("a join that outlasts the time to open fails and leaves nothing behind", async () => {
    const server = await startServer();
    const { join } = await open(server, {}, { openTimeoutMs: 300 });
    const a = await join(A);
    await server.kill();
    await a.until(() => a.changes.length === 1);
    await expect(join(B)).rejects.toThrow(UnreachableError);
    await server.restart();
    await a.until(() => a.changes.length === 2);
    const tag = a.endpoint.send(B, probe(1));
    await a.until(() => a.undelivered.length === 1);
    expect(a.undelivered).toEqual([{ to: B, tag }]);
  });

  test("a transport has one connection, under its name", async () => {
    const server = await startServer({
      config:
        "system_account: S\naccounts { S { users = [{user: s, password: s}] }, T { users = [{user: silo, password: x}] } }",
    });
    const { join } = await open(server, { user: "silo", pass: "x", name: "silo-1" });
    await Promise.all([join(A), join(B)]);
    const system = await connectNats({ servers: server.url, user: "s", pass: "s" });
    cleanups.push(() => system.close());
    const answer = await system.request("$SYS.REQ.SERVER.PING.CONNZ", JSON.stringify({ acc: "T" }));
    const { data } = answer.json<{ data: { connections: { name: string }[] } }>();
    expect(data.connections.map(({ name }) => name)).toEqual(["silo-1"]);
  });
});

const USERS = `authorization { users = [
  { user: silo, password: x }
  { user: mute, password: x, permissions: { subscribe: { deny: ["tnr.>"] } } }
] }`;

interface Opened {
  readonly transport: Transport;
  readonly events: readonly EventBody[];
  readonly join: (address: Address, party?: Party) => Promise<Party>;
}

async function openTransport(
  options: NatsOptions,
  changes: Partial<PortEnvironment>,
): Promise<Opened> {
  const events: EventBody[] = [];
  const parties: Party[] = [];
  const transport = await nats(options).transport.open({
    cluster: "c",
    clock: systemClock(),
    random: systemRandom(),
    emit: (event) => {
      events.push(event);
      for (const party of parties) party.wake();
    },
    leaseTtlMs: 4_000,
    openTimeoutMs: 10_000,
    durability: "default",
    ...changes,
  });
  cleanups.push(() => transport.close());
  return {
    transport,
    events,
    join: async (address, party = new Party()) => {
      parties.push(party);
      party.endpoint = await transport.join(address, party);
      return party;
    },
  };
}

class Party implements Receiver {
  readonly received: { readonly from: Address; readonly message: Message }[] = [];
  readonly undelivered: { readonly to: Address; readonly tag: number }[] = [];
  readonly changes: string[] = [];
  endpoint!: Endpoint;
  onMessage: (received: { readonly message: Message }) => void = () => {};
  #waiting: (() => void)[] = [];

  message(from: Address, message: Message): void {
    this.received.push({ from, message });
    this.wake();
    this.onMessage({ message });
  }

  undeliverable(to: Address, tag: number): void {
    this.undelivered.push({ to, tag });
    this.wake();
  }

  disconnected(): void {
    this.changes.push("disconnected");
    this.wake();
  }

  reconnected(): void {
    this.changes.push("reconnected");
    this.wake();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

async function garbageEvents(
  party: Party,
  events: readonly EventBody[],
  count: number,
): Promise<void> {
  await party.until(
    () => events.filter(({ type }) => type === "transport.garbage").length === count,
  );
}

async function startServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNats(options);
  cleanups.push(() => server.stop());
  return server;
}

async function silentServer(): Promise<{ readonly url: string }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return { url: `nats://127.0.0.1:${port}` };
}

async function rawConnection(server: NatsServer): Promise<NatsConnection> {
  const connection = await connectNats({ servers: server.url });
  cleanups.push(() => connection.close());
  return connection;
}

interface Wiretap {
  readonly seen: readonly { readonly subject: string; readonly reply: string | undefined }[];
  /** Resolves when all that the server has taken so far was seen. */
  sync(): Promise<void>;
}

/** Sees frames as they are on the wire. */
async function wiretap(server: NatsServer, subject: string): Promise<Wiretap> {
  const connection = await rawConnection(server);
  const seen: { readonly subject: string; readonly reply: string | undefined }[] = [];
  connection.subscribe(subject, {
    callback: (_, message) =>
      seen.push({ subject: message.subject, reply: message.reply || undefined }),
  });
  await connection.flush();
  return { seen, sync: () => connection.flush() };
}

function probe(round: number): Message {
  return { kind: "probe", round };
}

function call(request: number, args: Body = bytesBody(new Uint8Array())): Message {
  return {
    kind: "call",
    request,
    type: "Cart",
    id: "alice",
    method: "add",
    args,
    budgetMs: 1_000,
    key: undefined,
    chain: [],
    repeatable: false,
    strict: false,
  };
}
