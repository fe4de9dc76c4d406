// A TypeScript file as a process of its own, and what it reports over the channel to its parent.
//   FP1. Reports are kept from the start, so that waiting for one is never too late.
//   FP2. It does not outlive this process, whatever state it is in.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ForkOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A command that runs another one: `["ip", "netns", "exec", name]`. */
  readonly through?: readonly string[] | undefined;
  /** What it writes is kept for `output` instead of shown. */
  readonly quiet?: boolean;
}

const KEPT_OUTPUT = 4_000;

export class ForkedProcess<Report> {
  readonly child: ChildProcess;
  readonly #reports: Report[] = [];
  readonly #waiting = new Set<() => void>();
  #output = "";

  constructor(script: URL, options: ForkOptions = {}) {
    const { args = [], env = process.env, through = [], quiet = false } = options;
    const [execPath, ...first] = [...through, process.execPath];
    this.child = fork(fileURLToPath(script), args, {
      execPath,
      execArgv: [...first, "--import", "tsx"],
      env,
      silent: quiet,
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on("data", (chunk: unknown) => {
        this.#output = (this.#output + String(chunk)).slice(-KEPT_OUTPUT);
      });
    this.child.on("message", (message: Report) => {
      this.#reports.push(message);
      this.#wake();
    });
    const kill = (): void => void this.child.kill("SIGKILL");
    process.once("exit", kill);
    this.child.once("exit", () => {
      process.off("exit", kill);
      this.#wake();
    });
  }

  /** The end of what it wrote, when it is quiet. */
  get output(): string {
    return this.#output.trim();
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** How it ended. */
  get ending(): string {
    return String(this.child.signalCode ?? this.child.exitCode);
  }

  get reports(): readonly Report[] {
    return this.#reports;
  }

  /** The first report, past or future, that `accept` accepts. */
  report(accept: (report: Report) => boolean): Promise<Report> {
    return this.#first(accept, 0);
  }

  /** The first report from now on that `accept` accepts. */
  nextReport(accept: (report: Report) => boolean): Promise<Report> {
    return this.#first(accept, this.#reports.length);
  }

  /** The same as `report`; undefined when it ends without. */
  async reportOrEnd(accept: (report: Report) => boolean): Promise<Report | undefined> {
    for (let looked = 0; ; await this.#change()) {
      for (; looked < this.#reports.length; looked++)
        if (accept(this.#reports[looked]!)) return this.#reports[looked];
      if (this.ended) return undefined;
    }
  }

  // Each report is looked at once: there are many thousands, and proxies wait for their turn of this process's loop.
  async #first(accept: (report: Report) => boolean, from: number): Promise<Report> {
    for (let looked = from; ; await this.#change())
      for (; looked < this.#reports.length; looked++)
        if (accept(this.#reports[looked]!)) return this.#reports[looked]!;
  }

  tell(message: object): void {
    this.child.send(message);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.ended) return;
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await ended;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }
}
