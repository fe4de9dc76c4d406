// The embedded stores against real processes and a real SIGKILL.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, dueBucket, encodeActorKey } from "@tenure/core/internal";
import { embedded } from "@tenure/sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CHILD_ACTORS, childEnvironment, type ChildSays } from "./sqlite-child.ts";

const CHILD = join(import.meta.dirname, "sqlite-child.ts");
const SAVES_BEFORE_KILL = 300;

let dir: string;
let child: ChildProcess;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tenure-process-"));
  child = fork(CHILD, [dir], { execArgv: ["--import", "tsx"] });
});

afterEach(async () => {
  await kill();
  await rm(dir, { recursive: true });
});

async function kill(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

type Joined = Extract<ChildSays, { kind: "joined" }>;

async function joined(): Promise<Joined> {
  const [said] = (await once(child, "message")) as [ChildSays];
  if (said.kind !== "joined") throw new Error(`the child said ${said.kind}`);
  return said;
}

/** What the child was told is saved, by actor, once it has been told so that many times. */
async function acknowledged(count: number): Promise<Map<string, number>> {
  const versions = new Map<string, number>();
  let seen = 0;
  await new Promise<void>((resolve) => {
    child.on("message", (said: ChildSays) => {
      if (said.kind !== "saved") return;
      versions.set(said.id, said.version);
      seen += 1;
      if (seen === count) resolve();
    });
  });
  return versions;
}

test("a second process is refused, and told who has the file and what to do (F1)", async () => {
  await joined();
  const stores = embedded({ dir });
  for (const provider of [stores.directory, stores.storage]) {
    const opening = provider.open(childEnvironment());
    await expect(opening).rejects.toBeInstanceOf(ConfigError);
    await expect(opening).rejects.toThrow(`belongs to process ${child.pid}`);
    await expect(opening).rejects.toThrow("stop it, or name another directory");
  }
  // The refused opener has not taken the lock from the first: it goes on saving.
  await acknowledged(10);
});

test("after SIGKILL the file is free, its silos are dead and its actors can be had (F1, F3)", async () => {
  const { incarnation, token } = await joined();
  await kill();
  const environment = childEnvironment();
  const directory = await embedded({ dir }).directory.open(environment);
  const { answer } = await directory.members();
  expect(answer.members).toMatchObject([{ incarnation, state: "dead" }]);
  expect(answer.sentinel).toEqual({ storeId: "child's", open: true });

  const heir = environment.random.hex128();
  const registered = await directory.register({
    incarnation: heir,
    name: "child",
    types: {},
    roles: [],
    protocol: 1,
    proposedStoreId: "another",
    bootstrap: false,
  });
  expect(registered.answer).toMatchObject({ ok: true });
  const claim = { incarnation: heir, floor: 0, reason: "takeover" } as const;
  const claimed = await directory.claim([
    { ...claim, actor: { type: "Cart", id: "0" }, token: "t1", expected: { token } },
    { ...claim, actor: { type: "Cart", id: "never seen" }, token: "t2", expected: "free" },
  ]);
  expect(claimed.answer).toMatchObject([
    { ok: true, generation: 2 },
    { ok: true, generation: 3 },
  ]);
  await directory.close();
});

test("every acknowledged save survives SIGKILL, whole", async () => {
  const versions = await acknowledged(SAVES_BEFORE_KILL);
  await kill();
  const storage = await embedded({ dir }).storage.open(childEnvironment());
  for (let i = 0; i < CHILD_ACTORS; i++) {
    const actor = { type: "Cart", id: `${i}` };
    const { answer } = await storage.load([{ actor, generation: 2, token: "heir" }]);
    const [loaded] = answer;
    if (!loaded?.ok) throw new Error(`actor ${i}: ${JSON.stringify(loaded)}`);
    const { meta, parts } = loaded.row;
    expect(meta.version).toBeGreaterThanOrEqual(versions.get(actor.id) ?? 0);
    // Whatever was saved last, all of it was saved: etag, due time, index and part.
    expect(meta).toMatchObject({ etag: `${i}-${meta.version}`, due: meta.version });
    expect(Buffer.from(parts.get("state")!).toString()).toBe(`${meta.version}`);
    const due = await storage.dueBefore(dueBucket(encodeActorKey(actor)), meta.version, 100);
    expect(due).toContainEqual({ actor, due: meta.version });
  }
  await storage.close();
});
