import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { type LinkFault, TcpFaultProxy } from "./tcp-fault-proxy.ts";

/** A server that keeps what it gets and answers nothing by itself; a client; the proxy between them. */
async function stand() {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await TcpFaultProxy.start((server.address() as AddressInfo).port);
  const sockets: Socket[] = [];
  server.on("connection", (peer) => {
    peer.on("error", () => undefined);
    sockets.push(peer);
  });
  return {
    proxy,
    async join(): Promise<{ client: End; server: End }> {
      const accepted = once(server, "connection");
      const client = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
      const [peer] = (await accepted) as [Socket];
      sockets.push(client);
      return { client: new End(client), server: new End(peer) };
    },
    /** A client that nothing is promised to. */
    tryToJoin(): End {
      const client = connect({ port: proxy.port, host: "127.0.0.1" });
      sockets.push(client);
      return new End(client);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await proxy.close();
      server.close();
    },
  };
}

/** One end of a connection, and what has come to it. */
class End {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  pieces = 0;
  over: "ended" | "reset" | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.pieces += 1;
      this.#changed();
    });
    socket.on("end", () => {
      this.over ??= "ended";
      this.#changed();
    });
    socket.on("error", () => {
      this.over = "reset";
      this.#changed();
    });
  }

  get text(): string {
    return this.received.toString();
  }

  async until(done: (end: End) => boolean): Promise<void> {
    while (!done(this))
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
  }

  async hears(text: string): Promise<void> {
    await this.until((end) => end.text === text);
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Waits until something is true that no event tells; each look is one turn of the event loop. */
async function becomes(done: () => boolean): Promise<void> {
  while (!done())
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
}

test("without a fault bytes and ends pass unchanged, both ways (X1)", async () => {
  await using s = await stand();
  const { client, server } = await s.join();
  const large = Buffer.alloc(5_000_000, "0123456789");
  client.socket.write(large);
  server.socket.write("hello");
  await server.until((end) => end.received.length === large.length);
  expect(server.received.equals(large)).toBe(true);
  await client.hears("hello");
  client.socket.end();
  await server.until((end) => end.over === "ended");
  server.socket.write(" and good bye");
  server.socket.end();
  await client.until((end) => end.over === "ended");
  expect(client.text).toBe("hello and good bye");
  await becomes(() => s.proxy.connections === 0);
});

test("a delayed link passes nothing before its time, and keeps the order (X2)", async () => {
  await using s = await stand();
  const { client, server } = await s.join();
  s.proxy.apply({ kind: "delay", ms: 60 });
  const sentMs = performance.now();
  client.socket.write("a");
  await becomes(() => s.proxy.waiting("up") > 0);
  client.socket.write("b");
  await server.hears("ab");
  expect(performance.now() - sentMs).toBeGreaterThanOrEqual(59);
});

test("a cut resets what is open and what comes, until it is healed (X3)", async () => {
  await using s = await stand();
  const { client, server } = await s.join();
  s.proxy.apply({ kind: "cut" });
  await client.until((end) => end.over === "reset");
  await server.until((end) => end.over !== undefined);
  const refused = s.tryToJoin();
  await refused.until((end) => end.over !== undefined);
  s.proxy.heal();
  const again = await s.join();
  again.client.socket.write("x");
  await again.server.hears("x");
  expect([again.client.over, s.proxy.connections]).toEqual([undefined, 1]);
});

test.each([
  ["up", "server", "client"],
  ["down", "client", "server"],
] as const)(
  "a one-way link that loses what goes %s passes the rest, and what was lost late (X4, X8)",
  async (lost, deaf, other) => {
    await using s = await stand();
    const ends = await s.join();
    s.proxy.apply({ kind: "one-way", lost });
    ends[other].socket.write("lost");
    ends[deaf].socket.write("heard");
    await ends[other].hears("heard");
    await becomes(() => s.proxy.waiting(lost) === "lost".length);
    expect(ends[deaf].text).toBe("");
    s.proxy.heal();
    await ends[deaf].hears("lost");
  },
);

test("a half-open link tells neither side anything, not even the other's end (X5)", async () => {
  await using s = await stand();
  const { client, server } = await s.join();
  s.proxy.apply({ kind: "half-open" });
  client.socket.write("last words");
  client.socket.resetAndDestroy();
  server.socket.write("anybody there?");
  await becomes(() => s.proxy.waiting("down") > 0);
  expect(server.text).toBe("");
  expect(server.over).toBeUndefined();
  // Whoever connects now gets a connection, and no word.
  const late = s.tryToJoin();
  late.socket.write("me too");
  await becomes(() => s.proxy.connections === 2 && s.proxy.waiting("up") >= "me too".length);
  expect(late.over).toBeUndefined();
  s.proxy.heal();
  await server.until((end) => end.over !== undefined);
});

test("a trickle passes a few bytes at a time (X6)", async () => {
  await using s = await stand();
  const { client, server } = await s.join();
  s.proxy.apply({ kind: "trickle", bytes: 3, everyMs: 2 });
  client.socket.write("0123456789");
  await server.hears("0123456789");
  expect(server.pieces).toBeGreaterThanOrEqual(3);
});

test("with replies dropped requests arrive, answers do not, and the connection is gone afterwards (X7, X8)", async () => {
  await using s = await stand();
  const { client, server } = await s.join();
  s.proxy.apply({ kind: "replies-dropped" });
  client.socket.write("do it");
  await server.hears("do it");
  server.socket.write("done");
  await becomes(() => s.proxy.dropped === "done".length);
  expect(client.text).toBe("");
  s.proxy.heal();
  await client.until((end) => end.over === "reset");
});

test("a client is reset whose server refuses connections (X1)", async () => {
  const gone = createServer();
  gone.listen(0, "127.0.0.1");
  await once(gone, "listening");
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, "close");
  await using proxy = await TcpFaultProxy.start(port);
  const client = new End(connect({ port: proxy.port, host: "127.0.0.1" }));
  await client.until((end) => end.over !== undefined);
  expect(client.over).toBe("reset");
});

test.each<LinkFault>([
  { kind: "delay", ms: 30_000 },
  { kind: "half-open" },
  { kind: "one-way", lost: "up" },
  { kind: "trickle", bytes: 1, everyMs: 30_000 },
])("closing does not wait for what a $kind holds back", async (fault) => {
  await using s = await stand();
  const { client } = await s.join();
  s.proxy.apply(fault);
  client.socket.write("abc");
  await becomes(() => s.proxy.waiting("up") > 0);
  await s.proxy.close();
  await client.until((end) => end.over !== undefined);
  expect(s.proxy.connections).toBe(0);
  // The stand closes it again.
  s.proxy.close = () => Promise.resolve();
});
