// What goes wrong in one run, as data: drawn from the seed, printed, and run again with parts left out.
//   F1. A plan is a pure function of the seed; what a run does with it draws from generators of its own, so that a plan
//       with one fault less is the same run but for that fault.
//   F2. A seed draws which kinds of fault it has at all ("swarm testing": Groce et al. 2012): runs with one kind of fault
//       find what runs with all of them bury.
//   F3. Clock rates stay within ρ (A3); all else may go as wrong as a store, a network or a machine can.
import { type Random, seededRandom } from "@tenure/core/internal";
import { CALM_NETWORK, type NetworkFaults } from "./network.ts";
import { CALM_STORE, type StoreFaults } from "./store.ts";

export type Fault =
  /** Killed; `event` world events after its time, so that it may be between any two. A new process follows. */
  | {
      readonly kind: "crash";
      readonly silo: string;
      readonly event: number;
      readonly restartMs: number;
    }
  /** Stopped by its operator, and started again. */
  | { readonly kind: "stop"; readonly silo: string; readonly restartMs: number }
  | { readonly kind: "join"; readonly silo: string }
  /** A second process with the name of one that lives. */
  | { readonly kind: "namesake"; readonly silo: string; readonly forMs: number }
  /** SIGSTOP, or a blocked event loop; `suspended`: the whole machine, whose monotonic clock stops too. */
  | {
      readonly kind: "freeze";
      readonly silo: string;
      readonly forMs: number;
      readonly suspended: boolean;
    }
  | { readonly kind: "wall-jump"; readonly silo: string; readonly byMs: number }
  /** Messages of `from` do not reach `to`; "*" is anybody. */
  | {
      readonly kind: "cut";
      readonly from: string;
      readonly to: string;
      readonly forMs: number;
    }
  | { readonly kind: "store-away"; readonly forMs: number }
  /** What this process asks of the store is held on its way, and then arrives all at once: late renewals, late saves. */
  | { readonly kind: "store-stall"; readonly silo: string; readonly forMs: number }
  /** The process stands still while what it has just sent to the store is still on its way: a save arrives after a takeover. */
  | { readonly kind: "freeze-in-flight"; readonly silo: string; readonly forMs: number }
  /** The store's own clock: nothing may depend on it (R4). */
  | { readonly kind: "store-clock-jump"; readonly byMs: number }
  | AmnesiaFault;

/** A store that forgets, or contradicts itself. */
export type AmnesiaFault =
  | { readonly kind: "lose-writes"; readonly count: number }
  /** `unaware`: a process whose requests are held on their way at the time, so that it goes on serving for a while. */
  | {
      readonly kind: "lose-everything";
      readonly unaware: string | undefined;
      readonly forMs: number;
    }
  /** The record of a silo that may well live is gone (R16). */
  | { readonly kind: "lose-member"; readonly silo: string }
  | { readonly kind: "stale-replica"; readonly share: number; readonly forMs: number }
  | {
      readonly kind: "two-primaries";
      readonly silos: readonly string[];
      readonly keep: "first" | "second";
      readonly forMs: number;
    };

export type TimedFault = Fault & { readonly atMs: number };
export type FaultKind = Fault["kind"];

export interface FaultPlan {
  readonly seed: number;
  readonly ttlMs: number;
  readonly silos: readonly { readonly name: string; readonly rate: number }[];
  /** How long faults happen; then everything heals. */
  readonly faultyMs: number;
  readonly network: NetworkFaults;
  readonly store: StoreFaults;
  readonly faults: readonly TimedFault[];
  /** The store may forget: an empty directory is not trusted until it was watched (R13). */
  readonly amnesia: boolean;
  /** Silos claim and load in one step, as where directory and rows are one store. */
  readonly joint: boolean;
}

const KINDS: readonly FaultKind[] = [
  "crash",
  "stop",
  "join",
  "namesake",
  "freeze",
  "wall-jump",
  "cut",
  "store-away",
  "store-stall",
  "freeze-in-flight",
  "store-clock-jump",
];
const AMNESIA_KINDS: readonly FaultKind[] = [
  "lose-writes",
  "lose-everything",
  "lose-member",
  "stale-replica",
  "two-primaries",
];

/** Whether the store forgets something of what it had acknowledged. */
export function forgets(plan: FaultPlan): boolean {
  return plan.faults.some(({ kind }) => AMNESIA_KINDS.includes(kind));
}

const TTLS_MS = [1_000, 1_500, 4_000];
const DRIFT = 0.001;

export interface PlanOptions {
  /**
   * The share of seeds whose store may forget what it had acknowledged: lose its newest writes or all of them, answer
   * reads from a stale replica, split into two primaries. @default 0
   */
  readonly amnesia?: number | undefined;
  /** @default drawn: 2 to 4 */
  readonly silos?: number | undefined;
  /** @default drawn */
  readonly leaseTtlMs?: number | undefined;
}

