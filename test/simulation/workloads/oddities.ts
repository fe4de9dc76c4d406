// What users get wrong, under the same faults as everything else: each mistake is refused by its own error, changes nothing,
// and costs nobody else anything.
import { Actor, type ActorClass, CallError, defineActor } from "tenure";
import type { Simulation } from "@tenure/testing";
import type { SiloAdmin } from "@tenure/runtime";
import { handSchema } from "../../support/hand-schema.ts";

interface OddState {
  count: number;
  blob?: string;
  map: Map<string, { n: number }>;
  set: Set<number>;
  at: Date;
  bytes: Uint8Array;
  list: readonly { deep: { n: number } }[];
}

interface OddActor extends Actor<OddState> {
  bump(): Promise<number>;
  bumpSlowly(ms: number): Promise<number>;
  look(): number;
  meddle(how: number): unknown;
  replace(): Promise<number>;
  nonsense(): Promise<unknown>;
  huge(): Promise<void>;
  throwAnything(what: number): Promise<void>;
  aside(): Promise<void>;
  toItself(id: string): Promise<unknown>;
  measured(n: number): Promise<number>;
  cross(id: string): Promise<number>;
}
type OddClass = ActorClass<OddActor & Actor<unknown>>;

interface EchoActor extends Actor<never> {
  say(word: string): Promise<string>;
  write(): Promise<void>;
}
type EchoClass = ActorClass<EchoActor & Actor<unknown>>;

interface HelperActor extends Actor {
  help(word: string): Promise<string>;
}
type HelperClass = ActorClass<HelperActor & Actor<unknown>>;

/** A mistake, and the code of the error that says so. */
type Mistake = readonly [what: string, code: string, make: () => Promise<unknown>];

/** Older than any retention. */
const OLD_KEY = "01800000-0000-7000-8000-000000000000";
const MEDDLINGS = 12;
const SLOW_MS = 10;
const NOTHING = (): void => undefined;

