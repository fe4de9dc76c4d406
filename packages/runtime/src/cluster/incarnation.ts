// One run of a silo in its cluster: from registration to death, with everything that dies with it.
//   I1. Order of birth: register, subscribe, first message to itself, first renewal, serving. Nothing is served before.
//   I2. Everything here belongs to one incarnation: address, lease, catalog, claims. A new run shares none of it (I5).
//   I3. An end comes in one of three ways: stop() hands everything over; the lease keeper says that it is lost; crash()
//       just stops everything, as a killed process would. After each of them nothing of it runs any more, and `ended`
//       resolves.
//   I4. A birth that fails half-way leaves nothing behind, in this process or in the directory.
import type { Invoker } from "@tenure/client/internal";
import {
  type ActorKind,
  type Address,
  type Clock,
  type Directory,
  type Endpoint,
  type EventSink,
  EVERYONE,
  type Incarnation as IncarnationId,
  type MemberRecord,
  type Message,
  newIncarnation,
  PROTOCOL_VERSION,
  type Random,
  type Storage,
  Tasks,
  type Transport,
} from "@tenure/core/internal";
import {
  bounded,
  LeaseKeeper,
  type LeaseTiming,
  Membership,
  Ownership,
  register,
} from "@tenure/directory/internal";
import { RowStore } from "../activation/row-store.ts";
import { Catalog } from "../catalog/catalog.ts";
import { Dispatcher } from "../messaging/dispatcher.ts";
import { SiloLocator } from "./silo-locator.ts";

export interface SiloPorts {
  readonly transport: Transport;
  readonly directory: Directory;
  readonly storage: Storage;
}

export interface IncarnationDeps {
  readonly name: string;
  readonly roles: readonly string[];
  readonly bootstrap: boolean;
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly timing: LeaseTiming;
  readonly maxCalls: number;
  readonly maxStateBytes: number;
  readonly exposeStacks: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly ports: SiloPorts;
  readonly invoker: Invoker;
  /** The silo's last incarnation, if it has one: it is over. */
  readonly previous: IncarnationId | undefined;
}

/** When a silo has not joined, or not renewed for the first time, within this many leases, it says why and gives up. */
const BIRTH_TTLS = 3;
const GOODBYE_TRIES = 3;

export class Incarnation {
  readonly id: IncarnationId;
  readonly lease: LeaseKeeper;
  readonly membership: Membership;
  readonly catalog: Catalog;
  readonly dispatcher: Dispatcher;
  readonly locator: SiloLocator;
  /** Resolves when the incarnation is over, in whichever way. */
  readonly ended: Promise<void>;
  readonly #d: IncarnationDeps;
  readonly #tasks: Tasks;
  readonly #ownership: Ownership;
  #markEnded!: () => void;
  #endpoint: Endpoint | undefined;
  /** What comes between the subscription and the endpoint that answers. */
  #early: (readonly [from: Address, message: Message])[] = [];
  #serving = false;
  #draining = false;
  #drained: Promise<void> | undefined;

  /** Registers, subscribes, proves that it can reach itself, and serves. */
  static async start(deps: IncarnationDeps, signal: AbortSignal): Promise<Incarnation> {
    const { clock, timing, ports, random } = deps;
    const id = newIncarnation(random);
    const { member } = await register(
      {
        incarnation: id,
        name: deps.name,
        types: Object.fromEntries(
          [...deps.kinds].map(([type, kind]) => [type, kind.definition.version]),
        ),
        roles: deps.roles,
        protocol: PROTOCOL_VERSION,
        proposedStoreId: random.hex128(),
        bootstrap: deps.bootstrap,
      },
      {
        clock,
        timing,
        directory: ports.directory,
        signal,
        previous: deps.previous,
        markedDead: (dead) =>
          deps.emit({
            type: "member.dead",
            incarnation: dead.incarnation,
            name: dead.name,
            by: id,
          }),
      },
    );
    const incarnation = new Incarnation(id, member, deps);
    try {
      await incarnation.#begin(signal);
    } catch (error) {
      incarnation.catalog.poison("lease-lost", "the silo did not start");
      incarnation.crash();
      await incarnation.#sayGoodbye();
      throw error;
    }
    return incarnation;
  }

