// Busy processes: one per core, each taking all that it gets.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";

export class CpuLoad implements AsyncDisposable {
  readonly #spinners: readonly ChildProcess[];
  readonly #atExit = (): void => this.#kill();

  constructor(count: number = availableParallelism()) {
    this.#spinners = Array.from({ length: count }, () =>
      spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" }),
    );
    process.once("exit", this.#atExit);
  }

  get count(): number {
    return this.#spinners.length;
  }

  async stop(): Promise<void> {
    process.off("exit", this.#atExit);
    const ended = this.#spinners
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((spinner) => once(spinner, "exit"));
    this.#kill();
    await Promise.all(ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #kill(): void {
    for (const spinner of this.#spinners) spinner.kill("SIGKILL");
  }
}
