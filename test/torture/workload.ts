// What one client does until it is told to stop: drawn calls on ledgers, tallies and registers, each recorded with the
// times of its call and its return.
//   W1. Actors are shared by all clients. Some live through the whole round; others are new in every epoch, so that first
//       activations meet faults, too, and no history is too long to check.
//   W2. Only keyed calls are repeated, with their key: after an unknown end, after a success, and twice at once.
import type { Random } from "@tenure/core/internal";
import { CallError, type Client } from "tenure";
import { Ledger } from "../support/ledger.ts";
import { Register } from "../support/register.ts";
import { Tally } from "../support/tally.ts";
import {
  type ActorName,
  type ActorType,
  type CallRecord,
  idOf,
  type Op,
  typeOf,
} from "./history.ts";
import { lasting, nowMs } from "./one-clock.ts";

export interface WorkloadOptions {
  readonly name: string;
  readonly client: Client;
  readonly random: Random;
  /** Epochs are counted from here, by all clients alike. */
  readonly originMs: number;
  readonly record: (record: CallRecord) => void;
}

const EPOCH_MS = 6_000;
const THINK_MS = 110;
const KEY_TRIES = 5;
const TIMEOUTS_MS = [2_000, 5_000, 10_000];

export class Workload {
  readonly #o: WorkloadOptions;
  #next = 0;
  #over = false;
  /** What this client last saw in each register. */
  readonly #seen = new Map<ActorName, string>();

  constructor(options: WorkloadOptions) {
    this.#o = options;
  }

  stop(): void {
    this.#over = true;
  }

  async run(workers: number): Promise<void> {
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
  }

  async #work(): Promise<void> {
    while (!this.#over) {
      await this.#once();
      await lasting(this.#o.random.next() * THINK_MS);
    }
  }

  async #once(): Promise<void> {
    const x = this.#o.random.next();
    const mark = `${this.#o.name}-${this.#next++}`;
    if (x < 0.3) await this.#call(this.#actor("ledger"), { kind: "append", item: mark });
    else if (x < 0.35) await this.#call(this.#actor("ledger"), { kind: "fail", item: mark });
    else if (x < 0.55) await this.#call(this.#actor("ledger"), { kind: "peek" });
    else if (x < 0.75) await this.#credit(this.#actor("tally"), mark);
    else await this.#useRegister(this.#actor("register"), mark);
  }

  async #credit(actor: ActorName, key: string): Promise<void> {
    const { random } = this.#o;
    for (let tries = 0; tries < KEY_TRIES; tries++) {
      const atOnce = random.next() < 0.1 ? 2 : 1;
      const got = await Promise.all(
        Array.from({ length: atOnce }, () => this.#call(actor, { kind: "credit", key })),
      );
      const answered = got.some(({ outcome }) => outcome === "ok");
      if (answered && random.next() < 0.8) return;
    }
  }

  async #useRegister(actor: ActorName, value: string): Promise<void> {
    const x = this.#o.random.next();
    const expected = this.#seen.get(actor) ?? "";
    const op: Op =
      x < 0.4
        ? { kind: "get" }
        : x < 0.75
          ? { kind: "put", value }
          : { kind: "swap", expected, value };
    const { outcome, value: answer } = await this.#call(actor, op);
    if (outcome === "ok") this.#seen.set(actor, op.kind === "get" ? String(answer) : value);
  }

  async #call(actor: ActorName, op: Op): Promise<CallRecord> {
    const { name, client, random, record } = this.#o;
    const timeoutMs = TIMEOUTS_MS[Math.floor(random.next() * TIMEOUTS_MS.length)]!;
    const calledMs = nowMs();
    const answer = await perform(client, actor, op, timeoutMs).then(
      (value) => ({ outcome: "ok" as const, value }),
      (error: unknown) => ({
        outcome: error instanceof CallError ? error.outcome : ("threw" as const),
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      }),
    );
    const made = { client: name, actor, op, calledMs, returnedMs: nowMs(), ...answer };
    record(made);
    return made;
  }

  #actor(type: ActorType): ActorName {
    const { random, originMs } = this.#o;
    const epoch = Math.floor((nowMs() - originMs) / EPOCH_MS);
    const k = Math.floor(random.next() * 3);
    // Registers are always of an epoch: the search for an order is exponential at worst.
    const lasts = type !== "register" && random.next() < 0.6;
    return `${type}/${lasts ? "lasting" : `epoch-${epoch}`}-${k}`;
  }
}

async function perform(
  client: Client,
  actor: ActorName,
  op: Op,
  timeoutMs: number,
): Promise<unknown> {
  const id = idOf(actor);
  switch (op.kind) {
    case "append":
      return await client.get(Ledger, id).$with({ timeoutMs }).append(op.item);
    case "fail":
      return await client.get(Ledger, id).$with({ timeoutMs }).fail(op.item);
    case "peek":
      return await client.get(Ledger, id).$with({ timeoutMs }).peek();
    case "credit":
      return await client
        .get(Tally, id)
        .$with({ timeoutMs, idempotencyKey: op.key })
        .credit(op.key);
    case "put":
      return await client.get(Register, id).$with({ timeoutMs }).put(op.value);
    case "swap":
      return await client.get(Register, id).$with({ timeoutMs }).swap(op.expected, op.value);
    case "get":
      return await client.get(Register, id).$with({ timeoutMs }).get();
  }
}

/** A read of the whole actor. */
export async function readActor(
  client: Pick<Client, "get">,
  actor: ActorName,
): Promise<readonly string[] | string> {
  const id = idOf(actor);
  switch (typeOf(actor)) {
    case "ledger":
      return (await client.get(Ledger, id).read()).items;
    case "tally":
      return await client.get(Tally, id).read();
    case "register":
      return await client.get(Register, id).get();
  }
}