  private constructor(id: IncarnationId, member: MemberRecord, deps: IncarnationDeps) {
    this.id = id;
    this.#d = deps;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    const { clock, random, emit, timing, ports } = deps;
    this.#tasks = new Tasks((task, error) => {
      emit({ type: "task.failed", task, error: String(error) });
      // None of them fails because of a store or a network. A silo without one of them must not live on as if it had it.
      this.lease.end(`its task '${task}' failed`);
    });
    this.lease = new LeaseKeeper(
      {
        incarnation: id,
        timing,
        clock,
        directory: ports.directory,
        emit,
        host: {
          sendProbe: (round) => void this.#endpoint?.send(id, { kind: "probe", round }),
          load: () => this.catalog.size,
          renewed: () => undefined,
          lost: (reason) => this.#lost(reason),
        },
      },
      member,
    );
    this.membership = new Membership({
      self: id,
      timing,
      clock,
      directory: ports.directory,
      emit,
      host: {
        died: (dead, markedHere) => this.#died(dead, markedHere),
        witnessPeriod: () => this.lease.witnessPeriod(),
      },
    });
    this.#ownership = new Ownership({
      incarnation: id,
      clock,
      random,
      directory: ports.directory,
      emit,
      operationMs: timing.ttlMs / 2,
      standing: (other) => this.membership.standing(other),
      claimed: () => undefined,
    });
    this.catalog = new Catalog({
      silo: deps.name,
      clock,
      random,
      emit,
      lease: this.lease,
      ownership: this.#ownership,
      rows: new RowStore(ports.storage, clock, timing.ttlMs / 2),
      invoker: deps.invoker,
      maxStateBytes: deps.maxStateBytes,
      exposeStacks: deps.exposeStacks,
    });
    this.dispatcher = new Dispatcher({
      kinds: deps.kinds,
      clock,
      maxCalls: deps.maxCalls,
      endpoint: () => this.#endpoint!,
      closed: () => (this.lease.holds() ? (this.#draining ? "draining" : undefined) : "paused"),
      holds: (call) => this.catalog.has(call),
      deliver: (call, kind) => this.catalog.deliver(call, kind),
    });
    this.locator = new SiloLocator({
      self: id,
      kinds: deps.kinds,
      random,
      ownGeneration: (actor) => {
        const activation = this.catalog.get(actor);
        return activation && (activation.generation ?? 0);
      },
      takesNewActors: () => !this.#draining && this.lease.holds(),
      lookup: (actor) => this.#ownership.lookup(actor),
      standing: (other) => this.membership.standing(other),
      alive: () => this.membership.alive(),
      poll: () => this.membership.poll(),
    });
  }

  get draining(): boolean {
    return this.#draining;
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { ports, clock, timing, emit, invoker } = this.#d;
    signal.throwIfAborted();
    emit({ type: "silo.joined", incarnation: this.id });
    const endpoint = await this.#join(ports.transport, signal);
    this.#endpoint = endpoint;
    for (const [from, message] of this.#early.splice(0)) this.#receive(from, message);
    this.#tasks.run("lease", (stop) => this.lease.run(stop));
    const held = this.lease.whenHeld();
    if (held)
      await withinTime(
        held,
        clock,
        timing.ttlMs * BIRTH_TTLS,
        "renewing for the first time",
        signal,
      );
    await this.membership.poll();
    signal.throwIfAborted();
    // It may be over already; then this rejects with the reason.
    if (this.lease.over) await this.lease.whenHeld();
    this.#serving = true;
    invoker.attach({ address: this.id, endpoint, local: this.dispatcher });
    this.#tasks.run("membership", (stop) => this.membership.run(stop));
    this.#tasks.run("idle collection", (stop) => this.catalog.collectIdle(clock, stop));
    endpoint.setServing(true);
    emit({ type: "silo.serving", incarnation: this.id });
  }

  async #join(transport: Transport, signal: AbortSignal): Promise<Endpoint> {
    const { invoker, clock, timing } = this.#d;
    const joining = transport.join(this.id, {
      message: (from, message) => this.#receive(from, message),
      undeliverable: (to, tag) => invoker.undeliverable(to, tag),
      disconnected: () => invoker.disconnected(),
      reconnected: () => undefined,
    });
    try {
      return await withinTime(
        joining,
        clock,
        timing.ttlMs * BIRTH_TTLS,
        "joining the transport",
        signal,
      );
    } catch (error) {
      // It may still come to be; nobody would ever close it.
      void joining.then(
        (endpoint) => endpoint.drop(),
        () => undefined,
      );
      throw error;
    }
  }

  #receive(from: Address, message: Message): void {
    if (!this.#endpoint) {
      this.#early.push([from, message]);
      return;
    }
    switch (message.kind) {
      case "call":
        this.dispatcher.receive(from, message);
        return;
      case "reply":
        this.#d.invoker.reply(message);
        return;
      case "locate":
        void this.#answerLocate(from, message);
        return;
      case "probe":
        if (from === this.id) this.lease.probeArrived(message.round);
        return;
      case "death":
        // Only the store's word counts; an announcement just says that it is worth a look.
        this.membership.look(message.incarnation);
        return;
      case "located":
      // A silo asks its own directory, never another silo.
    }
  }

  async #answerLocate(from: Address, message: Extract<Message, { kind: "locate" }>): Promise<void> {
    const { request, type, id, avoid } = message;
    const result = await this.locator.locate({ type, id }, avoid).catch((error: unknown) => ({
      status: "refused" as const,
      reason: "unavailable" as const,
      message: error instanceof Error ? error.message : String(error),
      owner: undefined,
      generation: 0,
    }));
    this.#endpoint?.send(from, { kind: "located", request, result });
  }

  #died(dead: MemberRecord, markedHere: boolean): void {
    const { emit, invoker } = this.#d;
    if (dead.incarnation === this.id) {
      this.lease.end("its member record was marked dead");
      return;
    }
    invoker.siloDied(dead.incarnation);
    if (!markedHere) return;
    emit({ type: "member.dead", incarnation: dead.incarnation, name: dead.name, by: this.id });
    this.#endpoint?.send(EVERYONE, { kind: "death", incarnation: dead.incarnation });
  }

  #lost(reason: string): void {
    const { emit, invoker, clock } = this.#d;
    emit({ type: "silo.lost", incarnation: this.id, reason });
    this.catalog.poison("lease-lost", `the silo lost its lease: ${reason}`);
    this.#halt();
    // Its birth, which waits for the lease, fails with the same reason and cleans up (I4).
    if (!this.#serving) return;
    invoker.attach(undefined);
    // In this turn its callers are told what has become of their calls.
    clock.afterTurn(() => void this.#leave());
  }

  async #leave(): Promise<void> {
    // Whoever marked it dead has said so already. But a call that was sent since, and is not here when the endpoint
    // closes, is told by nobody else: its caller would wait for all of its time (I13).
    this.#endpoint?.send(EVERYONE, { kind: "death", incarnation: this.id });
    await this.#closeEndpoint();
    this.#markEnded();
  }

  /** Takes no new actors and hands over those it has: running turns finish, waiting calls are answered `moved`. */
  drain(timeoutMs: number): Promise<void> {
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  async #drain(timeoutMs: number): Promise<void> {
    if (this.lease.over) return;
    this.#draining = true;
    this.#d.emit({ type: "silo.draining", incarnation: this.id });
    this.#endpoint?.setServing(false);
    this.lease.drain();
    await this.lease.renewNow();
    await withinTime(this.catalog.drain(), this.#d.clock, timeoutMs, "draining").catch(() =>
      this.catalog.poison("lease-lost", "the silo stopped before its drain was done"),
    );
  }

  /** Drains, says goodbye, and leaves. */
  async stop(drainTimeoutMs: number): Promise<void> {
    await this.drain(drainTimeoutMs);
    if (!this.lease.over) {
      this.#halt();
      await this.#sayGoodbye();
    }
    await this.#tasks.stop();
    await this.#closeEndpoint();
    this.#markEnded();
    this.#d.emit({ type: "silo.stopped", incarnation: this.id });
  }

  // Nobody has to wait for the lease of a silo that says itself that it is gone. If the store does not answer, they do.
  async #sayGoodbye(): Promise<void> {
    const { clock, timing, ports } = this.#d;
    let expectedRev = this.lease.rev;
    for (let tries = 0; tries < GOODBYE_TRIES; tries++) {
      try {
        const goodbye = ports.directory.markDead({ incarnation: this.id, expectedRev });
        const { answer } = await bounded(clock, timing.roundMs, "goodbye", goodbye);
        if (answer.ok) {
          this.#endpoint?.send(EVERYONE, { kind: "death", incarnation: this.id });
          return;
        }
        if (answer.refusal === "absent") return;
        // A renewal that was still on its way moved the rev.
        expectedRev = answer.member.rev;
      } catch {
        return;
      }
    }
  }

  /** Ends everything without a word: timers and subscriptions go, the member record stays as it is. */
  crash(): void {
    this.#halt();
    this.#endpoint?.drop();
    this.#markEnded();
  }

  /** From here on nothing is served, renewed or observed. */
  #halt(): void {
    this.lease.stop();
    this.membership.stop();
    this.#tasks.abort();
  }

  async #closeEndpoint(): Promise<void> {
    const endpoint = this.#endpoint;
    if (!endpoint) return;
    const { clock, timing } = this.#d;
    await withinTime(endpoint.close(), clock, timing.roundMs, "leaving the transport").catch(() =>
      endpoint.drop(),
    );
  }
}

function withinTime<T>(
  promise: Promise<T>,
  clock: Clock,
  ms: number,
  what: string,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      finish(() => reject(new Error(`${what}: not done within ${Math.round(ms)} ms`)));
    const abort = (): void => finish(() => reject(signal!.reason as Error));
    const timer = clock.after(ms, late, { keepAlive: true });
    const finish = (act: () => void): void => {
      timer.cancel();
      signal?.removeEventListener("abort", abort);
      act();
    };
    promise.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error as Error)),
    );
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
