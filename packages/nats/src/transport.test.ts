// The transport over a connection and a clock that the test holds in its hands.
import {
  type Clock,
  ConfigError,
  type EventBody,
  type Message,
  type PortEnvironment,
  type Receiver,
  seededRandom,
  UnreachableError,
} from "@tenure/core/internal";
import { beforeEach, describe, expect, test } from "vitest";
import type {
  NatsConnect,
  NatsConnection,
  NatsConnectOptions,
  NatsStatus,
} from "./client-library.ts";
import { nats } from "./index.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);

let clock: FakeClock;
let events: EventBody[];
let happened: string[];
beforeEach(() => {
  clock = new FakeClock();
  events = [];
  happened = [];
});

function environment(): PortEnvironment {
  return {
    cluster: "c",
    clock,
    random: seededRandom(1),
    emit: (event) => events.push(event),
    leaseTtlMs: 4_000,
    openTimeoutMs: 5_000,
    durability: "default",
  };
}

function provider(connect: NatsConnect): ReturnType<typeof nats>["transport"] {
  return nats({ servers: ["a:1", "b:2"], connect }).transport;
}

const receiver: Receiver = {
  message: () => happened.push("message"),
  undeliverable: (to, tag) => happened.push(`undeliverable ${to.slice(0, 1)} ${tag}`),
  disconnected: () => happened.push("disconnected"),
  reconnected: () => happened.push("reconnected"),
};

describe("while the connection is lost", () => {
  test("what had not left is reported, then the loss, and nothing leaves later (T3, N1)", async () => {
    const library = new FakeNats();
    const transport = await provider(() => Promise.resolve(library)).open(environment());
    const a = await transport.join(A, receiver);
    const tag = a.send(B, probe(1));
    await library.say({ type: "disconnect" });
    expect(happened).toEqual([`undeliverable b ${tag}`, "disconnected"]);
    expect(a.send(B, probe(2))).toBeUndefined();
    clock.endTurn();
    await library.say({ type: "reconnect" });
    clock.endTurn();
    expect(library.published).toEqual([]);
    expect(happened.at(-1)).toBe("reconnected");
    expect(a.send(B, probe(3))).toBeDefined();
    clock.endTurn();
    expect(library.published).toHaveLength(1);
  });

  test("a loss is told once, however often the library says it (N2)", async () => {
    const library = new FakeNats();
    const transport = await provider(() => Promise.resolve(library)).open(environment());
    await transport.join(A, receiver);
    for (const type of ["disconnect", "disconnect", "reconnect", "reconnect", "disconnect"])
      await library.say({ type });
    expect(happened).toEqual(["disconnected", "reconnected", "disconnected"]);
    expect(events.map(({ type }) => type)).toEqual([
      "transport.disconnected",
      "transport.reconnected",
      "transport.disconnected",
    ]);
  });

  test("a connection that is lost again before it was confirmed was never back (N4)", async () => {
    const library = new FakeNats();
    const transport = await provider(() => Promise.resolve(library)).open(environment());
    const a = await transport.join(A, receiver);
    await library.say({ type: "disconnect" });
    library.flushed = Promise.reject(new Error("lost"));
    await library.say({ type: "reconnect" });
    expect(a.send(B, probe(1))).toBeUndefined();
    library.flushed = Promise.resolve();
    await library.say({ type: "disconnect" });
    await library.say({ type: "reconnect" });
    expect(happened).toEqual(["disconnected", "reconnected"]);
  });

  test("nothing is sent once the library knows of the loss, before its status says so (N1)", async () => {
    const library = new FakeNats();
    const transport = await provider(() => Promise.resolve(library)).open(environment());
    const a = await transport.join(A, receiver);
    const tag = a.send(B, probe(1));
    library.info = undefined;
    expect(a.send(B, probe(2))).toBeUndefined();
    clock.endTurn();
    expect(library.published).toEqual([]);
    expect(happened).toEqual([`undeliverable b ${tag}`]);
  });
});

