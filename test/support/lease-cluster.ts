// Some silos' real lease keepers and observers over one memory directory, in a world that one seed breaks and heals.
// What must hold whatever happens is checked after every step:
//   LC1. No incarnation is marked dead while it holds its lease (L1 and L2 together: the promise of leases).
//   LC2. Dead is for ever (I5).
//   LC3. Nobody is marked dead who could renew all the time: an outage of the store kills no silo (W2). Checked in calm
//        worlds, where no answer is lost.
//   LC4. Once faults stop, the crashed are dead and the others serve, within the time of I13.
import {
  type Clock,
  type Directory,
  type Incarnation,
  type MarkDeadRequest,
  type Random,
  seededRandom,
} from "@tenure/core/internal";
import {
  LeaseKeeper,
  type LeaseTiming,
  leaseTiming,
  Membership,
  register,
} from "@tenure/directory/internal";
import { DriftingClock } from "./drifting-clock.ts";
import { memoryTables } from "./memory-tables.ts";
import { type Fate, NEVER, REJECTED, scriptedDirectory } from "./scripted-directory.ts";
import { StepClock } from "./step-clock.ts";

export const TTL = 4_000;

export interface Ports {
  readonly clock: Clock;
  readonly directory: Directory;
}

/** What a bug changes: a port, or the timing. Shipped code has no switch for it. */
export interface Plant {
  readonly timing?: (right: LeaseTiming) => LeaseTiming;
  readonly keeper?: (ports: Ports) => Ports;
  readonly observer?: (ports: Ports) => Ports;
  /** Faults that do not happen, where they would hide the bug behind another rule. */
  readonly without?: readonly Fault[];
  readonly witnessPeriod?: (keeper: LeaseKeeper) => number | undefined;
}

const FAULTS = [
  "crash",
  "store away",
  "store away",
  "transport away",
  "cut",
  "cut",
  "deaf",
  "sleep",
  "block",
  "wall clock",
] as const;

export type Fault = (typeof FAULTS)[number];

export class Broken extends Error {}

export interface Counters {
  deaths: number;
  pauses: number;
  resumes: number;
  rejoins: number;
  conflicts: number;
}

interface Life {
  readonly incarnation: Incarnation;
  readonly keeper: LeaseKeeper;
  readonly stop: AbortController;
}

class SimulatedSilo {
  readonly name: string;
  readonly clock: DriftingClock;
  crashed = false;
  cut = false;
  /** True time until which nothing comes through the transport. One of two outages at once does not end the other. */
  deafUntilMs = 0;
  /** True time until which something of its own kept this silo from renewing. */
  impairedUntilMs = 0;
  life: Life | undefined;
  observer: Membership | undefined;

  constructor(name: string, clock: DriftingClock) {
    this.name = name;
    this.clock = clock;
  }
}

/** Runs one world and throws Broken at the first step that breaks a promise. */
export async function runLeases(seed: number, plant: Plant = {}): Promise<Counters> {
  const world = new LeaseWorld(seed, plant);
  try {
    await world.run();
  } finally {
    world.close();
  }
  return world.counters;
}

class LeaseWorld {
  readonly counters: Counters = { deaths: 0, pauses: 0, resumes: 0, rejoins: 0, conflicts: 0 };
  readonly #plant: Plant;
  readonly #random: Random;
  readonly #truth = new StepClock();
  readonly #store = memoryTables();
  readonly #silos: SimulatedSilo[] = [];
  readonly #timing: LeaseTiming;
  /** Calm: no answer is lost but in an outage of the whole store. */
  readonly #calm: boolean;
  readonly #slowMs: number;
  readonly #dead = new Set<Incarnation>();
  #away = false;
  #healed = false;
  #broken: Broken | undefined;

  constructor(seed: number, plant: Plant) {
    this.#plant = plant;
    this.#random = seededRandom(seed);
    this.#calm = this.#chance(0.5);
    this.#slowMs = this.#pick([0.1, 0.1, 5, 300]);
    // In half of the worlds nothing is kept back, so that the arithmetic of L1 and L2 stands alone.
    const right = leaseTiming(TTL);
    const tight = { ...right, serveMs: right.serveMs + right.marginMs };
    const timing = this.#chance(0.5) ? tight : right;
    this.#timing = plant.timing?.(timing) ?? timing;
    this.#truth.onStep = () => this.#check();
  }

