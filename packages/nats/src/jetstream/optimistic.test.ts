import { StoreUnavailableError } from "@tenure/core/internal";
import { seededRandom } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { VirtualClock } from "../../../testing/src/virtual-clock.ts";
import { optimistic, type Phase, type Records, type View } from "./optimistic.ts";
import type { Slot } from "./record-stream.ts";

/** Records in memory, which may change under a step: before the n-th write. */
class FakeRecords implements Records {
  readonly values = new Map<string, { readonly sequence: number; readonly text: string }>();
  /** In order; each read of one round of questions follows the same bar. */
  readonly log: string[] = [];
  highest = 0;
  intrude: (subject: string) => void = () => undefined;
  failing: string | undefined;

  set(subject: string, text: string): void {
    this.values.set(subject, { sequence: ++this.highest, text });
  }

  async read(subject: string): Promise<Slot> {
    this.log.push(`read ${subject}`);
    const found = this.values.get(subject);
    return {
      subject,
      sequence: found?.sequence ?? 0,
      bytes: found && Buffer.from(found.text),
      epoch: 1,
    };
  }

  async put({ subject, sequence }: Slot, bytes: Uint8Array): Promise<boolean> {
    this.intrude(subject);
    if (subject === this.failing) throw this.unavailable("away");
    const is = (this.values.get(subject)?.sequence ?? 0) === sequence;
    this.log.push(`${is ? "put" : "lost"} ${subject}`);
    if (is) this.set(subject, Buffer.from(bytes).toString());
    return is;
  }

  async remove({ subject, sequence }: Slot): Promise<void> {
    this.log.push(`remove ${subject}`);
    if (this.values.get(subject)?.sequence === sequence) this.values.delete(subject);
  }

  async list(filter: string): Promise<readonly string[]> {
    this.log.push(`list ${filter}`);
    return [...this.values.keys()];
  }

  async sequence(): Promise<number> {
    return this.highest;
  }

  unavailable(reason: string): Error {
    return new StoreUnavailableError(reason);
  }
}

interface Words {
  readonly view: View;
  get(subject: string): string | undefined;
  put(subject: string, text: string, phase?: Phase): void;
  flush(): void;
}

function setUp() {
  const records = new FakeRecords();
  const clock = new VirtualClock();
  const words = (view: View): Words => ({
    view,
    get: (subject) => view.read(subject)?.toString(),
    put: (subject, text, phase = "first") => view.write(subject, Buffer.from(text), phase),
    flush: () => undefined,
  });
  const random = seededRandom(1);
  return { records, clock, run: optimistic(records, words, { clock, random, timeoutMs: 100 }) };
}

test("what a step asks for and is not there is read at once, and the run does not count (OT2)", async () => {
  const { records, run } = setUp();
  records.set("a", "b");
  records.set("b", "end");
  const runs: (string | undefined)[] = [];
  const { answer } = await run((words) => {
    const next = words.get("a");
    words.get("z");
    runs.push(next);
    return next === undefined ? "none" : words.get(next);
  });
  expect(answer).toBe("end");
  expect(records.log).toEqual(["read a", "read z", "read b"]);
  expect(runs).toEqual([undefined, "b", "b"]);
});

test("a step that throws for want of a record is run again with it; one that has all throws for good", async () => {
  const { records, run } = setUp();
  records.set("a", "1");
  const need = (words: Words): string => {
    const found = words.get("a");
    if (found === undefined) throw new Error("no a");
    return found;
  };
  expect((await run(need)).answer).toBe("1");
  records.values.clear();
  await expect(run(need)).rejects.toThrow("no a");
});

test("writes go out in their phases, whatever the order in which a step made them; then what is removed (OT3)", async () => {
  const { records, run } = setUp();
  records.set("old", "x");
  await run((words) => {
    words.put("entry", "3", "third");
    words.put("members", "2", "second");
    words.put("index", "1", "first");
    words.view.remove("old");
  });
  expect(records.log.filter((line) => !line.startsWith("read"))).toEqual([
    "put index",
    "put members",
    "put entry",
    "remove old",
  ]);
});

test("where somebody was faster all is read and decided again, and later phases wait for that (OT3)", async () => {
  const { records, clock, run } = setUp();
  records.set("members", "1");
  let others = 1;
  records.intrude = (subject) => {
    if (subject === "members" && others-- > 0) records.set("members", "10");
  };
  const raised = run((words) => {
    const next = String(Number(words.get("members") ?? 0) + 1);
    words.put("members", next, "second");
    words.put("entry", next, "third");
    return next;
  });
  await clock.settle();
  await clock.advance(20);
  expect((await raised).answer).toBe("11");
  expect(records.values.get("entry")?.text).toBe("11");
  expect(records.log.filter((line) => !line.startsWith("read"))).toEqual([
    "lost members",
    "put members",
    "put entry",
  ]);
});

test("others that are always faster are given up in time, undecided (OT5)", async () => {
  const { records, clock, run } = setUp();
  records.intrude = (subject) => records.set(subject, "other");
  const asked = run((words) => words.put("members", "mine"));
  const error = asked.catch((e: unknown) => e);
  await clock.settle();
  await clock.advance(200);
  expect(await error).toBeInstanceOf(StoreUnavailableError);
  expect(String(await error)).toMatch(/others were faster \d+ times in a row/);
});

test("a write without an answer rejects when the others of its phase are settled, and nothing of a later phase leaves", async () => {
  const { records, run } = setUp();
  records.failing = "a";
  const asked = run((words) => {
    words.put("a", "1");
    words.put("b", "1");
    words.put("c", "1", "second");
  });
  await expect(asked).rejects.toThrow("away");
  expect(records.log.filter((line) => !line.startsWith("read"))).toEqual(["put b"]);
});
