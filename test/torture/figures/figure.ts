// A figure: what was measured, in one line, and whether it is what the guarantees ask for.
export interface Figure {
  readonly line: string;
  /** False: a promise is broken. Times on a busy machine are told, and never judged here. */
  readonly holds: boolean;
}

/** By nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? NaN;
}

export function ms(value: number): string {
  return `${Math.round(value).toLocaleString("en")} ms`;
}

/** What every figure is measured at, but for what its own line says. */
export const SETTINGS = "lease 4,000 ms, 3 silo processes, NATS and Redis";
