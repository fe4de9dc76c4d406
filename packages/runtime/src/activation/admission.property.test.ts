// The order in which one activation starts its calls, whatever comes and ends when: against a reference that states it another way.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MethodMode } from "@tenure/core";
import { mayStart, type RunningModes } from "./admission.ts";

type Act = { readonly come: MethodMode } | { readonly end: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ come: fc.constantFrom<MethodMode>("write", "read", "interleave") }),
  fc.record({ end: fc.nat(9) }),
);

/** Starts what may start, in order; interleaving calls pass the others. As serving.ts does, by `mayStart` alone. */
class Served {
  readonly running: { readonly call: number; readonly mode: MethodMode }[] = [];
  readonly waiting: { readonly call: number; readonly mode: MethodMode }[] = [];
  readonly started: number[] = [];

  come(call: number, mode: MethodMode): void {
    if (mode === "interleave") this.#start({ call, mode });
    else this.waiting.push({ call, mode });
    this.#pump();
  }

  end(at: number): void {
    this.running.splice(at, 1);
    this.#pump();
  }

  #pump(): void {
    while (this.waiting[0] && mayStart(this.waiting[0].mode, this.#counts()))
      this.#start(this.waiting.shift()!);
  }

  #start(one: { readonly call: number; readonly mode: MethodMode }): void {
    this.running.push(one);
    this.started.push(one.call);
  }

  #counts(): RunningModes {
    const count = (mode: MethodMode): number =>
      this.running.filter((each) => each.mode === mode).length;
    return { write: count("write"), read: count("read"), interleave: count("interleave") };
  }
}

/** The contract in words: what may never be, and what must not wait. */
function problemsOf({ running, waiting, started }: Served, modes: readonly MethodMode[]): string[] {
  const problems: string[] = [];
  const writes = running.filter(({ mode }) => mode === "write").length;
  const reads = running.filter(({ mode }) => mode === "read").length;
  if (writes > 1) problems.push("two writes run");
  if (writes > 0 && reads > 0) problems.push("a read runs beside a write");
  const ordered = started.filter((call) => modes[call] !== "interleave");
  if (ordered.some((call, i) => i > 0 && call < ordered[i - 1]!))
    problems.push("one was overtaken");
  const [next] = waiting;
  if (next && writes + reads === 0) problems.push("it waits for nothing");
  if (next?.mode === "read" && writes === 0) problems.push("a read waits beside reads");
  if (waiting.some(({ mode }) => mode === "interleave")) problems.push("an interleave waits");
  return problems;
}

test("whatever comes and ends when, no write has company, no order is broken, and nobody waits for nothing", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const served = new Served();
      const modes: MethodMode[] = [];
      for (const one of acts) {
        if ("come" in one) {
          modes.push(one.come);
          served.come(modes.length - 1, one.come);
        } else if (served.running.length > 0) served.end(one.end % served.running.length);
        expect(problemsOf(served, modes)).toEqual([]);
      }
      while (served.running.length > 0) served.end(0);
      expect(served.started.toSorted((a, b) => a - b)).toEqual(modes.map((_mode, call) => call));
    }),
  );
});
