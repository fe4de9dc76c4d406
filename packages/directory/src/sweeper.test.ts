import type { EventBody, Incarnation } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { memoryTables } from "../../../test/support/memory-tables.ts";
import {
  type Fate,
  REJECTED,
  scriptedDirectory,
} from "../../../test/support/scripted-directory.ts";
import { StepClock } from "../../../test/support/step-clock.ts";
import { leaseTiming } from "./lease.ts";
import { Sweeper } from "./sweeper.ts";

const TTL = 4_000;
const [A, B, C] = ["a", "b", "c"].map((letter) => letter.repeat(32)) as [string, string, string];

async function cluster(self: Incarnation) {
  const clock = new StepClock();
  const { directory, tables } = memoryTables();
  const events: EventBody[] = [];
  const asked: unknown[] = [];
  const script = { fate: (): Fate | undefined => undefined };
  const stop = new AbortController();
  const sweeper = new Sweeper({
    self,
    clock,
    timing: leaseTiming(TTL),
    directory: scriptedDirectory(
      directory,
      { truth: clock, silo: clock },
      (_operation, request) => {
        asked.push(request);
        return script.fate();
      },
    ),
    emit: (event) => events.push(event),
    members: () => [...tables.members()].map(([, member]) => member),
  });
  const join = async (incarnation: Incarnation): Promise<void> => {
    await directory.register({
      incarnation,
      name: incarnation.slice(0, 4),
      types: {},
      roles: [],
      protocol: 1,
      proposedStoreId: "store",
      bootstrap: true,
    });
  };
  const kill = async (incarnation: Incarnation): Promise<void> => {
    await directory.markDead({ incarnation, expectedRev: 1 });
  };
  void sweeper.run(stop.signal).catch(() => undefined);
  const listed = (): string[] => [...tables.members()].map(([incarnation]) => incarnation[0]!);
  return { clock, tables, events, asked, script, stop, join, kill, listed };
}

test("a member is swept when it has been dead for four leases, and not before (S1)", async () => {
  const { clock, tables, events, join, kill, listed } = await cluster(A);
  for (const silo of [A, B]) await join(silo);
  await kill(B);
  await clock.advance(5 * TTL - 1);
  expect(listed()).toEqual(["a", "b"]);
  await clock.advance(1);
  expect(listed()).toEqual(["a"]);
  expect(tables.member(B)?.state).toBe("dead");
  expect(events).toEqual([{ type: "member.swept", incarnation: B, name: "bbbb" }]);
});

test("those that live are never swept, and one that does not answer is asked again (S1, S3)", async () => {
  const { clock, script, join, kill, listed } = await cluster(A);
  for (const silo of [A, B, C]) await join(silo);
  await kill(C);
  script.fate = () => REJECTED;
  await clock.advance(10 * TTL);
  expect(listed()).toEqual(["a", "b", "c"]);
  script.fate = () => undefined;
  await clock.advance(TTL);
  expect(listed()).toEqual(["a", "b"]);
});

test("of several silos that live the first sweeps (S2)", async () => {
  const { clock, asked, join, kill, listed } = await cluster(B);
  for (const silo of [A, B, C]) await join(silo);
  await kill(C);
  await clock.advance(10 * TTL);
  expect(asked).toEqual([]);
  await kill(A);
  await clock.advance(5 * TTL);
  expect(listed()).toEqual(["b"]);
});

test("sixteen are swept in a lease, and nothing once it has been told to stop (S3)", async () => {
  const { clock, stop, join, kill, listed } = await cluster("0".repeat(32));
  const silos = Array.from({ length: 40 }, (_unused, i) => String(i + 10).padEnd(32, "f"));
  for (const silo of silos) {
    await join(silo);
    await kill(silo);
  }
  await clock.advance(5 * TTL);
  expect(listed()).toHaveLength(24);
  await clock.advance(TTL);
  expect(listed()).toHaveLength(8);
  stop.abort();
  await clock.advance(10 * TTL);
  expect(listed()).toHaveLength(8);
});
