// What a caller gets: a promise, made when somebody holds out a hand for it. Most calls inside one silo have their answer by
// then, and a promise that is settled from the start costs a third of one that waits.

export class Answer {
  #settled: "waiting" | "resolved" | "rejected" = "waiting";
  #value: unknown;
  #resolve: ((value: unknown) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  resolve(value: unknown): void {
    this.#settled = "resolved";
    if (this.#resolve) this.#resolve(value);
    else this.#value = value;
  }

  reject(error: unknown): void {
    this.#settled = "rejected";
    if (this.#reject) this.#reject(error);
    else this.#value = error;
  }

  /** Asked for once. */
  promise(): Promise<unknown> {
    if (this.#settled === "resolved") return Promise.resolve(this.#value);
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#settled === "rejected") reject(this.#value);
    });
  }
}
