// A moment that comes once, and that few wait for: without them it costs no promise.
export class Moment<T> {
  #value: { readonly reached: T } | undefined;
  #promise: Promise<T> | undefined;
  #resolve: ((value: T) => void) | undefined;

  /** Only the first time counts. */
  reach(value: T): void {
    if (this.#value) return;
    this.#value = { reached: value };
    this.#resolve?.(value);
  }

  /** Resolves when the moment has come, with what came of it. */
  reached(): Promise<T> {
    return (this.#promise ??= this.#value
      ? Promise.resolve(this.#value.reached)
      : new Promise((resolve) => {
          this.#resolve = resolve;
        }));
  }
}
