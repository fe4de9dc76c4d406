// What the conformance suites share: how a backend is opened for a test, and how a rule that it cannot keep is reported.
//   Q1. Each test opens a fresh store and disposes of it; its sessions are closed by then.
//   Q2. A skipped rule is shown with its reason, and a skip that names no rule of the suite fails.
import {
  type PortEnvironment,
  type Random,
  systemClock,
  systemRandom,
} from "@tenure/core/internal";
import { describe, expect, test } from "vitest";

export interface SkippedRule {
  /** One of the rules in the tests' titles, such as "R13". */
  readonly rule: string;
  readonly reason: string;
}

export interface OpenedStore<Provider> {
  readonly provider: Provider;
  /** A provider over the same data, as a process started later would have it. Called when no session is open. @default the same provider */
  readonly reopen?: () => Promise<Provider>;
  dispose(): Promise<void>;
}

export interface ConformanceOptions<Opened> {
  readonly name: string;
  /** A fresh, empty store. Each test uses cluster names of its own. */
  readonly open: () => Promise<Opened>;
  /** Rules that this store cannot keep, or that its test cannot reach. */
  readonly skip?: readonly SkippedRule[];
}

/** A record that a test has spoiled; the answer says whether it still is exactly as it was planted. */
export interface Planted {
  /** Called when no session is open. */
  unchanged(): Promise<boolean>;
}

export interface Session {
  close(): Promise<void>;
}

export interface SessionProvider<S> {
  open(environment: PortEnvironment): Promise<S>;
}

/** One test's store: opens sessions and closes them. */
export class Bench<S extends Session, Opened extends OpenedStore<SessionProvider<S>>> {
  readonly random: Random = systemRandom();
  readonly store: Opened;
  readonly cluster: string;
  #provider: SessionProvider<S>;
  #sessions: Session[] = [];

  constructor(store: Opened) {
    this.store = store;
    this.#provider = store.provider;
    this.cluster = `c${this.random.hex128().slice(0, 12)}`;
  }

  async open(cluster: string = this.cluster): Promise<S> {
    return await this.keep(this.#provider.open(environmentOf(cluster)));
  }

  /** A session of another port; it is closed with the others. */
  async keep<Other extends Session>(opening: Promise<Other>): Promise<Other> {
    const session = await opening;
    this.#sessions.push(session);
    return session;
  }

  async closeAll(): Promise<void> {
    const sessions = this.#sessions;
    this.#sessions = [];
    for (const session of sessions) await session.close();
  }

  /** Ends every session and answers one that a later process might open. */
  async restart(): Promise<S> {
    await this.closeAll();
    if (this.store.reopen) this.#provider = await this.store.reopen();
    return await this.open();
  }
}

export type RuleTest<B> = (rules: string, title: string, body: (bench: B) => Promise<void>) => void;

/** Declares a suite; `declare` gets the function that declares one test of it. */
export function conformanceSuite<
  S extends Session,
  Opened extends OpenedStore<SessionProvider<S>>,
  B extends Bench<S, Opened>,
>(
  port: string,
  options: ConformanceOptions<Opened>,
  makeBench: (store: Opened) => B,
  declare: (rule: RuleTest<B>) => void,
): void {
  const skips = new Map(options.skip?.map(({ rule, reason }) => [rule, reason]));
  const known = new Set<string>();
  describe(`${port} conformance: ${options.name}`, () => {
    declare((rules, title, body) => {
      const tags = rules.split(" ");
      for (const tag of tags) known.add(tag);
      const skipped = tags.find((tag) => skips.has(tag));
      const reason = skipped === undefined ? "" : `; skipped ${skipped}: ${skips.get(skipped)}`;
      test.skipIf(skipped)(`${title} (${tags.join(", ")})${reason}`, async () => {
        expect.hasAssertions();
        const store = await options.open();
        const bench = makeBench(store);
        try {
          await body(bench);
        } finally {
          await bench.closeAll();
          await store.dispose();
        }
      });
    });
    test("each skipped rule is a rule of this suite (Q2)", () => {
      expect([...skips.keys()].filter((rule) => !known.has(rule))).toEqual([]);
    });
  });
}

/** A hook that a test cannot do without. */
export function needed<T>(hook: T | undefined, name: string, rule: string): T {
  if (hook === undefined)
    throw new Error(
      `the store under test gives no ${name}: give it, or skip ${rule} with a reason`,
    );
  return hook;
}

export function environmentOf(cluster: string): PortEnvironment {
  return {
    cluster,
    clock: systemClock(),
    random: systemRandom(),
    emit: () => {},
    leaseTtlMs: 4_000,
    openTimeoutMs: 5_000,
    durability: "default",
  };
}
