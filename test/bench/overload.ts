// `pnpm bench:overload`: what becomes of calls when more come than can be answered. docs/PERFORMANCE.md is its guide.
//   OV1. Calls are offered in an open loop, at a multiple of what a closed loop was answered just before, from a process of
//        their own; another one calls a little all the time, and tells how the silo is before, meanwhile and after.
//   OV2. Asserted: the throughput of answered calls, refusals (all typed, at once), memory of the silo, the NATS server and the caller,
//        and how soon all is as before when the load ends.
//   OV3. Counted exactly: what the actors have run is what callers were answered, and not one call more.
import { perSecond } from "./measure.ts";
import type { Ran } from "./closed-loop.ts";
import type { Work } from "./contestants/offering-client.ts";
import { mustEqual } from "./contestant.ts";
import type { Offered, Window } from "./open-loop.ts";
import { Contestant, residentBytes } from "./processes.ts";
import { spreadOf } from "./statistics.ts";

export interface Bounds {
  /** Of the peak: answered calls, in the least. */
  readonly throughput: number;
  /** How soon half of the refused calls have their refusal. */
  readonly refusalP50Ms: number;
  /** What processes may take more than before. */
  readonly memoryBytes: number;
  readonly recoveryMs: number;
  /** Of the latency before: what counts as recovered. */
  readonly recoveredFactor: number;
}

export const BOUNDS: Bounds = {
  throughput: 0.8,
  refusalP50Ms: 100,
  memoryBytes: 256 * 2 ** 20,
  recoveryMs: 2_000,
  recoveredFactor: 1.5,
};

export interface Memory {
  readonly before: number;
  readonly most: number;
}

export interface Overload {
  readonly work: Work;
  readonly times: number;
  readonly peakPerSecond: number;
  readonly offeredPerSecond: number;
  readonly load: Offered;
  /** While calls were offered: to the caller and to the one that calls a little. */
  readonly answeredPerSecond: number;
  readonly probeBefore: number;
  readonly recoveredAfterMs: number;
  readonly openAfterMs: number;
  readonly memory: Readonly<Record<string, Memory>>;
}

export interface OverloadOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly natsPid: number;
  readonly work: Work;
  readonly times: readonly number[];
  readonly loadMs: number;
  readonly flags: readonly string[];
}

const PROBES_PER_SECOND = 100;
/** Infinity does not cross to another process. */
const FOR_EVER_MS = 1e9;
const QUIET_MS = 3_000;
const PEAK_MS = 2_000;
const AFTER_MS = 4_000;
const SAMPLE_MS = 250;

export async function measureOverload(options: OverloadOptions): Promise<readonly Overload[]> {
  const { env, work, times, flags } = options;
  await using silo = await Contestant.start("silo", env, flags);
  await using caller = await Contestant.start("offering-client", env, flags);
  await using prober = await Contestant.start("offering-client", env);
  let answered = 0;
  const closed = async (forMs: number): Promise<number> => {
    const ran = await caller.ask<Ran>("closed", { work, outstanding: 256, forMs });
    answered += ran.calls;
    return perSecond(ran);
  };
  await closed(PEAK_MS);
  const found: Overload[] = [];
  for (const each of times) {
    const peaks = [await closed(PEAK_MS), await closed(PEAK_MS), await closed(PEAK_MS)];
    const one = await overload(options, { silo, caller, prober }, each, spreadOf(peaks).median);
    answered += one.answered;
    found.push(one.found);
  }
  // Nothing ran that nobody was answered for (OV3), unless it is not known what became of it.
  const unknown = found.reduce((all, { load }) => all + sumOf(load.failures), 0);
  const counted = await prober.ask<number>("counted", { work });
  if (unknown === 0) mustEqual("calls", counted, answered);
  return found;
}

async function overload(
  { natsPid, work, loadMs }: OverloadOptions,
  { silo, caller, prober }: Readonly<Record<"silo" | "caller" | "prober", Contestant>>,
  times: number,
  peakPerSecond: number,
): Promise<{ readonly found: Overload; readonly answered: number }> {
  const watched = { silo: silo.pid, nats: natsPid, caller: caller.pid };
  await prober.ask("probe", { work, perSecond: PROBES_PER_SECOND, forMs: FOR_EVER_MS });
  const beganMs = performance.now();
  await pause(QUIET_MS);
  const memory = new MemoryWatch(watched, silo);
  const loadFromMs = performance.now() - beganMs;
  const offeredPerSecond = peakPerSecond * times;
  const load = await caller.ask<Offered>("offer", {
    work,
    perSecond: offeredPerSecond,
    forMs: loadMs,
  });
  const settledMs = performance.now() - beganMs;
  const loadToMs = settledMs - load.settledAfterMs;
  await pause(AFTER_MS);
  const used = await memory.stop();
  const open = await caller.ask<number>("openCalls");
  const probed = await prober.ask<Offered>("unprobe");
  const probeBefore = medianOf(
    probed.windows.filter((w) => w.fromMs > 500 && w.fromMs < loadFromMs - 250),
  );
  const probes = probed.windows
    .filter(({ fromMs }) => fromMs >= loadFromMs && fromMs < loadToMs)
    .reduce((all, { answered }) => all + answered, 0);
  const recovered = recoveredAt(probed.windows, loadToMs, probeBefore * BOUNDS.recoveredFactor);
  return {
    found: {
      work,
      times,
      peakPerSecond,
      offeredPerSecond,
      load,
      answeredPerSecond: load.answeredPerSecond + (probes * 1_000) / load.elapsedMs,
      probeBefore,
      recoveredAfterMs: recovered - loadToMs,
      openAfterMs: open === 0 ? load.settledAfterMs : Infinity,
      memory: used,
    },
    answered: (load.answered?.count ?? 0) + (probed.answered?.count ?? 0),
  };
}

