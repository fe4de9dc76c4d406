// A simulated process: its clocks, its event loop, and the ways in which it stops.
//   N1. Nothing of a crashed process runs again, and nothing of it is heard.
//   N2. A frozen one (SIGSTOP, a blocked loop, a suspended machine) runs nothing; when it thaws, messages that came
//       meanwhile run before the timers that are due, as Node was measured to do.
//   N3. Its clocks run at a rate of their own within ρ of the world's. While the machine is suspended its monotonic clock
//       stands still and its boot time goes on (R5); its wall clock may jump at any time (R4).
import type { Clock, Instant, Random, Timer } from "@tenure/core/internal";
import type { World } from "./world.ts";

type Kind = "timer" | "message";

interface Freeze {
  readonly sinceMs: number;
  readonly suspended: boolean;
}

export interface NodeOptions {
  readonly name: string;
  /** 1 ± drift. @default 1 */
  readonly rate?: number;
}

export class SimNode {
  readonly name: string;
  readonly world: World;
  readonly random: Random;
  readonly clock: Clock;
  readonly #rate: number;
  #crashed = false;
  readonly #freezes = new Set<Freeze>();
  #suspendedMs = 0;
  #suspendedUntilMs = 0;
  #wallOffsetMs = 0;
  #held: { readonly kind: Kind; readonly run: () => void }[] = [];

  constructor(world: World, options: NodeOptions) {
    this.world = world;
    this.name = options.name;
    this.random = world.fork();
    this.#rate = options.rate ?? 1;
    this.clock = this.#makeClock();
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  get frozen(): boolean {
    return this.#freezes.size > 0;
  }

  /** Runs now, when the process thaws, or never. */
  run(kind: Kind, run: () => void): void {
    if (this.#crashed) return;
    if (this.#freezes.size > 0) this.#held.push({ kind, run });
    else run();
  }

  crash(): void {
    this.#crashed = true;
    this.#held = [];
  }

  /** Stops the process for `ms` of the world's time. `suspended`: the whole machine, whose monotonic clock stops too. */
  freeze(ms: number, suspended: boolean): void {
    if (this.#crashed) return;
    const freeze = { sinceMs: this.world.nowMs, suspended };
    this.#freezes.add(freeze);
    this.world.schedule(ms, `thaw ${this.name}`, () => this.#end(freeze));
  }

  /** Ends every freeze now. */
  thaw(): void {
    for (const freeze of this.#freezes) this.#end(freeze);
  }

  #end(freeze: Freeze): void {
    if (!this.#freezes.delete(freeze)) return;
    // Two suspensions at once stop the clock once.
    if (freeze.suspended) {
      const sinceMs = Math.max(freeze.sinceMs, this.#suspendedUntilMs);
      this.#suspendedMs += this.world.nowMs - sinceMs;
      this.#suspendedUntilMs = this.world.nowMs;
    }
    if (this.#freezes.size > 0) return;
    const held = this.#held;
    this.#held = [];
    // N2. Each in a turn of its own.
    for (const kind of ["message", "timer"] as const)
      for (const item of held)
        if (item.kind === kind)
          this.world.schedule(0, `${kind} ${this.name} (late)`, () => this.run(kind, item.run));
  }

  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #makeClock(): Clock {
    const boot = (): number => this.world.nowMs * this.#rate;
    const monotonic = (): number => boot() - this.#suspendedMs * this.#rate;
    return {
      wallMs: () => WALL_START_MS + boot() + this.#wallOffsetMs,
      monotonicMs: monotonic,
      instant: (): Instant => ({ monotonicMs: monotonic(), bootMs: boot() }),
      elapsedMs: (start) => Math.max(monotonic() - start.monotonicMs, boot() - start.bootMs),
      after: (ms, fn): Timer => {
        const due = this.world.schedule(ms / this.#rate, `timer ${this.name}`, () =>
          this.run("timer", () => {
            if (!cancelled) fn();
          }),
        );
        let cancelled = false;
        return {
          cancel: () => {
            cancelled = true;
            due.cancel();
          },
        };
      },
      afterTurn: (fn) => {
        this.world.schedule(0, `turn ${this.name}`, () => this.run("message", fn));
      },
    };
  }
}

const WALL_START_MS = Date.UTC(2026, 0, 1);
