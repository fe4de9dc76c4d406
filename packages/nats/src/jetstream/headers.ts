// The headers of a publish, in the one form that both client libraries send: neither takes the other's class, and both ask
// no more of a stranger's than to encode itself.
//   HD1. A value never breaks out of its line: a line break in one would be a header of somebody's choosing.
import { assert } from "@tenure/core/internal";
import type { NatsHeaders } from "../client-library.ts";

export class PublishHeaders implements NatsHeaders {
  readonly hasError = false;
  readonly status = "";
  readonly code = 0;
  readonly description = "";
  readonly #lines = new Map<string, string[]>();

  constructor(lines: Readonly<Record<string, string>> = {}) {
    for (const [name, value] of Object.entries(lines)) this.set(name, value);
  }

  /** What the libraries call before they send. */
  encode(): Uint8Array {
    const lines = [...this].flatMap(([name, values]) => values.map((value) => `${name}: ${value}`));
    return Buffer.from(["NATS/1.0", ...lines, "", ""].join("\r\n"), "utf8");
  }

  get(name: string): string {
    return this.#lines.get(name)?.[0] ?? "";
  }

  set(name: string, value: string): void {
    this.#lines.set(name, [inLine(value)]);
  }

  append(name: string, value: string): void {
    this.#lines.set(name, [...this.values(name), inLine(value)]);
  }

  has(name: string): boolean {
    return this.#lines.has(name);
  }

  keys(): string[] {
    return [...this.#lines.keys()];
  }

  values(name: string): string[] {
    return this.#lines.get(name) ?? [];
  }

  delete(name: string): void {
    this.#lines.delete(name);
  }

  last(name: string): string {
    return this.values(name).at(-1) ?? "";
  }

  [Symbol.iterator](): IterableIterator<[string, string[]]> {
    return this.#lines.entries();
  }
}

function inLine(value: string): string {
  assert(!/[\r\n]/.test(value), "HD1: a header is one line", { value });
  return value;
}
