// Transfers between two accounts: a keyed call that makes a keyed call. Whatever fails, no money appears or disappears.
//   Each transfer is repeated with its key until it is answered: by then both sides have it once, or neither has. Where the
//   store lost writes, repeating every call with its key, the inner ones too, brings back what is missing, and no more.
import { Actor, type ActorClass, defineActor } from "tenure";
import type { Simulation } from "@tenure/testing";
import { tried } from "./outcome.ts";

interface AccountActor extends Actor<{ balance: number }> {
  transfer(to: string, amount: number): Promise<number>;
  deposit(amount: number): Promise<number>;
  balance(): number;
}
type AccountClass = ActorClass<AccountActor & Actor<unknown>>;

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly key: string;
}

const COUNT = 3;

export class Accounts {
  readonly actor: AccountClass;
  readonly #sim: Simulation;
  readonly #all: Transfer[] = [];
  readonly #unanswered = new Set<Transfer>();
  #last = "";
  #next = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.actor = makeAccount();
  }

  async transferSome(): Promise<void> {
    const { random } = this.#sim;
    // Upwards only: two turns that wait for each other would be a deadlock of the workload's own making.
    const from = Math.floor(random.next() * (COUNT - 1));
    const to = from + 1 + Math.floor(random.next() * (COUNT - 1 - from));
    const transfer: Transfer = {
      from: `a-${from}`,
      to: `a-${to}`,
      amount: 1 + Math.floor(random.next() * 100),
      key: `transfer-${this.#next++}`,
    };
    this.#all.push(transfer);
    this.#unanswered.add(transfer);
    for (let tries = 0; tries < 2 && this.#unanswered.has(transfer); tries++)
      await this.#send(transfer);
  }

  recovered(): ReadonlyMap<string, () => unknown> {
    const { client } = this.#sim;
    const all = Array.from({ length: COUNT }, (_, i) => `a-${i}`);
    return new Map(all.map((id) => [`account/${id}`, () => client.get(this.actor, id).balance()]));
  }

  async check(): Promise<void> {
    if (!this.#sim.storeKept) for (const transfer of this.#all) this.#unanswered.add(transfer);
    for (let tries = 0; tries < 3 && this.#unanswered.size > 0; tries++)
      for (const transfer of this.#unanswered) await this.#send(transfer);
    for (const { key } of this.#unanswered)
      this.#sim.violated("I13", `${key} is not answered long after healing: ${this.#last}`);
    if (!this.#sim.storeKept) for (const transfer of this.#all) await this.#depositAgain(transfer);
    let sum = 0;
    for (let i = 0; i < COUNT; i++)
      sum += ((this.#sim.stored("account", `a-${i}`) ?? { balance: 0 }) as { balance: number })
        .balance;
    if (sum !== 0)
      this.#sim.violated("I10", `the accounts' sum is ${sum}: a transfer was applied on one side`);
  }

  /** A commit may outlive one that it followed from: the store lost that one before it had this one. */
  async #depositAgain({ to, amount, key }: Transfer): Promise<void> {
    const account = this.#sim.client.get(this.actor, to);
    const got = await tried(this.#sim, () =>
      account.$with({ idempotencyKey: inner(key) }).deposit(amount),
    );
    if (got.outcome !== "ok") this.#sim.violated("I13", `${key} is not answered at rest`);
  }

  async #send(transfer: Transfer): Promise<void> {
    const { from, to, amount, key } = transfer;
    const account = this.#sim.anyClient().get(this.actor, from);
    const got = await tried(this.#sim, () =>
      account.$with({ idempotencyKey: key }).transfer(to, amount),
    );
    if (got.outcome === "threw") throw got.error;
    if (got.outcome === "ok") this.#unanswered.delete(transfer);
    else this.#last = String(got.error);
  }
}

function inner(key: string): string {
  return `${key}:in`;
}

function makeAccount(): AccountClass {
  return class Account extends Actor<{ balance: number }> {
    static readonly actor = defineActor<Account>({
      type: "account",
      state: () => ({ balance: 0 }),
      // Answered while a transfer waits for the other side.
      methods: { balance: "interleave" },
    });
    async transfer(to: string, amount: number): Promise<number> {
      const key = this.ctx.call.idempotencyKey as string;
      this.state.balance -= amount;
      const there = this.ctx.get(Account, to).$with({ idempotencyKey: inner(key) });
      await there.deposit(amount);
      return this.state.balance;
    }
    async deposit(amount: number): Promise<number> {
      this.state.balance += amount;
      return this.state.balance;
    }
    balance() {
      return this.state.balance;
    }
  };
}
