// The few figures that repetitions are told by.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: percentile(values, 0.5), min: Math.min(...values), max: Math.max(...values) };
}

/** The middle one for 0.5; between two, their mean. */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new Error("no values, no percentile");
  const sorted = Float64Array.from(values).sort();
  const at = part * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return (below + above) / 2;
}

/**
 * A raw figure that is below half of what it is known to be on such a machine is no ceiling: the machine was busy, or the work
 * was done badly by hand. `usual` is the range's lower end; for a latency, its upper end.
 */
export function isComparable(raw: number, usual: number, unit: Unit): boolean {
  return unit === "ms" ? raw <= usual * 2 : raw >= usual / 2;
}

export type Unit = "calls/s" | "ms" | "bytes";