/** When the load had ended and latency was back, as far as windows can tell: the end of the first that is. */
export function recoveredAt(windows: readonly Window[], fromMs: number, goodMs: number): number {
  const width = (windows[1]?.fromMs ?? 0) - (windows[0]?.fromMs ?? 0);
  const found = windows.find((window) => window.fromMs >= fromMs && window.p50Ms <= goodMs);
  return found ? found.fromMs + width : Infinity;
}

/** What is wrong, one line each; empty when nothing is. */
export function problemsOf(found: Overload, bounds: Bounds = BOUNDS): readonly string[] {
  const { load, peakPerSecond, memory, recoveredAfterMs, openAfterMs, offeredPerSecond } = found;
  const problems: string[] = [];
  const check = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  const offered = (load.offered * 1_000) / load.elapsedMs;
  check(
    offered >= 0.95 * offeredPerSecond,
    `only ${Math.round(offered)} of ${Math.round(offeredPerSecond)} calls/s could be offered`,
  );
  const part = found.answeredPerSecond / peakPerSecond;
  check(
    part >= bounds.throughput,
    `answered ${part.toFixed(2)} of the peak, not ${bounds.throughput}`,
  );
  check(load.refused !== undefined, "nothing was refused: this was no overload");
  check(
    (load.refused?.p50Ms ?? 0) <= bounds.refusalP50Ms,
    `half of the refusals took longer than ${load.refused?.p50Ms.toFixed(0)} ms`,
  );
  check(load.untyped === 0, `${load.untyped} refusals are not typed`);
  for (const [code, count] of Object.entries(load.failures))
    problems.push(`${count} calls failed with ${code}`);
  for (const [name, { before, most }] of Object.entries(memory))
    check(
      most - before <= bounds.memoryBytes,
      `${name} grew from ${megabytes(before)} to ${megabytes(most)} MiB`,
    );
  check(
    recoveredAfterMs <= bounds.recoveryMs,
    `latency was back ${recoveredAfterMs.toFixed(0)} ms after the load`,
  );
  check(
    openAfterMs <= bounds.recoveryMs,
    `calls were open ${openAfterMs.toFixed(0)} ms after the load`,
  );
  return problems;
}

export function overloadLines(found: Overload): string {
  const { work, times, load, peakPerSecond, memory } = found;
  const times_ = (name: string, at: Offered["answered"]): string =>
    at
      ? `  ${name.padEnd(9)} ${String(at.count).padStart(8)}   p50 ${at.p50Ms.toFixed(1)}, p90 ${at.p90Ms.toFixed(1)}, p99 ${at.p99Ms.toFixed(1)}, most ${at.maxMs.toFixed(1)} ms`
      : `  ${name.padEnd(9)}        0`;
  const failures = Object.entries(load.failures).map(([code, count]) => `${code} ${count}`);
  return [
    `${work}, ${times} × the peak of ${Math.round(peakPerSecond)} calls/s`,
    `  offered   ${String(load.offered).padStart(8)}   ${Math.round((load.offered * 1_000) / load.elapsedMs)} calls/s for ${(load.elapsedMs / 1_000).toFixed(1)} s`,
    times_("answered", load.answered),
    times_("refused", load.refused),
    `  failed    ${failures.join(", ") || "none"}; refusals not typed: ${load.untyped}`,
    `  answered while offered: ${Math.round(found.answeredPerSecond)} calls/s, ${(found.answeredPerSecond / peakPerSecond).toFixed(2)} × the peak`,
    `  memory, MiB: ${Object.entries(memory)
      .map(([name, { before, most }]) => `${name} ${megabytes(before)} → ${megabytes(most)}`)
      .join(", ")}`,
    `  after the load: all settled in ${found.openAfterMs.toFixed(0)} ms, latency (${found.probeBefore.toFixed(2)} ms before) back in ${found.recoveredAfterMs.toFixed(0)} ms`,
    ...problemsOf(found).map((problem) => `  BROKEN: ${problem}`),
  ].join("\n");
}

class MemoryWatch {
  readonly #pids: Readonly<Record<string, number>>;
  readonly #silo: Contestant;
  readonly #seen: Record<string, { before: number; most: number }> = {};
  readonly #timer: NodeJS.Timeout;
  #asking: Promise<void>;

  constructor(pids: Readonly<Record<string, number>>, silo: Contestant) {
    this.#pids = pids;
    this.#silo = silo;
    this.#asking = this.#sample();
    this.#timer = setInterval(() => {
      this.#asking = this.#asking.then(() => this.#sample());
    }, SAMPLE_MS);
  }

  async stop(): Promise<Readonly<Record<string, Memory>>> {
    clearInterval(this.#timer);
    await this.#asking;
    return this.#seen;
  }

  async #sample(): Promise<void> {
    for (const [name, pid] of Object.entries(this.#pids)) this.#note(name, residentBytes(pid));
    this.#note("silo's heap", await this.#silo.ask<number>("heap"));
  }

  #note(name: string, bytes: number): void {
    const seen = (this.#seen[name] ??= { before: bytes, most: bytes });
    seen.most = Math.max(seen.most, bytes);
  }
}

function medianOf(windows: readonly Window[]): number {
  return spreadOf(windows.map(({ p50Ms }) => p50Ms)).median;
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
