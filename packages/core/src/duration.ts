// Durations in the public API: milliseconds as a number, or '200ms' '10s' '5m' '1h' '1d'.
import { ConfigError } from "./errors.ts";

/** Milliseconds as a number, or a number with a unit: `'200ms'`, `'10s'`, `'5m'`, `'1h'`, `'1d'`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The duration in milliseconds; a ConfigError that names `option` when it is not one, or is not positive and finite. */
export function durationMs(option: string, value: unknown): number {
  const ms = parse(value);
  if (ms === undefined || !Number.isFinite(ms) || ms <= 0)
    throw new ConfigError(
      option,
      `must be a positive duration, milliseconds or like '200ms' '10s' '5m' '1h' '1d', not ${describe(value)}`,
      { value: describe(value) },
    );
  return ms;
}

function parse(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value);
  return match ? Number(match[1]) * UNITS[match[2]!]! : undefined;
}

/** A value as an error message shows it: short, and never throwing. */
export function describe(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return value.toString();
  // A class may have a static member called name.
  if (typeof value === "function")
    return `function ${(typeof value.name === "string" && value.name) || "(anonymous)"}`;
  if (value === null || typeof value !== "object") return String(value);
  return Array.isArray(value) ? `an array of ${value.length}` : "an object";
}
