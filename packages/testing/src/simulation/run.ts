// One seed, one run: start, faults, healing, recovery, the end, the checks.
//   P1. The run of a seed is the same every time: plan, workload and world draw from the seed alone (W2).
//   P2. It stops at the first violation: what comes after would only hide what led there.
//   P3. Once everything has healed, every actor answers within the bound of I13, clients come to an end, silos stop.
import { internalsOf } from "../crash.ts";
import { SimCluster, type Substitutions } from "./cluster.ts";
import { FaultInjector } from "./fault-injector.ts";
import { type FaultPlan, forgets } from "./fault-plan.ts";
import type { Violation } from "./violations.ts";
import { RunningSimulation, type Workload, type WorkloadFactory } from "./workload.ts";
import type { TraceLine } from "./world.ts";

export interface RunOptions {
  readonly plan: FaultPlan;
  readonly workload: WorkloadFactory;
  readonly substitutions?: Substitutions | undefined;
}

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly sometimes: ReadonlyMap<string, number>;
  readonly events: number;
  readonly simulatedMs: number;
  readonly traceHash: string;
  readonly trace: readonly TraceLine[];
}

const DRIFT = 0.001;
const LONGEST_BACKOFF_MS = 400;
/** Until somebody asks after a silo at which a call waits in vain (client/suspicions.ts). */
const SUSPICION_MS = 1_000;

export async function runPlan(options: RunOptions): Promise<RunResult> {
  const { plan } = options;
  const callTimeoutMs = 2.5 * plan.ttlMs;
  const sim = new RunningSimulation(plan, callTimeoutMs);
  const workload = options.workload(sim);
  const cluster = new SimCluster({
    seed: plan.seed,
    actors: workload.actors,
    deployed: workload.deployed?.bind(workload),
    substitutions: options.substitutions,
    startsOpen: !plan.amnesia,
    joint: plan.joint,
    silo: { leaseTtlMs: plan.ttlMs, callTimeoutMs, drainTimeoutMs: 2 * plan.ttlMs },
  });
  try {
    await new Run(plan, sim, workload, cluster).through();
  } catch (error) {
    if (!(error instanceof Stopped)) cluster.findings.violated("workload", describeError(error));
  }
  const { world, findings } = cluster;
  return {
    seed: plan.seed,
    violations: findings.violations,
    sometimes: findings.sometimes,
    events: world.events,
    simulatedMs: world.nowMs,
    traceHash: world.traceHash(),
    trace: world.recent(),
  };
}

/** A violation was found; nothing else is to be done (P2). */
class Stopped extends Error {}

class Run {
  readonly #plan: FaultPlan;
  readonly #sim: RunningSimulation;
  readonly #workload: Workload;
  readonly #cluster: SimCluster;
  readonly #faults: FaultInjector;

  constructor(plan: FaultPlan, sim: RunningSimulation, workload: Workload, cluster: SimCluster) {
    this.#plan = plan;
    this.#sim = sim;
    this.#workload = workload;
    this.#cluster = cluster;
    this.#faults = new FaultInjector(cluster, plan);
  }

  async through(): Promise<void> {
    const { ttlMs, silos, faultyMs } = this.#plan;
    const cluster = this.#cluster;
    await this.#drive(
      Promise.all(silos.map(({ name, rate }) => cluster.startSilo(name, rate, name, true))),
      6 * ttlMs,
      "the silos start",
    );
    const { callTimeoutMs } = this.#sim;
    const clients = await this.#drive(
      Promise.all(["client-1", "client-2"].map((name) => cluster.connect(name, callTimeoutMs))),
      ttlMs,
      "the clients connect",
    );
    this.#sim.runIn(cluster, clients);
    this.#faults.begin();
    const loops = Promise.all(
      Array.from({ length: this.#workload.clients ?? 3 }, (_, i) => this.#workload.client(i)),
    );
    loops.catch((error: unknown) => cluster.findings.violated("workload", describeError(error)));
    await this.#run(faultyMs);
    this.#faults.heal();
    await this.#recover();
    this.#sim.over = true;
    await this.#drive(loops, 3 * callTimeoutMs, "the clients end");
    await this.#checkAtRest();
    await this.#stopAll();
    for (const client of clients) await client.close();
  }

  // I13. Counted from the time at which a silo serves: where all of them were gone, somebody has to start one.
  async #recover(): Promise<void> {
    const { ttlMs } = this.#plan;
    const cluster = this.#cluster;
    const serves = (): boolean =>
      cluster.living().some(({ silo }) => silo && internalsOf(silo).serving);
    if (cluster.living().length === 0) void cluster.startSilo("healer").catch(() => undefined);
    const birthMs = 5 * ttlMs;
    if (!serves() && !(await this.#run(birthMs, serves)))
      this.#violated("I13", `no silo serves ${birthMs} ms after everything has healed`);
    const claimMs = ttlMs / 2;
    // The actor answers by then; whoever called it before may be waiting for its next attempt.
    const boundMs =
      ttlMs * (1 + 2 * DRIFT) +
      ttlMs / 3 +
      claimMs +
      LONGEST_BACKOFF_MS +
      // With a silo's record the store may lose whoever would watch it: its callers have to ask.
      (forgets(this.#plan) ? SUSPICION_MS : 0);
    const open = new Map(this.#workload.recovered?.());
    for (const [what, answered] of open)
      answered.then(
        () => open.delete(what),
        (error: unknown) => this.#violated("I13", describeError(error)),
      );
    if (!(await this.#run(boundMs, () => open.size === 0)))
      this.#violated(
        "I13",
        `not answered within ${Math.round(boundMs)} ms of healing: ${[...open.keys()].join(", ")}`,
      );
  }

  async #checkAtRest(): Promise<void> {
    const cluster = this.#cluster;
    await this.#run(2 * this.#plan.ttlMs);
    const checked = this.#workload.check?.();
    if (checked) await this.#drive(checked, 20 * this.#plan.ttlMs, "the workload's check");
    for (const { silo, name } of cluster.living()) {
      if (!silo) continue;
      const { outgoingCalls, incomingCalls } = internalsOf(silo);
      if (outgoingCalls > 0)
        this.#violated("I12", `${name} still holds ${outgoingCalls} calls of its own at rest`);
      if (incomingCalls > 0 && this.#workload.neverReturns?.() !== true)
        this.#violated("I12", `${name} has not answered ${incomingCalls} calls at rest`);
    }
    this.#stopAtViolation();
  }

  async #stopAll(): Promise<void> {
    const { ttlMs } = this.#plan;
    const living = this.#cluster.living().filter(({ silo }) => silo !== undefined);
    await this.#drive(Promise.all(living.map(({ silo }) => silo!.stop())), 8 * ttlMs, "silos stop");
    if ([...this.#faults.stopping].some(({ node }) => !node.crashed))
      this.#violated("I13", "a silo that was told to stop never did");
    this.#stopAtViolation();
  }

  async #drive<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    if (!(await this.#run(limitMs, () => settled)))
      throw new Error(`${what}: not within ${limitMs} ms of simulated time`);
    return await promise;
  }

  async #run(ms: number, done: () => boolean = () => false): Promise<boolean> {
    const { violations } = this.#cluster.findings;
    const ended = await this.#cluster.run(ms, () => violations.length > 0 || done());
    this.#stopAtViolation();
    return ended;
  }

  #violated(check: Violation["check"], detail: string): void {
    this.#cluster.findings.violated(check, detail);
  }

  #stopAtViolation(): void {
    if (this.#cluster.findings.violations.length > 0) throw new Stopped();
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
