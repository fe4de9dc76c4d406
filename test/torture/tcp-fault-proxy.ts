// A TCP proxy on loopback, between one client and one server, that fails as networks do.
//   X1. Without a fault, bytes pass unchanged and in order, both ways, and so do ends.
//   X2. delay: nothing passes earlier than `ms` after it came.
//   X3. cut: open connections are reset, and new ones until it is healed.
//   X4. one-way: nothing passes in one direction; the other goes on.
//   X5. half-open: connections stay open, and nothing passes either way: no byte, no end, no reset.
//   X6. trickle: at most `bytes` bytes pass every `everyMs`, in pieces that split whatever a message was.
//   X7. replies-dropped: requests reach the server and are executed; what it answers is thrown away.
//   X8. heal: what was held passes, late and in order, as after a retransmission; after `replies-dropped` the connections
//       are reset, because a stream with a hole in it does not exist.
import { createServer, type AddressInfo, type Server, type Socket, connect } from "node:net";
import { once } from "node:events";

export type LinkFault =
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "cut" }
  | { readonly kind: "one-way"; readonly lost: Direction }
  | { readonly kind: "half-open" }
  | { readonly kind: "trickle"; readonly bytes: number; readonly everyMs: number }
  | { readonly kind: "replies-dropped" };

/** `up`: from the client to the server. */
export type Direction = "up" | "down";

/** What a pipe does with what comes. */
type Flow =
  | { readonly kind: "pass" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "hold" }
  | { readonly kind: "drop" }
  | { readonly kind: "trickle"; readonly bytes: number; readonly everyMs: number };

export class TcpFaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #fault: LinkFault | undefined;

  static async start(targetPort: number): Promise<TcpFaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpFaultProxy(server, targetPort);
  }

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => {
      client.on("error", () => undefined);
      if (this.#fault?.kind === "cut") return void client.resetAndDestroy();
      const link = new Link(client, targetPort, this.#fault);
      this.#links.add(link);
      link.onClosed = () => this.#links.delete(link);
    });
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Bytes that have come in this direction and not passed. */
  waiting(direction: Direction): number {
    return sum([...this.#links].map((link) => link[direction].waiting));
  }

  /** Bytes that were thrown away (X7) on the connections that are open. */
  get dropped(): number {
    return sum([...this.#links].map((link) => link.down.dropped));
  }

  /** From now on, until `heal` or another fault. */
  apply(fault: LinkFault): void {
    this.#fault = fault;
    for (const link of this.#links) link.apply(fault);
  }

  heal(): void {
    const healed = this.#fault;
    this.#fault = undefined;
    for (const link of this.#links)
      if (healed?.kind === "replies-dropped") link.reset();
      else link.apply(undefined);
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.reset();
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function flowOf(fault: LinkFault | undefined, direction: Direction): Flow {
  switch (fault?.kind) {
    case undefined:
    case "cut":
      return { kind: "pass" };
    case "delay":
    case "trickle":
      return fault;
    case "half-open":
      return { kind: "hold" };
    case "one-way":
      return fault.lost === direction ? { kind: "hold" } : { kind: "pass" };
    case "replies-dropped":
      return direction === "down" ? { kind: "drop" } : { kind: "pass" };
  }
}

/** One connection through the proxy. */
class Link {
  readonly up: Pipe;
  readonly down: Pipe;
  readonly #sockets: readonly [Socket, Socket];
  onClosed: () => void = () => undefined;
  #open = true;

  constructor(client: Socket, targetPort: number, fault: LinkFault | undefined) {
    const server = connect({ host: "127.0.0.1", port: targetPort, allowHalfOpen: true });
    this.#sockets = [client, server];
    this.up = new Pipe(client, server, () => this.reset());
    this.down = new Pipe(server, client, () => this.reset());
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      socket.on("close", () => {
        if (this.#sockets.every(({ destroyed }) => destroyed)) this.#closed();
      });
    }
    this.apply(fault);
  }

  apply(fault: LinkFault | undefined): void {
    if (fault?.kind === "cut") return this.reset();
    this.up.setFlow(flowOf(fault, "up"));
    this.down.setFlow(flowOf(fault, "down"));
  }

  reset(): void {
    for (const socket of this.#sockets) resetSocket(socket);
    this.#closed();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.up.stop();
    this.down.stop();
    this.onClosed();
  }
}

function resetSocket(socket: Socket): void {
  // The system refuses to reset a connection whose end has been sent, and Node then never lets go of it (Node 20, in a worker thread).
  if (socket.writableEnded) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}

/** A piece of the stream, or how it ended. */
type Piece = { readonly atMs: number } & (
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "end" }
  | { readonly kind: "reset" }
);

/** Beyond this the sender is not read from any more: its own buffers fill, as with a real network. */
const MOST_WAITING = 4 * 1024 * 1024;

/** One direction of one connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #reset: () => void;
  #queue: Piece[] = [];
  #flow: Flow = { kind: "pass" };
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  waiting = 0;
  dropped = 0;

  constructor(from: Socket, to: Socket, reset: () => void) {
    this.#from = from;
    this.#to = to;
    this.#reset = reset;
    from.on("data", (bytes: Buffer) =>
      this.#came({ kind: "bytes", bytes, atMs: performance.now() }),
    );
    from.on("end", () => this.#came({ kind: "end", atMs: performance.now() }));
    // A refused or reset connection; its other side hears of it when this direction lets it pass.
    from.on("error", () => this.#came({ kind: "reset", atMs: performance.now() }));
    to.on("drain", () => this.#pump());
  }

  setFlow(flow: Flow): void {
    this.#flow = flow;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #came(piece: Piece): void {
    if (this.#stopped) return;
    if (this.#flow.kind === "drop" && piece.kind === "bytes") {
      this.dropped += piece.bytes.length;
      return;
    }
    this.#queue.push(piece);
    if (piece.kind === "bytes") this.waiting += piece.bytes.length;
    if (this.waiting > MOST_WAITING) this.#from.pause();
    this.#pump();
  }

  #pump(): void {
    while (!this.#stopped && this.#timer === undefined && this.#queue.length > 0) {
      const flow = this.#flow;
      const piece = this.#queue[0]!;
      if (flow.kind === "hold") return;
      if (flow.kind === "delay") {
        const leftMs = piece.atMs + flow.ms - performance.now();
        if (leftMs > 0) return this.#later(leftMs);
      }
      if (piece.kind === "bytes" && this.#to.writableNeedDrain) return;
      this.#queue.shift();
      if (flow.kind === "trickle" && piece.kind === "bytes") {
        this.#write(piece.bytes.subarray(0, flow.bytes));
        const rest = piece.bytes.subarray(flow.bytes);
        if (rest.length > 0) this.#queue.unshift({ ...piece, bytes: rest });
        return this.#later(flow.everyMs);
      }
      if (piece.kind === "bytes") this.#write(piece.bytes);
      else if (piece.kind === "end") this.#to.end();
      else this.#reset();
    }
  }

  #write(bytes: Buffer): void {
    this.waiting -= bytes.length;
    this.#to.write(bytes);
    if (this.waiting <= MOST_WAITING && this.#from.isPaused()) this.#from.resume();
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, Math.ceil(ms));
  }
}