describe("opening", () => {
  test("a library that never answers is given up in time, and closed should it answer later (N3)", async () => {
    const library = new FakeNats();
    let connected: (connection: NatsConnection) => void = () => {};
    const opening = provider(() => new Promise((resolve) => (connected = resolve))).open(
      environment(),
    );
    await clock.timerStarted();
    clock.fireTimers();
    await expect(opening).rejects.toThrow(
      new UnreachableError("NATS", "a:1, b:2", new Error("no answer within 5000 ms")),
    );
    connected(library);
    await library.closed();
    expect(library.isOpen).toBe(false);
  });

  test("a server that cannot report undeliverable messages is refused", async () => {
    const library = new FakeNats();
    library.info = { max_payload: 1_000_000, version: "2.2.0" };
    await expect(provider(() => Promise.resolve(library)).open(environment())).rejects.toThrow(
      ConfigError,
    );
    expect(library.isOpen).toBe(false);
  });

  test("a join whose server stops answering fails in time (N3)", async () => {
    const library = new FakeNats();
    const transport = await provider(() => Promise.resolve(library)).open(environment());
    library.flushed = new Promise(() => {});
    const joining = transport.join(A, receiver);
    await clock.timerStarted();
    clock.fireTimers();
    await expect(joining).rejects.toThrow(UnreachableError);
    expect(library.subscriptions.size).toBe(0);
  });

  test("the library reconnects for ever, notices silence within a lease, and captures no stacks", async () => {
    let settings: NatsConnectOptions | undefined;
    await provider((options) => {
      settings = options;
      return Promise.resolve(new FakeNats());
    }).open(environment());
    expect(settings).toMatchObject({
      servers: ["a:1", "b:2"],
      name: "tenure-c",
      timeout: 2_500,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: 1_334,
      maxPingOut: 2,
      noAsyncTraces: true,
      waitOnFirstConnect: false,
    });
    expect(settings!.inboxPrefix).toMatch(/^tnr\.c\.inbox\.[0-9a-f]{32}$/);
  });
});

describe("closing", () => {
  test("a server that hangs is not waited for (N3)", async () => {
    const library = new FakeNats();
    const transport = await provider(() => Promise.resolve(library)).open(environment());
    const [a, b] = [await transport.join(A, receiver), await transport.join(B, receiver)];
    a.drop();
    b.send(A, probe(1));
    library.drained = new Promise(() => {});
    const closing = transport.close();
    await clock.timerStarted();
    clock.fireTimers();
    await closing;
    expect(library.isOpen).toBe(false);
    expect(library.subscriptions.size).toBe(0);
    // It left before the end of the turn: after the subscriptions, the report about it could not come back.
    expect(library.published).toHaveLength(1);
  });
});

function probe(round: number): Message {
  return { kind: "probe", round };
}

class FakeNats implements NatsConnection {
  info: NatsConnection["info"] = {
    max_payload: 1_048_576,
    headers: true,
    version: "2.9.10",
  };
  flushed: Promise<void> = Promise.resolve();
  drained: Promise<void> = Promise.resolve();
  isOpen = true;
  readonly published: string[] = [];
  readonly subscriptions = new Set<string>();
  #told: (status: NatsStatus) => void = () => {};
  #ended = (): void => {};
  readonly #end = new Promise<void>((resolve) => (this.#ended = resolve));

  publish(subject: string): void {
    this.published.push(subject);
  }

  subscribe(subject: string): ReturnType<NatsConnection["subscribe"]> {
    this.subscriptions.add(subject);
    return { unsubscribe: () => this.subscriptions.delete(subject), drain: () => this.drained };
  }

  flush(): Promise<void> {
    return this.flushed;
  }

  async *status(): AsyncGenerator<NatsStatus> {
    while (this.isOpen) yield await new Promise<NatsStatus>((resolve) => (this.#told = resolve));
  }

  /** Resolves when whoever follows the status has done what follows from it. */
  async say(status: NatsStatus): Promise<void> {
    this.#told(status);
    await new Promise((resolve) => setImmediate(resolve));
  }

  closed(): Promise<void> {
    return this.#end;
  }

  close(): Promise<void> {
    this.isOpen = false;
    this.#ended();
    return this.#end;
  }
}

class FakeClock implements Clock {
  #turn: (() => void)[] = [];
  #timers = new Set<() => void>();
  #started = (): void => {};
  #nowMs = 0;

  wallMs(): number {
    return 0;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  instant(): { monotonicMs: number; bootMs: number } {
    return { monotonicMs: this.#nowMs, bootMs: 0 };
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  after(_: number, fn: () => void): { cancel(): void } {
    this.#timers.add(fn);
    this.#started();
    return { cancel: () => this.#timers.delete(fn) };
  }

  afterTurn(fn: () => void): void {
    this.#turn.push(fn);
  }

  endTurn(): void {
    for (const fn of this.#turn.splice(0)) fn();
  }

  async timerStarted(): Promise<void> {
    if (this.#timers.size === 0) await new Promise<void>((resolve) => (this.#started = resolve));
  }

  fireTimers(): void {
    this.#nowMs += 60_000;
    const due = this.#timers;
    this.#timers = new Set();
    for (const fn of due) fn();
  }
}