  async run(): Promise<void> {
    const count = 3 + Math.floor(this.#random.next() * 2);
    for (let i = 1; i <= count; i++) {
      const rate = this.#pick([0.999, 1.001, 0.999 + this.#random.next() / 500]);
      const silo = new SimulatedSilo(`silo-${i}`, new DriftingClock(this.#truth, rate));
      this.#silos.push(silo);
      void this.#join(silo, undefined);
    }
    await this.#advance(2 * TTL);
    for (let faults = 0; faults < 6; faults++) {
      this.#fault();
      await this.#advance(this.#random.next() * 2.5 * TTL);
    }
    await this.#heal();
  }

  close(): void {
    for (const silo of this.#silos) this.#end(silo);
  }

  // ---- faults ----------------------------------------------------------------------------------------------------

  #fault(): void {
    const silo = this.#pick(this.#silos.filter((one) => !one.crashed));
    const ms = this.#pick([0.3, 1, 1.2, 3]) * TTL;
    switch (this.#pick(FAULTS.filter((fault) => !this.#plant.without?.includes(fault)))) {
      case "crash":
        if (this.#silos.filter((one) => !one.crashed).length <= 2) return;
        silo.crashed = true;
        this.#end(silo);
        return;
      case "store away": {
        const awayMs = this.#pick([1, 3, 10]) * TTL;
        this.#away = true;
        this.#truth.after(awayMs, () => (this.#away = false));
        // One of them may sleep through it.
        if (this.#chance(0.3)) this.#still(silo, "sleep", awayMs + this.#random.next() * 100);
        return;
      }
      case "transport away":
        for (const one of this.#silos) this.#deafen(one, ms);
        return;
      case "cut":
        this.#impair(silo, ms);
        silo.cut = true;
        this.#truth.after(ms, () => (silo.cut = false));
        return;
      case "deaf":
        this.#impair(silo, ms);
        this.#deafen(silo, ms);
        return;
      case "sleep":
        this.#still(silo, "sleep", ms);
        return;
      case "block":
        this.#still(silo, "block", ms);
        return;
      case "wall clock":
        silo.clock.jumpWall((this.#random.next() - 0.5) * 20_000);
    }
  }

  #deafen(silo: SimulatedSilo, ms: number): void {
    silo.deafUntilMs = Math.max(silo.deafUntilMs, this.#truth.monotonicMs() + ms);
  }

  #still(silo: SimulatedSilo, how: "sleep" | "block", ms: number): void {
    this.#impair(silo, ms);
    silo.clock[how](ms);
  }

  #impair(silo: SimulatedSilo, ms: number): void {
    silo.impairedUntilMs = Math.max(silo.impairedUntilMs, this.#truth.monotonicMs() + ms);
  }

  async #heal(): Promise<void> {
    this.#healed = true;
    this.#away = false;
    for (const silo of this.#silos) {
      silo.cut = false;
      silo.deafUntilMs = 0;
    }
    // Nothing wakes a machine that sleeps.
    const stillMs = Math.max(...this.#silos.map((silo) => silo.impairedUntilMs));
    await this.#advance(Math.max(1, stillMs - this.#truth.monotonicMs()));
    // What was asked before and is never answered takes TTL/3 to give up, and a skipped round TTL/12 more; then I13.
    const { watchMs, roundMs, retryMs } = leaseTiming(TTL);
    await this.#advance((watchMs + roundMs + roundMs + retryMs) * 1.001 + 4 * this.#slowMs + 10);
    for (const silo of this.#silos)
      if (!silo.crashed && !silo.life?.keeper.holds())
        this.#break(`LC4: ${silo.name} does not serve after everything has healed`);
      else if (silo.crashed && silo.life && !this.#dead.has(silo.life.incarnation))
        this.#break(`LC4: ${silo.name} crashed and is not dead after everything has healed`);
    if (this.#broken) throw this.#broken;
  }

  // ---- silos -----------------------------------------------------------------------------------------------------

  async #join(silo: SimulatedSilo, previous: Incarnation | undefined): Promise<void> {
    const { clock } = silo;
    const stop = new AbortController();
    const incarnation = this.#random.hex128();
    const directory = this.#directoryOf(silo);
    try {
      const request = {
        incarnation,
        name: silo.name,
        types: {},
        roles: [],
        protocol: 1,
        proposedStoreId: "store",
        bootstrap: true,
      };
      const { member } = await register(request, {
        clock,
        timing: this.#timing,
        directory,
        signal: stop.signal,
        previous,
        markedDead: () => undefined,
      });
      if (silo.crashed) return;
      const right: Ports = { clock, directory };
      const keeper: LeaseKeeper = new LeaseKeeper(
        {
          incarnation,
          timing: this.#timing,
          ...(this.#plant.keeper?.(right) ?? right),
          emit: (event) => {
            if (event.type === "silo.paused") this.counters.pauses += 1;
            if (event.type === "silo.resumed") this.counters.resumes += 1;
          },
          host: {
            sendProbe: (round) => {
              if (this.#truth.monotonicMs() >= silo.deafUntilMs)
                clock.after(this.#travelMs(), () => keeper.probeArrived(round));
            },
            load: () => 0,
            acknowledged: () => 0,
            renewed: () => undefined,
            lost: () => {
              this.counters.rejoins += 1;
              this.#end(silo);
              void this.#join(silo, incarnation);
            },
          },
        },
        member,
      );
      const observer = new Membership({
        self: incarnation,
        storeId: "store",
        timing: this.#timing,
        ...(this.#plant.observer?.(right) ?? right),
        emit: () => undefined,
        host: {
          died: (dead) => {
            if (dead.incarnation === incarnation) keeper.end("its member record was marked dead");
          },
          replaced: () => keeper.end("its directory is another one"),
          witnessPeriod: () => (this.#plant.witnessPeriod ?? inPeriods)(keeper),
        },
      });
      silo.life = { incarnation, keeper, stop };
      silo.observer = observer;
      void keeper.run(stop.signal).catch(() => undefined);
      void observer.run(stop.signal).catch(() => undefined);
    } catch {
      if (!silo.crashed) clock.after(250, () => void this.#join(silo, previous));
    }
  }

  #end(silo: SimulatedSilo): void {
    silo.life?.stop.abort();
    silo.life?.keeper.stop();
    silo.observer?.stop();
  }

  #directoryOf(silo: SimulatedSilo): Directory {
    const { directory } = this.#store;
    const watched: Directory = {
      durability: directory.durability,
      register: (request) => directory.register(request),
      renew: async (request) => {
        const renewed = await directory.renew(request);
        if (!renewed.answer.ok) this.counters.conflicts += 1;
        // Others look at the records whenever they place an actor, also right after a renewal.
        else if (this.#chance(0.5)) for (const one of this.#silos) void one.observer?.poll();
        return renewed;
      },
      markDead: async (request) => {
        this.#beforeDeath(request);
        const marked = await directory.markDead(request);
        if (marked.answer.ok) this.#died(request.incarnation);
        return marked;
      },
      members: () => directory.members(),
      open: (storeId) => directory.open(storeId),
      claim: (requests) => directory.claim(requests),
      release: (requests) => directory.release(requests),
      sweep: (request) => directory.sweep(request),
      lookup: (actors) => directory.lookup(actors),
      close: () => directory.close(),
    };
    return scriptedDirectory(watched, { truth: this.#truth, silo: silo.clock }, () =>
      silo.crashed ? NEVER : this.#fate(silo),
    );
  }

  #fate(silo: SimulatedSilo): Fate {
    const travel: Fate = { request: this.#travelMs(), answer: this.#travelMs() };
    if (this.#away || silo.cut) return this.#pick([REJECTED, NEVER]);
    if (this.#calm || this.#healed) return travel;
    if (this.#chance(0.9)) return travel;
    this.#impair(silo, TTL);
    return this.#pick<Fate>([
      REJECTED,
      NEVER,
      { ...travel, answer: "rejected" },
      { ...travel, answer: "lost" },
      { ...travel, again: this.#random.next() * TTL },
      { ...travel, request: this.#random.next() * TTL },
      { ...travel, answer: this.#random.next() * TTL },
    ]);
  }

  // ---- what must hold --------------------------------------------------------------------------------------------

  #beforeDeath({ incarnation, expectedRev }: MarkDeadRequest): void {
    const record = this.#store.tables.member(incarnation);
    if (!record || record.state === "dead" || record.rev !== expectedRev) return;
    const victim = this.#silos.find((silo) => silo.life?.incarnation === incarnation);
    if (!victim || victim.crashed || victim.life!.keeper.over) return;
    const healthyMs = this.#truth.monotonicMs() - victim.impairedUntilMs;
    if (this.#calm && healthyMs > 1.01 * TTL)
      this.#break(`LC3: ${victim.name} is marked dead although it could renew for ${healthyMs} ms`);
  }

  #died(incarnation: Incarnation): void {
    if (!this.#dead.has(incarnation)) this.counters.deaths += 1;
    this.#dead.add(incarnation);
    this.#check();
  }

  #check(): void {
    for (const silo of this.#silos) {
      const { life } = silo;
      if (!life || !this.#dead.has(life.incarnation)) continue;
      if (silo.clock.runs && life.keeper.holds())
        this.#break(`LC1: ${silo.name} is marked dead and holds its lease`);
      if (this.#store.tables.member(life.incarnation)?.state !== "dead")
        this.#break(`LC2: ${silo.name} was dead and is alive again`);
    }
  }

  #break(what: string): void {
    this.#broken ??= new Broken(`${what} (at ${Math.round(this.#truth.monotonicMs())} ms)`);
  }

  async #advance(ms: number): Promise<void> {
    await this.#truth.advance(ms);
    if (this.#broken) throw this.#broken;
  }

  // ---- chance ----------------------------------------------------------------------------------------------------

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  #pick<T>(among: readonly T[]): T {
    return among[Math.floor(this.#random.next() * among.length)]!;
  }

  #travelMs(): number {
    return this.#random.next() * this.#slowMs;
  }
}

function inPeriods(keeper: LeaseKeeper): number | undefined {
  return keeper.witnessPeriod();
}
