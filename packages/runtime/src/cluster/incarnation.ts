// One run of a silo in its cluster: from registration to death, with everything that dies with it.
//   I1. Order of birth: register, subscribe, first message to itself, first renewal, serving. Nothing is served before.
//   I2. Everything here belongs to one incarnation: address, lease, catalog, claims. A new run shares none of it (I5).
//   I3. An end comes in one of three ways: stop() hands everything over; the lease keeper says that it is lost; crash()
//       just stops everything, as a killed process would. After each of them nothing of it runs any more, and `ended`
//       resolves.
//   I4. A birth that fails half-way leaves nothing behind, in this process or in the directory.
//   I5. A silo that has handed everything over leaves without announcing it. Nobody waits for that: every call that it took
//       is answered, and what still comes is refused or reaches nobody. But an announcement may overtake those words on
//       their way, and would turn calls that provably did not run into unknown ones (I11).
import {
  type Endpoint,
  EVERYONE,
  type Incarnation as IncarnationId,
  type MemberRecord,
  newIncarnation,
  PROTOCOL_VERSION,
  Tasks,
  type Transport,
} from "@tenure/core/internal";
import { register, type Registered } from "@tenure/directory/internal";
import { sayGoodbye } from "./goodbye.ts";
import { Inbox } from "./inbox.ts";
import { type IncarnationDeps, makeParts, type Parts } from "./parts.ts";
import { withinTime } from "./within-time.ts";

/** When a silo has not joined, or not renewed for the first time, within this many leases, it says why and gives up. */
const BIRTH_TTLS = 3;

export class Incarnation {
  readonly id: IncarnationId;
  /** Resolves when the incarnation is over, in whichever way. */
  readonly ended: Promise<void>;
  readonly #d: IncarnationDeps;
  readonly #tasks: Tasks;
  readonly #parts: Parts;
  readonly #inbox: Inbox;
  #markEnded!: () => void;
  #endpoint: Endpoint | undefined;
  #serving = false;
  #draining = false;
  #drained: Promise<void> | undefined;
  /** Every actor that it had was handed over in time (I5). */
  #handedOver = false;

  /** Registers, subscribes, proves that it can reach itself, and serves. */
  static async start(deps: IncarnationDeps, signal: AbortSignal): Promise<Incarnation> {
    const { clock, timing, ports, random } = deps;
    const id = newIncarnation(random);
    const buried: IncarnationId[] = [];
    const registered = await register(
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
        markedDead: (dead) => {
          buried.push(dead.incarnation);
          deps.emit({
            type: "member.dead",
            incarnation: dead.incarnation,
            name: dead.name,
            by: id,
          });
        },
      },
    );
    const incarnation = new Incarnation(id, registered, deps);
    try {
      await incarnation.#begin(buried, signal);
    } catch (error) {
      incarnation.catalog.poison("lease-lost", "the silo did not start");
      incarnation.crash();
      await incarnation.#sayGoodbye();
      throw error;
    }
    return incarnation;
  }

  private constructor(id: IncarnationId, registered: Registered, deps: IncarnationDeps) {
    this.id = id;
    this.#d = deps;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    const { emit } = deps;
    this.#tasks = new Tasks((task, error) => {
      emit({ type: "task.failed", task, error: String(error) });
      // None of them fails because of a store or a network. A silo without one of them must not live on as if it had it.
      this.lease.end(`its task '${task}' failed`);
    });
    this.#parts = makeParts(id, registered, deps, {
      endpoint: () => this.#endpoint,
      draining: () => this.#draining,
      lost: (reason) => this.#lost(reason),
      died: (dead, markedHere) => this.#died(dead, markedHere),
    });
    this.#inbox = new Inbox(id, this.#parts, deps.invoker);
  }

  get lease(): Parts["lease"] {
    return this.#parts.lease;
  }

  get catalog(): Parts["catalog"] {
    return this.#parts.catalog;
  }

  get dispatcher(): Parts["dispatcher"] {
    return this.#parts.dispatcher;
  }

  get locator(): Parts["locator"] {
    return this.#parts.locator;
  }

  get administration(): Parts["administration"] {
    return this.#parts.administration;
  }

  get overview(): Parts["overview"] {
    return this.#parts.overview;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async #begin(buried: readonly IncarnationId[], signal: AbortSignal): Promise<void> {
    const { ports, clock, timing, emit, invoker } = this.#d;
    signal.throwIfAborted();
    emit({ type: "silo.joined", incarnation: this.id });
    const endpoint = await this.#join(ports.transport, signal);
    this.#endpoint = endpoint;
    this.#inbox.open(endpoint);
    // Whoever marks a death announces it; before now there was nothing to say it through.
    for (const incarnation of buried) endpoint.send(EVERYONE, { kind: "death", incarnation });
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
    await this.#parts.membership.poll();
    signal.throwIfAborted();
    // It may be over already; then this rejects with the reason.
    if (this.lease.over) await this.lease.whenHeld();
    this.#serving = true;
    invoker.attach({ address: this.id, endpoint, local: this.#parts.dispatcher });
    this.#tasks.run("membership", (stop) => this.#parts.membership.run(stop));
    this.#tasks.run("sweeping", (stop) => this.#parts.sweeper.run(stop));
    this.#tasks.run("idle collection", (stop) => this.catalog.collectIdle(clock, stop));
    endpoint.setServing(true);
    emit({ type: "silo.serving", incarnation: this.id });
  }

  async #join(transport: Transport, signal: AbortSignal): Promise<Endpoint> {
    const { invoker, clock, timing } = this.#d;
    const joining = transport.join(this.id, {
      message: (from, message) => this.#inbox.receive(from, message),
      undeliverable: (to, tag) => {
        this.#parts.others.undeliverable(to, tag);
        this.#parts.administration.undeliverable(to, tag);
        invoker.undeliverable(to, tag);
      },
      disconnected: () => {
        this.#nobodyAnswers();
        invoker.disconnected();
      },
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

  async #sayGoodbye(): Promise<void> {
    const { clock, timing, ports } = this.#d;
    const dead = await sayGoodbye(this.id, this.lease.rev, ports.directory, clock, timing);
    if (dead && !this.#handedOver)
      this.#endpoint?.send(EVERYONE, { kind: "death", incarnation: this.id });
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
    await withinTime(this.catalog.drain(), this.#d.clock, timeoutMs, "draining").then(
      () => (this.#handedOver = true),
      () => this.catalog.poison("lease-lost", "the silo stopped before its drain was done"),
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

  /** Ends everything without a word: timers and subscriptions go, the member record stays as it is. */
  crash(): void {
    this.#halt();
    this.#endpoint?.drop();
    this.#markEnded();
  }

  /** From here on nothing is served, renewed or observed. */
  #halt(): void {
    this.lease.stop();
    this.#parts.membership.stop();
    this.#parts.deadlocks.stop();
    this.#parts.dispatcher.close();
    this.#nobodyAnswers();
    this.#tasks.abort();
  }

  /** What was asked of other silos gets no answer any more. */
  #nobodyAnswers(): void {
    this.#parts.others.disconnected();
    this.#parts.administration.disconnected();
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