export function drawPlan(seed: number, options: PlanOptions = {}): FaultPlan {
  const draw = new Draw(seededRandom(seed ^ 0x5eed));
  const ttlMs = options.leaseTtlMs ?? draw.of(TTLS_MS);
  const count = options.silos ?? draw.whole(2, 4);
  const silos = Array.from({ length: count }, (_, i) => ({
    name: `silo-${i + 1}`,
    rate: 1 + draw.around(DRIFT),
  }));
  const faultyMs = 8 * ttlMs;
  const amnesia = draw.chance(options.amnesia ?? 0);
  // Two seeds of five. Not drawn: what the others draw stays what it was.
  const joint = seed % 5 === 1 || seed % 5 === 4;
  if (draw.chance(0.06))
    return {
      seed,
      ttlMs,
      silos,
      faultyMs: faultyMs / 4,
      network: CALM_NETWORK,
      store: CALM_STORE,
      faults: [],
      amnesia,
      joint,
    };
  const kinds = [
    ...KINDS.filter(() => draw.chance(0.45)),
    ...(amnesia ? AMNESIA_KINDS.filter(() => draw.chance(0.6)) : []),
  ];
  const faults: TimedFault[] = [];
  const names = silos.map((silo) => silo.name);
  for (let i = draw.whole(2, 7); i > 0 && kinds.length > 0; i--) {
    const atMs = draw.ms(faultyMs * 0.9);
    faults.push({ atMs, ...drawFault(draw.of(kinds), draw, names, ttlMs, i) });
  }
  const sometimes = (ceiling: number): number => (draw.chance(0.5) ? 0 : draw.rate(ceiling));
  return {
    seed,
    ttlMs,
    silos,
    faultyMs,
    network: {
      loss: sometimes(0.05),
      duplication: sometimes(0.1),
      reordering: sometimes(0.3),
      delayMs: draw.ms(ttlMs / 100) + 0.2,
      stragglers: sometimes(0.01),
      stragglerMs: 2 * ttlMs,
    },
    store: {
      ...CALM_STORE,
      delayMs: draw.ms(ttlMs / 100) + 0.2,
      stragglers: sometimes(0.03),
      stragglerMs: 3 * ttlMs,
      requestLost: sometimes(0.05),
      answerLost: sometimes(0.05),
      failedAfterApplying: sometimes(0.05),
      appliedTwice: sometimes(0.1),
    },
    faults: faults.toSorted((a, b) => a.atMs - b.atMs),
    amnesia,
    joint,
  };
}

function drawFault(
  kind: FaultKind,
  draw: Draw,
  names: readonly string[],
  ttlMs: number,
  index: number,
): Fault {
  const silo = draw.of(names);
  // Just under and just over a lease are the interesting times.
  const forMs = draw.ms(ttlMs * draw.of([0.5, 1.5, 3]));
  switch (kind) {
    case "crash":
      return { kind, silo, event: draw.whole(0, 40), restartMs: draw.ms(2 * ttlMs) };
    case "stop":
      return { kind, silo, restartMs: draw.ms(ttlMs) };
    case "join":
      return { kind, silo: `joiner-${index}` };
    case "namesake":
      return { kind, silo, forMs: forMs + ttlMs };
    case "freeze":
      return {
        kind,
        silo,
        forMs: draw.chance(0.04) ? 62_000 : forMs,
        suspended: draw.chance(0.5),
      };
    case "wall-jump":
      return { kind, silo, byMs: Math.round(draw.around(1e7)) };
    case "cut":
      return draw.chance(0.5)
        ? { kind, from: silo, to: draw.of(["*", ...names, "client-1"]), forMs }
        : { kind, from: draw.of(["*", ...names, "client-1"]), to: silo, forMs };
    case "store-away":
      return { kind, forMs: ttlMs * draw.of([0.3, 1, 3, 10]) * 1.02 };
    case "freeze-in-flight":
      return { kind, silo, forMs: 1.6 * ttlMs + draw.ms(2 * ttlMs) };
    case "store-stall":
      return { kind, silo, forMs: draw.ms(2 * ttlMs) + ttlMs / 2 };
    case "store-clock-jump":
      return { kind, byMs: Math.round(draw.around(20 * ttlMs)) };
    case "lose-writes":
      return { kind, count: draw.whole(1, 30) };
    case "lose-everything":
      return { kind, unaware: draw.chance(0.7) ? silo : undefined, forMs: ttlMs };
    case "lose-member":
      return { kind, silo };
    case "stale-replica":
      return { kind, share: draw.rate(0.8), forMs };
    case "two-primaries":
      return {
        kind,
        silos: names.filter(() => draw.chance(0.5)),
        keep: draw.of(["first", "second"] as const),
        forMs,
      };
  }
}

/** One line per fault, as a person would say it. */
export function describePlan(plan: FaultPlan): readonly string[] {
  const rates = (given: object): string =>
    Object.entries(given)
      .filter(([, value]) => value !== 0)
      .map(([name, value]) => `${name} ${Number(value).toPrecision(2)}`)
      .join(", ");
  return [
    `${plan.silos.length} silos, leases of ${plan.ttlMs} ms, faults for ${plan.faultyMs} ms`,
    `network: ${rates(plan.network)}`,
    `store: ${[...(plan.joint ? ["claims and loads are one step"] : []), rates(plan.store)].join(", ")}`,
    ...plan.faults.map(describeFault),
  ];
}

function describeFault({ atMs, kind, ...about }: TimedFault): string {
  const details = Object.entries(about)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`);
  return `${atMs.toFixed(0).padStart(6)} ms: ${kind} ${details.join(", ")}`.trimEnd();
}

/** Draws in the shapes that plans need. */
class Draw {
  readonly #random: Random;
  constructor(random: Random) {
    this.#random = random;
  }
  chance(share: number): boolean {
    return this.#random.next() < share;
  }
  of<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.next() * items.length)]!;
  }
  whole(least: number, most: number): number {
    return least + Math.floor(this.#random.next() * (most - least + 1));
  }
  ms(ceiling: number): number {
    return Math.round(this.#random.next() * ceiling * 10) / 10;
  }
  rate(ceiling: number): number {
    return Math.round(this.#random.next() * ceiling * 1_000) / 1_000;
  }
  around(most: number): number {
    return (this.#random.next() * 2 - 1) * most;
  }
}
