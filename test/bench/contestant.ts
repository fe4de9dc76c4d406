// A process that is measured, seen from inside: it does what its parent asks, one thing at a time, and ends with it.
import type { Ran } from "./closed-loop.ts";

export type Operations = Readonly<Record<string, (given: never) => unknown>>;

interface Asked {
  readonly id: number;
  readonly operation: string;
  readonly given: never;
}

export function serve(operations: Operations): void {
  process.on("message", ({ id, operation, given }: Asked) => {
    void answer(id, async () => {
      const run = operations[operation];
      if (!run) throw new Error(`no operation ${operation}`);
      return await run(given);
    });
  });
  process.once("disconnect", () => process.exit(0));
  process.send?.({ ready: true });
}

async function answer(id: number, run: () => Promise<unknown>): Promise<void> {
  try {
    process.send?.({ id, value: await run() });
  } catch (error) {
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.send?.({ id, error: told });
  }
}

/** Whoever is measured ends by this: what was counted there is what was called here. */
export function mustEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: ${found} counted, ${expected} expected`);
}

export type { Ran };

export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
