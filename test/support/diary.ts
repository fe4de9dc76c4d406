// The actor of the ownership scenarios: a list of lines, and turns that end when the test says so.
import { Actor, type ActorClass, type ActorRef, defineActor, type Placement } from "tenure";
import { type Deferred, deferred } from "./deferred.ts";

export interface DiaryCalls {
  write(line: string): Promise<number>;
  /** Begins, waits until the test opens the gate of that name, then writes. */
  writeLater(line: string): Promise<number>;
  lines(): readonly string[];
  where(): string;
  generation(): number;
  leave(): void;
}

export interface Diaries {
  readonly Diary: ActorClass<Actor<{ lines: string[] }> & DiaryCalls>;
  /** Resolves when the turn that writes this line has begun. */
  readonly begun: (line: string) => Promise<void>;
  /** Lets the turn that writes this line go on. */
  readonly open: (line: string) => void;
  /** Lines whose turn saw its signal aborted. */
  readonly aborted: readonly string[];
}

export type DiaryRef = ActorRef<Actor<{ lines: string[] }> & DiaryCalls>;

export function diaries(placement: Placement = "local"): Diaries {
  const gates = new Map<string, { begun: Deferred<void>; open: Deferred<void> }>();
  const gate = (line: string): { begun: Deferred<void>; open: Deferred<void> } => {
    let found = gates.get(line);
    if (!found) gates.set(line, (found = { begun: deferred(), open: deferred() }));
    return found;
  };
  const aborted: string[] = [];

  class Diary extends Actor<{ lines: string[] }> implements DiaryCalls {
    static readonly actor = defineActor<Diary>({
      type: "diary",
      placement,
      state: () => ({ lines: [] }),
      methods: { lines: "read", where: "read", generation: "read" },
    });

    async write(line: string): Promise<number> {
      return this.state.lines.push(line);
    }

    async writeLater(line: string): Promise<number> {
      const { begun, open } = gate(line);
      this.ctx.signal.addEventListener("abort", () => aborted.push(line), { once: true });
      begun.resolve();
      await open.promise;
      return this.state.lines.push(line);
    }

    lines(): readonly string[] {
      return this.state.lines;
    }

    where(): string {
      return this.ctx.silo;
    }

    generation(): number {
      return this.ctx.generation;
    }

    leave(): void {
      this.ctx.deactivate();
    }
  }

  return {
    Diary,
    begun: (line) => gate(line).begun.promise,
    open: (line) => gate(line).open.resolve(),
    aborted,
  };
}
