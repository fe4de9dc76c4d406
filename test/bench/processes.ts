// The processes of a measurement: contestants that this process starts, and what processor time each of them takes.
//   PR1. Each is asked one thing at a time; one that ends instead of answering is an error, with how it ended.
//   PR2. None outlives this process.
//   PR3. Processor time is the kernel's count of a whole process: its garbage collector's threads are in it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { bundled, type ContestantName } from "./bundle.ts";

interface Answer {
  readonly id?: number;
  readonly ready?: true;
  readonly value?: unknown;
  readonly error?: string;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Contestant implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  readonly #kill = (): void => void this.#child.kill("SIGKILL");

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    process.once("exit", this.#kill); // PR2
    child.on("message", ({ id = 0, value, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(`${name}: ${error}`));
    });
    child.once("exit", (code, signal) => {
      process.off("exit", this.#kill);
      for (const waiting of this.#waiting.values())
        waiting.reject(new Error(`${name} ended with ${signal ?? code}`)); // PR1
      this.#waiting.clear();
    });
  }

  /** Resolves when it is ready to be asked. `flags` are Node's. */
  static async start(
    script: ContestantName,
    settings: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): Promise<Contestant> {
    const child = fork(bundled(script), [], {
      env: { ...process.env, ...settings },
      execArgv: [...flags],
    });
    const contestant = new Contestant(script, child);
    await new Promise<unknown>((resolve, reject) => {
      contestant.#waiting.set(0, { resolve, reject });
    });
    return contestant;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} has not started`);
    return pid;
  }

  ask<T>(operation: string, given: object = {}): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      const id = ++this.#asked;
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, operation, given });
    }) as Promise<T>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    // It ends when nobody asks it any more, and writes its profile if it was told to.
    if (this.#child.connected) this.#child.disconnect();
    else this.#child.kill("SIGKILL");
    await ended;
  }
}

const TICKS_PER_SECOND = 100;

/** Milliseconds of processor time that a process has taken so far (PR3). */
export function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name may have anything in it, spaces and brackets too; it ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

/** Bytes of memory that a process has resident. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) * 1_024;
}
