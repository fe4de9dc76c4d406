// Fixtures: what stores held when a release had filled them, one folder a release under fixtures/.
//   FX1. A fixture is written once, by `pnpm fixtures <release>`, with the code of that release, and never changed.
//   FX2. Each has about.json, which says when it was made: recorded results of keys are kept for a day, so a test's clock has to
//        say that it is still that day.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "@tenure/core/internal";

const FIXTURES = join(import.meta.dirname, "fixtures");

export interface Release {
  readonly name: string;
  readonly dir: string;
  readonly madeAtMs: number;
}

export function releases(): readonly Release[] {
  return readdirSync(FIXTURES)
    .toSorted()
    .map((name) => {
      const dir = join(FIXTURES, name);
      const about = readFileSync(join(dir, "about.json"), "utf8");
      const { madeAtMs } = JSON.parse(about) as { madeAtMs: number };
      return { name, dir, madeAtMs };
    });
}

/** The releases that have this file. */
export function withFile(file: string): readonly (readonly [string, Release])[] {
  return releases()
    .filter(({ dir }) => existsSync(join(dir, file)))
    .map((release) => [release.name, release]);
}

export function newRelease(name: string, why: string): Release {
  if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(name))
    throw new Error(`a release is named like 1.2.3, not ${name}`);
  const dir = join(FIXTURES, name);
  if (existsSync(dir)) throw new Error(`${dir} exists: a fixture is never written again (FX1)`);
  mkdirSync(dir, { recursive: true });
  const madeAtMs = systemClock().wallMs();
  writeFileSync(join(dir, "about.json"), `${JSON.stringify({ madeAtMs, why }, undefined, 2)}\n`);
  return { name, dir, madeAtMs };
}

/** This machine's clock, set to an hour after a fixture was made. */
export function clockAfter({ madeAtMs }: Release): Clock {
  const clock = systemClock();
  const offsetMs = madeAtMs + 3_600_000 - clock.wallMs();
  return { ...clock, wallMs: () => clock.wallMs() + offsetMs };
}
