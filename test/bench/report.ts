// What is told of rows: a plain table, and the same as JSON.
import type { Goal, Measured, RowResult } from "./measure.ts";
import { isComparable, type Unit } from "./statistics.ts";

export interface Verdict {
  readonly against: string;
  readonly ratio: number;
  readonly goal: number;
  readonly reached: boolean;
  /** False: the raw side was no ceiling in this run, and its ratio means nothing. */
  readonly comparable: boolean;
}

export function verdictsOf(row: RowResult): readonly Verdict[] {
  return row.goals.map((goal) => verdictOf(row, goal));
}

function verdictOf(row: RowResult, { against, ratio: goal }: Goal): Verdict {
  const ours = sideOf(row, row.ours).figure.median;
  const raw = sideOf(row, against).figure.median;
  const usual = row.usual[against];
  const ratio = ours / raw;
  return {
    against,
    ratio,
    goal,
    reached: isMoreBetter(row.unit) ? ratio >= goal : ratio <= goal,
    comparable: usual === undefined || isComparable(raw, usual, row.unit),
  };
}

export function sideOf(row: RowResult, name: string): Measured {
  const found = row.measured.find(({ side }) => side === name);
  if (!found) throw new Error(`${row.id} has no side ${name}`);
  return found;
}

export function isMoreBetter(unit: Unit): boolean {
  return unit === "calls/s";
}

export function tableOf(rows: readonly RowResult[]): string {
  const lines: string[] = [];
  for (const row of rows) {
    lines.push("", `${row.title} (${row.unit})`);
    for (const { side, figure, cpuUs } of row.measured) {
      const cpu = Object.entries(cpuUs)
        .map(([process, us]) => `${process} ${us.toFixed(1)}`)
        .join(", ");
      lines.push(
        `  ${side.padEnd(24)} ${shown(figure.median, row.unit).padStart(11)}   ${`${shown(figure.min, row.unit)} – ${shown(figure.max, row.unit)}`.padEnd(27)} ${cpu && `cpu µs/call: ${cpu}`}`.trimEnd(),
      );
    }
    for (const { against, ratio, goal, reached, comparable } of verdictsOf(row)) {
      const sign = isMoreBetter(row.unit) ? "≥" : "≤";
      const end = comparable ? (reached ? "reached" : "NOT REACHED") : "NOT COMPARABLE";
      lines.push(`  → ${ratio.toFixed(2)} × ${against} (goal ${sign} ${goal}): ${end}`);
    }
    if (row.figureGoal !== undefined) {
      const ours = sideOf(row, row.ours).figure.median;
      const reached = isMoreBetter(row.unit) ? ours >= row.figureGoal : ours <= row.figureGoal;
      const sign = isMoreBetter(row.unit) ? "≥" : "≤";
      lines.push(
        `  → goal ${sign} ${shown(row.figureGoal, row.unit)}: ${reached ? "reached" : "NOT REACHED"}`,
      );
    }
  }
  return lines.join("\n");
}

function shown(value: number, unit: Unit): string {
  if (unit === "ms") return value.toFixed(3);
  return Math.round(value).toLocaleString("en-US");
}
