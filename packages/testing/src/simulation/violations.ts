// What a simulation found: broken invariants, with the time at which each showed; and what it saw at least sometimes.

/** The invariants of the protocol (I1 to I14) and the checks of recorded histories. */
export type CheckName =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9"
  | "I10"
  | "I11"
  | "I12"
  | "I13"
  | "history"
  | "replay"
  | "workload";

export interface Violation {
  readonly check: CheckName;
  readonly detail: string;
  readonly atMs: number;
}

const KEPT = 20;

/** Collects what one run finds. */
export class Findings {
  readonly violations: Violation[] = [];
  readonly sometimes: Map<string, number> = new Map();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  readonly violated = (check: CheckName, detail: string): void => {
    if (this.violations.length < KEPT) this.violations.push({ check, detail, atMs: this.#nowMs() });
  };

  /** Counts that something happened that a run without it would prove nothing about. */
  readonly saw = (what: string, times = 1): void => {
    this.sometimes.set(what, (this.sometimes.get(what) ?? 0) + times);
  };
}
