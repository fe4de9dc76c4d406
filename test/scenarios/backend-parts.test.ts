// What a silo makes of the parts of its backends: it asks once for an actor and its row where directory and storage are one store,
// and never where they are two (D8, ADR 0020); and one part in the place of another is refused.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DirectoryProvider, StorageProvider } from "@tenure/core/internal";
import { type Embedded, embedded } from "@tenure/sqlite";
import { Actor, createSilo, defineActor, type Silo } from "tenure";
import { afterEach, beforeEach, expect, test } from "vitest";

class Counter extends Actor<{ count: number }> {
  static readonly actor = defineActor<Counter>({ type: "counter", state: () => ({ count: 0 }) });
  add(n: number) {
    return (this.state.count += n);
  }
}

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tenure-stores-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

const ASKED: ReadonlySet<string> = new Set(["claim", "claimAndLoad", "load"]);

/** Notes what its sessions are asked of `ASKED`. */
function noting<S extends object, P extends { open(...given: never[]): Promise<S> }>(
  provider: P,
  notes: string[],
): P {
  return {
    ...provider,
    open: async (...given: never[]) =>
      new Proxy(await provider.open(...given), {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          if (ASKED.has(String(name)))
            return (...args: unknown[]): unknown => {
              notes.push(String(name));
              return Reflect.apply(value, target, args);
            };
          return value.bind(target) as unknown;
        },
      }),
  };
}

async function started(
  { transport, directory }: Embedded,
  storage: StorageProvider,
  notes: string[] = [],
): Promise<Silo> {
  const rows: StorageProvider = noting(storage, notes);
  const entries: DirectoryProvider = noting(directory, notes);
  return await createSilo({
    actors: [Counter],
    transport,
    // As the backend gives them: one that names the other, or not.
    directory: entries.rows === storage ? { ...entries, rows } : entries,
    storage: rows,
  });
}

test("with one store an actor is claimed and loaded in one step", async () => {
  const store = embedded({ dir });
  const notes: string[] = [];
  const silo = await started(store, store.storage, notes);
  expect(await silo.client.get(Counter, "a").add(2)).toBe(2);
  await silo.stop();
  expect(notes).toEqual(["claimAndLoad"]);
});

test("with two stores it is claimed in one and loaded from the other, which has its state", async () => {
  const [one, other] = [embedded({ dir: join(dir, "one") }), embedded({ dir: join(dir, "other") })];
  const notes: string[] = [];
  const silo = await started(one, other.storage, notes);
  expect(await silo.client.get(Counter, "a").add(2)).toBe(2);
  await silo.stop();
  expect(notes).toEqual(["claim", "load"]);
  // Where the directory is another, the state is still where it was.
  const again = await started(embedded({ dir: join(dir, "third") }), other.storage);
  expect(await again.client.get(Counter, "a").add(3)).toBe(5);
  await again.stop();
});

test.each([
  ["directory", "storage"],
  ["storage", "directory"],
  ["transport", "storage"],
  ["storage", "transport"],
] as const)(
  "a %s that is the backend's %s is refused at the start, and what was opened is closed",
  async (option, part) => {
    const store = embedded({ dir });
    const given = { actors: [Counter], ...store, [option]: store[part] };
    await expect(createSilo(given)).rejects.toThrow(
      new RegExp(`^${option}: what '\\w+' opens is no ${option}; give it that part of a backend`),
    );
    // The file is free again: its lock is let go with the last session.
    const silo = await createSilo({ actors: [Counter], ...embedded({ dir }) });
    await silo.stop();
  },
);