export class Oddities {
  readonly odd: OddClass;
  readonly echo: EchoClass = makeEcho();
  readonly helper: HelperClass;
  readonly #sim: Simulation;
  #certain = 0;
  #possible = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.odd = makeOdd(sim);
    this.helper = makeHelper(sim);
  }

  async doSome(): Promise<void> {
    const { random } = this.#sim;
    if (random.next() < 0.4) return await this.#bump();
    const mistakes = this.#mistakes();
    const [what, code, make] = mistakes[Math.floor(random.next() * mistakes.length)]!;
    try {
      const answer = await make();
      if (code !== "")
        this.#sim.violated("workload", `${what} was answered ${String(answer)}, not ${code}`);
    } catch (error) {
      // What the cluster could not do at all says nothing about the mistake.
      const outage = error instanceof CallError && OUTAGES.has(error.code);
      if (codeOf(error) === code) this.#sim.saw(`a mistake refused: ${code}`);
      else if (!outage)
        this.#sim.violated("workload", `${what}: ${code} was expected, not ${String(error)}`);
    }
  }

  check(): void {
    if (!this.#sim.storeKept) return;
    const { count } = (this.#sim.stored("odd", "o") ?? { count: 0 }) as { count: number };
    if (count < this.#certain || count > this.#certain + this.#possible)
      this.#sim.violated(
        "workload",
        `odd/o counts ${count}; ${this.#certain} were acknowledged, ${this.#possible} may be`,
      );
  }

  async #bump(): Promise<void> {
    const sim = this.#sim;
    const odd = sim.anyClient().get(this.odd, "o");
    const controller = new AbortController();
    const givesUp = sim.random.next() < 0.4;
    if (givesUp)
      void sim.sleep(sim.random.next() * 2 * SLOW_MS).then(() => controller.abort(), NOTHING);
    const { signal } = controller;
    try {
      await (givesUp ? odd.$with({ signal }).bumpSlowly(SLOW_MS) : odd.bump());
      this.#certain += 1;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.code === "CANCELLED") sim.saw(`given up: ${error.outcome}`);
      if (error.outcome === "unknown") this.#possible += 1;
    }
  }

  /** One of the two may be refused, and no other error may come of it. */
  async #cross(): Promise<void> {
    const one = this.#sim.anyClient().get(this.odd, "p").cross("q");
    const other = this.#sim.anyClient().get(this.odd, "q").cross("p");
    for (const result of await Promise.allSettled([one, other])) {
      if (result.status === "fulfilled") continue;
      if (codeOf(result.reason) !== "DEADLOCK") throw result.reason;
      this.#sim.saw("a call refused that waited for itself");
    }
  }

  /** An operator whose silo is killed meanwhile hears nothing any more. */
  async #order(order: (admin: SiloAdmin) => Promise<unknown>): Promise<void> {
    const admin = this.#sim.anyAdmin();
    if (!admin) return;
    try {
      await Promise.race([order(admin), this.#sim.sleep(this.#sim.callTimeoutMs)]);
    } catch (error) {
      // In a cluster that comes up nobody has the class yet, or one silo does not know the other yet.
      if (!(error instanceof CallError)) throw error;
    }
  }

  async #askForHelp(): Promise<void> {
    const client = this.#sim.anyClient();
    const words = ["a", "b", "c", "d", "e"];
    const helped = await Promise.all(
      words.map((word) => client.get(this.helper, "any").help(word)),
    );
    if (helped.join("") !== "abcde")
      this.#sim.violated("workload", `a pool answered ${helped.join(", ")}`);
  }

  #mistakes(): readonly Mistake[] {
    const client = this.#sim.anyClient();
    const odd = client.get(this.odd, "o");
    const echo = client.get(this.echo, "e");
    const how = Math.floor(this.#sim.random.next() * MEDDLINGS);
    return [
      ["a look at all of the state", "", async () => await odd.look()],
      [`a read that changes state (${how})`, "READ_ONLY_STATE", async () => await odd.meddle(how)],
      ["a result that cannot travel", "NOT_SERIALIZABLE", () => odd.nonsense()],
      ["a state that is too large", "INVALID_ARGUMENT", () => odd.huge()],
      ["a thrown string", "thrown", () => odd.throwAnything(0)],
      ["a thrown nothing", "thrown", () => odd.throwAnything(1)],
      ["work that nobody awaited", "", () => odd.aside()],
      ["a call to itself", "DEADLOCK", () => odd.toItself("o")],
      [
        "a key of long ago",
        "INVALID_ARGUMENT",
        () => odd.$with({ idempotencyKey: OLD_KEY }).bump(),
      ],
      ["a state that an actor does not have", "TypeError", () => echo.write()],
      [
        "a key without a state",
        "INVALID_ARGUMENT",
        () => echo.$with({ idempotencyKey: "k" }).say("x"),
      ],
      ["a state that is replaced", "", () => odd.replace()],
      ["a word", "", () => echo.say("x")],
      ["arguments that their schema refuses", "INVALID_ARGUMENT", () => odd.measured(-1)],
      ["arguments that their schema takes", "", () => odd.measured(1)],
      ["an actor explained", "", () => this.#order((admin) => admin.explain(this.odd, "o"))],
      ["an actor deactivated", "", () => this.#order((admin) => admin.deactivate(this.odd, "o"))],
      ["calls that wait for each other", "", () => this.#cross()],
      ["more calls than a pool has room for", "", () => this.#askForHelp()],
    ];
  }
}

const OUTAGES: ReadonlySet<string> = new Set([
  "SILO_UNAVAILABLE",
  "CALL_TIMEOUT",
  "FENCED",
  "OVERLOADED",
]);

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "thrown";
  const { code, name } = error as { code?: unknown; name: string };
  return typeof code === "string" ? code : name;
}

function makeOdd(sim: Simulation): OddClass {
  return class Odd extends Actor<OddState> {
    static readonly actor = defineActor<Odd>({
      type: "odd",
      // Of the first state it is asked with nothing, of a stored one with that.
      state: handSchema<OddState>((stored) => ({
        value:
          stored !== undefined && Object.keys(stored as object).length > 0
            ? (stored as OddState)
            : {
                count: 0,
                map: new Map([["a", { n: 1 }]]),
                set: new Set([1, 2]),
                at: new Date(0),
                bytes: new Uint8Array([1, 2, 3]),
                list: [{ deep: { n: 1 } }],
              },
      })),
      methods: {
        look: "read",
        meddle: "read",
        measured: {
          args: handSchema<[number]>((args) =>
            (args as [number])[0] < 0
              ? { issues: [{ message: "must not be negative", path: [0] }] }
              : { value: args as [number] },
          ),
        },
      },
    });
    async bump(): Promise<number> {
      return (this.state.count += 1);
    }
    async bumpSlowly(ms: number): Promise<number> {
      const { signal } = this.ctx.call;
      await sim.sleepIn(this, ms);
      if (signal.aborted) sim.saw("a turn told to give up");
      signal.throwIfAborted();
      return (this.state.count += 1);
    }
    look() {
      const { map, set, at, bytes, list } = this.state;
      let seen = at.getTime() + bytes.length + set.size;
      map.forEach(({ n }) => (seen += n));
      for (const [, { n }] of map) seen += n;
      for (const n of set) seen += n;
      for (const { deep } of list) seen += deep.n;
      return (
        seen + JSON.stringify(Object.entries(list)).length + (map.get("a") === undefined ? 0 : 1)
      );
    }
    meddle(how: number) {
      const { map, set, at, list } = this.state;
      const attempts: readonly (() => unknown)[] = [
        () => (this.state.count = 9),
        () => map.set("b", { n: 2 }),
        () => map.clear(),
        () => (map.get("a")!.n = 2),
        () => set.add(3),
        () => set.delete(1),
        () => at.setTime(1),
        () => (list[0]!.deep.n = 2),
        () => delete this.state.blob,
        () => Object.setPrototypeOf(list, null),
        () => Object.freeze(this.state),
        () => Object.assign(this, { state: {} }),
      ];
      return attempts[how]!();
    }
    async replace(): Promise<number> {
      this.state = { ...this.state };
      return this.state.count;
    }
    async nonsense(): Promise<unknown> {
      this.state.count += 1_000;
      return () => this.state;
    }
    async huge(): Promise<void> {
      this.state.count += 1_000;
      this.state.blob = "x".repeat(600 * 1024);
    }
    async throwAnything(what: number): Promise<void> {
      this.state.count += 1_000;
      await Promise.reject(what === 0 ? "a string" : undefined);
    }
    async aside(): Promise<void> {
      this.ctx.log.info("leaves something behind", { call: this.ctx.call.chain.length });
      void Promise.resolve().then(async () => {
        await new Promise((resolve) => this.ctx.signal.addEventListener("abort", resolve));
      });
    }
    async measured(n: number): Promise<number> {
      return await Promise.resolve(n);
    }
    async cross(id: string): Promise<number> {
      await sim.sleepIn(this, sim.random.next() * 10);
      return await this.ctx.get(Odd, id).look();
    }
    async toItself(id: string): Promise<unknown> {
      this.state.count += 1_000;
      return await this.ctx.get(Odd, id).bump();
    }
  };
}

function makeEcho(): EchoClass {
  return class Echo extends Actor<never> {
    static readonly actor = defineActor<Echo>({ type: "echo" });
    async say(word: string): Promise<string> {
      return word;
    }
    async write(): Promise<void> {
      (this as { state: unknown }).state = {};
    }
  };
}

function makeHelper(sim: Simulation): HelperClass {
  return class Helper extends Actor {
    static readonly actor = defineActor<Helper>({
      type: "helper",
      stateless: { max: 2 },
      idle: "1s",
    });
    async help(word: string): Promise<string> {
      await sim.sleepIn(this, sim.random.next() * 10);
      return word;
    }
  };
}
