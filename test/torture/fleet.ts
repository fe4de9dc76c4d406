// Silos and clients of one round as processes, kept running as an operator's supervisor would.
//   F1. A silo that ends is started again, unless it was taken down on purpose. The first start says that the directory is
//       new; no later one does, because a directory that was lost looks the same.
//   F2. A silo that ends by itself after it has served is a finding. One that could not start while servers were away is not.
//   F3. Everything that is told goes into one list, with times of one clock.
import type { ActorName, CallRecord, Stored } from "./history.ts";
import { ForkedProcess } from "../support/forked-process.ts";
import { SiloProcess } from "../support/silo-fleet.ts";
import type { AuditorReport } from "./auditor-process.ts";
import type { ClientReport, ToClient } from "./client-process.ts";
import { lasting, nowMs } from "./one-clock.ts";
import { AUDITOR, type Site } from "./sites.ts";

export interface Note {
  readonly atMs: number;
  readonly text: string;
}

export interface FleetOptions {
  readonly site: Site;
  readonly silos: readonly string[];
  readonly clients: readonly string[];
  readonly ttlMs: number;
}

const RESTART_MS = 200;
const GRACE_MS = 10_000;
const CLUSTER = "torture";

export class Fleet implements AsyncDisposable {
  readonly records: CallRecord[] = [];
  readonly notes: Note[] = [];
  /** F2 */
  readonly findings: string[] = [];
  readonly silos: ReadonlyMap<string, SupervisedSilo>;
  readonly clients: ReadonlyMap<string, ForkedProcess<ClientReport>>;
  readonly #o: FleetOptions;

  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    try {
      await Promise.all([...fleet.silos.values()].map((silo) => silo.up()));
      for (const [name, client] of fleet.clients)
        if (!(await client.reportOrEnd((report) => "connected" in report)))
          throw new Error(`client ${name} ended with ${client.ending}: ${client.output}`);
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(options: FleetOptions) {
    this.#o = options;
    this.silos = new Map(
      options.silos.map((name) => [name, new SupervisedSilo(name, this, this.#launch(name))]),
    );
    this.clients = new Map(
      options.clients.map((name) => {
        const script = new URL("client-process.ts", import.meta.url);
        const client = new ForkedProcess<ClientReport>(script, {
          args: [name],
          ...this.#launch(name),
        });
        client.child.on("message", (report: ClientReport) => {
          if ("record" in report) this.records.push(report.record);
        });
        return [name, client];
      }),
    );
  }

  note(text: string, atMs: number = nowMs()): void {
    this.notes.push({ atMs, text });
  }

  tellClients(message: (index: number) => ToClient): void {
    let index = 0;
    for (const client of this.clients.values()) client.tell(message(index++));
  }

  /** Resolves when every client's calls have returned. */
  async clientsStopped(): Promise<void> {
    this.tellClients(() => ({ stop: true }));
    for (const [name, client] of this.clients)
      if (!(await client.reportOrEnd((report) => "stopped" in report)))
        throw new Error(`client ${name} ended with ${client.ending}: ${client.output}`);
  }

  /** What is stored, read by a fresh silo; no other may run any more. */
  async audit(actors: readonly ActorName[]): Promise<ReadonlyMap<ActorName, Stored>> {
    const { env, ...launch } = this.#launch(AUDITOR);
    const auditor = new ForkedProcess<AuditorReport>(
      new URL("auditor-process.ts", import.meta.url),
      { ...launch, env: { ...env, ACTORS: JSON.stringify(actors) } },
    );
    if (!(await auditor.reportOrEnd((report) => "audited" in report)))
      throw new Error(`the auditor ended with ${auditor.ending}: ${auditor.output}`);
    await auditor.end("SIGTERM");
    return new Map(
      auditor.reports.flatMap((report) =>
        "stored" in report ? [[report.stored.actor, report.stored.content] as const] : [],
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.clients.values()].map((client) => client.end("SIGKILL")));
    await Promise.all([...this.silos.values()].map((silo) => silo.down("SIGKILL")));
  }

  #launch(who: string): Launch {
    const { site, ttlMs } = this.#o;
    return {
      quiet: true,
      through: site.through(who),
      env: {
        ...process.env,
        CLUSTER,
        NATS_URL: site.urlFor(who, "nats"),
        REDIS_URL: site.urlFor(who, "storage"),
        DIRECTORY_URL: site.urlFor(who, "directory"),
        LEASE_TTL_MS: String(ttlMs),
      },
    };
  }
}

interface Launch {
  readonly quiet: true;
  readonly through: readonly string[] | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** One silo's name, and the process that has it now. */
export class SupervisedSilo {
  readonly name: string;
  readonly #fleet: Pick<Fleet, "note" | "findings">;
  readonly #launch: Launch;
  #process: SiloProcess | undefined;
  #wanted = false;
  #starts = 0;
  #starting: Promise<void> | undefined;

  constructor(name: string, fleet: Pick<Fleet, "note" | "findings">, launch: Launch) {
    this.name = name;
    this.#fleet = fleet;
    this.#launch = launch;
  }

  /** Sees to it that it runs (F1). Resolves when it serves, or was taken down instead. */
  async up(): Promise<void> {
    this.#wanted = true;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  /** Ends its process on purpose, and resolves when it has ended: with SIGKILL after `graceMs`, as supervisors do. */
  async down(signal: "SIGKILL" | "SIGTERM", graceMs: number = GRACE_MS): Promise<void> {
    this.#wanted = false;
    const silo = this.#process;
    if (!silo) return;
    const killer = setTimeout(() => silo.signal("SIGKILL"), graceMs);
    await silo.end(signal);
    clearTimeout(killer);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.signal(signal);
  }

  block(ms: number): void {
    if (this.#process?.child.connected) this.#process.tell({ block: ms });
  }

  /** How its process ended; undefined while it runs. */
  get ending(): string | undefined {
    return this.#process?.ended ? this.#process.ending : undefined;
  }

  async #start(): Promise<void> {
    while (this.#wanted && this.#process?.ended !== false) {
      const silo = this.#spawn();
      if (await silo.reportOrEnd((report) => report.serving === true)) {
        void this.#watch(silo);
        return;
      }
      this.#fleet.note(`${this.name}: did not start (${silo.ending}): ${silo.output.slice(-300)}`);
      await lasting(RESTART_MS);
    }
  }

  async #watch(silo: SiloProcess): Promise<void> {
    await silo.reportOrEnd(() => false);
    if (!this.#wanted) return;
    const what = `${this.name} ended by itself (${silo.ending}): ${silo.output}`;
    this.#fleet.findings.push(what);
    this.#fleet.note(what);
    await this.up();
  }

  #spawn(): SiloProcess {
    const env = { ...this.#launch.env, ...(this.#starts > 0 ? { JOINS: "1" } : {}) };
    this.#starts += 1;
    const silo = new SiloProcess(this.name, { ...this.#launch, env });
    this.#process = silo;
    const wallToOne = nowMs() - Date.now();
    silo.child.on("message", ({ event }: { event?: { type: string; atMs: number } }) => {
      if (!event) return;
      const { type, atMs, ...about } = event;
      this.#fleet.note(`${this.name}: ${type} ${JSON.stringify(about)}`, atMs + wallToOne);
    });
    return silo;
  }
}
