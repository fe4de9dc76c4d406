// What a round tells: one line when it went well; seed, schedule, violations and the history around them when not.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Violation } from "./checkers.ts";
import { describeRecord } from "./history.ts";
import type { RoundResult } from "./round.ts";
import { describeSchedule } from "./schedule.ts";

const AROUND_MS = 1_500;
const MOST_LINES = 60;
const MOST_VIOLATIONS = 10;

export function summary(round: RoundResult): string {
  const { seed, ttlMs, schedule, records, undecided, recoveryMs, tookMs, violations } = round;
  const outcomes = ["ok", "not-executed", "unknown", "threw"].map(
    (outcome) => `${records.filter((record) => record.outcome === outcome).length} ${outcome}`,
  );
  const actors = new Set(records.map(({ actor }) => actor)).size;
  return `torture: seed ${seed}, lease ${ttlMs} ms, ${schedule.length} strikes in ${(tookMs / 1_000).toFixed(0)} s: ${records.length} calls (${outcomes.join(", ")}) on ${actors} actors${undecided > 0 ? `, ${undecided} registers undecided` : ""}; recovered in ${recoveryMs.toFixed(0)} ms; ${violations.length} violations`;
}

/** Everything that a person needs to look into it; `again` is the command that draws the same schedule. */
export function failureReport(round: RoundResult, again: string): string {
  const { violations, schedule, originMs } = round;
  const path = join(tmpdir(), `tenure-torture-${round.seed}.log`);
  writeFileSync(path, `${wholeStory(round).join("\n")}\n`);
  return [
    summary(round),
    `again: ${again}`,
    ...describeSchedule(schedule),
    ...violations
      .slice(0, MOST_VIOLATIONS)
      .map((v) => `VIOLATION ${describeViolation(v, originMs)}`),
    ...(violations.length > MOST_VIOLATIONS
      ? [`and ${violations.length - MOST_VIOLATIONS} more`]
      : []),
    "around the first:",
    ...linesAround(round, violations[0]!).slice(0, MOST_LINES),
    `the whole history: ${path}`,
  ].join("\n");
}

function describeViolation({ actor, rule, detail, calledMs }: Violation, originMs: number): string {
  const at = calledMs === undefined ? "" : ` at ${(calledMs - originMs).toFixed(1)}`;
  return `${rule}${actor ? ` of ${actor}` : ""}${at}: ${detail}`;
}

interface Line {
  readonly atMs: number;
  readonly text: string;
}

/** The calls to the violation's actor, and what silos said of it and of themselves, around its time. */
export function linesAround(round: RoundResult, { actor, calledMs }: Violation): readonly string[] {
  const id = actor && `"id":"${actor.slice(actor.indexOf("/") + 1)}"`;
  const lines = [
    ...round.records
      .filter((record) => record.actor === actor)
      .map((record) => lineOf(record.calledMs, describeRecord(record, round.originMs))),
    ...noteLines(round).filter(
      ({ text }) => !text.includes('"actor"') || (id !== undefined && text.includes(id)),
    ),
  ];
  const near = ({ atMs }: Line): boolean =>
    calledMs === undefined || Math.abs(atMs - calledMs) < AROUND_MS;
  return inOrder(lines.filter(near));
}

function wholeStory(round: RoundResult): readonly string[] {
  return [
    ...describeSchedule(round.schedule),
    ...round.violations.map((v) => `VIOLATION ${describeViolation(v, round.originMs)}`),
    ...inOrder([
      ...round.records.map((record) =>
        lineOf(record.calledMs, describeRecord(record, round.originMs)),
      ),
      ...noteLines(round),
    ]),
  ];
}

function noteLines({ notes, originMs }: RoundResult): readonly Line[] {
  return notes.map(({ atMs, text }) =>
    lineOf(atMs, `${(atMs - originMs).toFixed(1).padStart(9)}            ${text}`),
  );
}

function lineOf(atMs: number, text: string): Line {
  return { atMs, text };
}

function inOrder(lines: readonly Line[]): readonly string[] {
  return lines.toSorted((a, b) => a.atMs - b.atMs).map(({ text }) => text);
}
