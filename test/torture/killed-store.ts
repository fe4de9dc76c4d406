// The embedded store, killed again and again in the middle of writes. `pnpm crashes` prints what this finds.
//   KS1. Writes are ordered, and acknowledgements recorded, by this process: it survives what it kills.
//   KS2. At each kill at least `inFlight` writes have been sent and not been acknowledged, and the killed process itself said of
//        its last answer that so many calls were open.
//   KS3. Nothing is sent twice. At the end each notebook is read by a silo of this process, from the file that the last kill left.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSilo } from "tenure";
import { embedded } from "@tenure/sqlite";
import { seededRandom } from "@tenure/core/internal";
import { ForkedProcess } from "../support/forked-process.ts";
import type { KilledSays, WriteOrder } from "./killed-store-process.ts";
import { Notebook } from "./notebook.ts";

export interface KillsOptions {
  readonly kills: number;
  readonly seed: number;
  /** Told after each kill. */
  readonly progress?: (kills: number) => void;
}

export interface KillsFigures {
  readonly kills: number;
  /** The least, over all kills, of writes sent and not acknowledged; and of those that the process said were open in it. */
  readonly leastInFlight: number;
  readonly leastOpen: number;
  readonly sent: number;
  readonly acknowledged: number;
  /** Answered with an error. */
  readonly failed: number;
  readonly found: number;
  readonly foundUnacknowledged: number;
  /** Acknowledged, and not there: must be 0. */
  readonly lost: number;
  /** There more than once, or never sent: must be 0. */
  readonly strange: number;
  readonly errors: readonly string[];
}

const NOTEBOOKS = 100;
/** Of each notebook that many writes are on their way: some join the save of the one before them. */
const EACH = 2;
const MOST_ANSWERS_A_LIFE = 600;
const MOST_DELAY_MS = 4;

export async function killAgainAndAgain(options: KillsOptions): Promise<KillsFigures> {
  const dir = await mkdtemp(join(tmpdir(), "tenure-kills-"));
  try {
    const run = new Kills(dir, options);
    for (let kills = 1; kills <= options.kills; kills++) {
      await run.oneLife();
      options.progress?.(kills);
    }
    return await run.figures();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

class Kills {
  readonly #dir: string;
  readonly #kills: number;
  readonly #random: ReturnType<typeof seededRandom>;
  /** Where each write went: its number is its place. */
  readonly #sent: string[] = [];
  readonly #acknowledged = new Set<number>();
  readonly #errors: string[] = [];
  #leastInFlight = Infinity;
  #leastOpen = Infinity;

  constructor(dir: string, { kills, seed }: KillsOptions) {
    this.#dir = dir;
    this.#kills = kills;
    this.#random = seededRandom(seed);
  }

  async oneLife(): Promise<void> {
    const victim = new ForkedProcess<KilledSays>(
      new URL("killed-store-process.ts", import.meta.url),
      { args: [this.#dir], quiet: true },
    );
    const born = await victim.reportOrEnd(({ kind }) => kind === "serving");
    if (!born) throw new Error(`the process ended before it served: ${victim.output}`);
    const inFlight = new Map<number, string>();
    let open = 0;
    const send = (notebook: string): void => {
      const number = this.#sent.push(notebook) - 1;
      inFlight.set(number, notebook);
      victim.tell({ notebook, number } satisfies WriteOrder);
    };
    const answersLeft = 1 + Math.floor(this.#random.next() * MOST_ANSWERS_A_LIFE);
    const delayMs = this.#random.next() * MOST_DELAY_MS;
    await new Promise<void>((resolve, reject) => {
      let answers = 0;
      let killed = false;
      const kill = (): void => {
        killed = true;
        this.#leastInFlight = Math.min(this.#leastInFlight, inFlight.size);
        this.#leastOpen = Math.min(this.#leastOpen, open);
        victim.signal("SIGKILL");
      };
      victim.child.on("message", (said: KilledSays) => {
        if (said.kind === "serving") return;
        // What it had said before it was killed may come after; it counts.
        const notebook = inFlight.get(said.number)!;
        inFlight.delete(said.number);
        if (said.kind === "failed") this.#errors.push(said.error);
        else {
          this.#acknowledged.add(said.number);
          open = said.open;
        }
        answers += 1;
        if (killed) return;
        send(notebook);
        if (answers === answersLeft) setTimeout(kill, delayMs);
      });
      victim.child.once("close", () => {
        if (killed) resolve();
        else reject(new Error(`the process ended by itself: ${victim.output}`));
      });
      for (let i = 0; i < NOTEBOOKS * EACH; i++) send(`n-${i % NOTEBOOKS}`);
    });
  }

  async figures(): Promise<KillsFigures> {
    const found = new Set<number>();
    let strange = 0;
    const silo = await createSilo({
      actors: [Notebook],
      ...embedded({ dir: this.#dir }),
      onEvent: () => undefined,
    });
    for (let i = 0; i < NOTEBOOKS; i++) {
      const notebook = `n-${i}`;
      for (const number of await silo.client.get(Notebook, notebook).all()) {
        if (found.has(number) || this.#sent[number] !== notebook) strange += 1;
        found.add(number);
      }
    }
    await silo.stop();
    const acknowledged = [...this.#acknowledged];
    return {
      kills: this.#kills,
      leastInFlight: this.#leastInFlight,
      leastOpen: this.#leastOpen,
      sent: this.#sent.length,
      acknowledged: acknowledged.length,
      failed: this.#errors.length,
      found: found.size,
      foundUnacknowledged: [...found].filter((number) => !this.#acknowledged.has(number)).length,
      lost: acknowledged.filter((number) => !found.has(number)).length,
      strange,
      errors: [...new Set(this.#errors)].slice(0, 5),
    };
  }
}
