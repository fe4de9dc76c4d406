// One who sees all turns and calls at once, which nobody in a cluster does, and says of each deadlock whether it was one.
//   A call is stuck when its turn is; before its turn runs, when a turn runs at its actor that has to end first. A turn is
//   stuck when it has calls open and all of them are stuck. (The same words as wait-graph.ts; but over what the actors
//   themselves tell, not over what silos say of their mailboxes.)
//   The moment that two looks prove lies between them. While the second goes from silo to silo, and then the order to refuse a
//   call, somebody of the ring may give up. So what was so just before each time that somebody gave up counts, too, as long as
//   those messages may take.
import type { Script } from "./graph.ts";

interface Turn {
  readonly call: Script;
  readonly open: Set<Script>;
}

/**
 * Longer than all of them take. (With one message's time, 400 ms, a ring of four was called none whose second look had taken twice
 * as long: seed 2889287097.)
 */
const MESSAGES_MS = 2_000;

export class Onlooker {
  readonly #turns = new Map<string, Turn>();
  /** Calls that are made and not answered, by their actors. */
  readonly #made = new Map<string, Set<Script>>();
  /** What was so when a ring was broken, by its words. */
  readonly #broken = new Map<string, readonly Moment[]>();
  readonly #nowMs: () => number;
  #givenUp: { readonly atMs: number; readonly before: Moment }[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begins(call: Script): void {
    this.#turns.set(call.name, { call, open: new Set() });
  }

  ends(call: Script): void {
    this.#turns.delete(call.name);
  }

  makes(by: Script | undefined, call: Script): void {
    if (by) this.#turns.get(by.name)!.open.add(call);
    const made = this.#made.get(call.actor) ?? new Set();
    this.#made.set(call.actor, made.add(call));
  }

  /** Its caller does not wait for it any more. One that was given up may still wait at its actor. */
  answered(by: Script | undefined, call: Script, givenUp: boolean): void {
    if (givenUp) this.#givenUp.push({ atMs: this.#nowMs(), before: this.#moment() });
    if (by) this.#turns.get(by.name)?.open.delete(call);
    if (!givenUp) this.#made.get(call.actor)!.delete(call);
  }

  /** A ring is about to be broken. */
  breaks(ring: string): void {
    this.#givenUp = this.#givenUp.filter(({ atMs }) => atMs > this.#nowMs() - MESSAGES_MS);
    this.#broken.set(ring, [this.#moment(), ...this.#givenUp.map(({ before }) => before)]);
  }

  /** Whether the call that was refused for this ring waited for itself, in the moment when it was. */
  wasDeadlock(ring: string, victim: Script): boolean {
    return this.#broken.get(ring)?.some((moment) => moment.isDeadlock(victim)) ?? false;
  }

  #moment(): Moment {
    const turns = [...this.#turns.values()].map(({ call, open }) => ({
      call,
      open: new Set(open),
    }));
    const made = [...this.#made].map(([actor, calls]) => [actor, new Set(calls)] as const);
    return new Moment(new Map(turns.map((turn) => [turn.call.name, turn])), new Map(made));
  }
}

class Moment {
  readonly #turns: ReadonlyMap<string, Turn>;
  readonly #made: ReadonlyMap<string, ReadonlySet<Script>>;
  readonly #stuck: Set<Turn>;

  constructor(turns: ReadonlyMap<string, Turn>, made: ReadonlyMap<string, ReadonlySet<Script>>) {
    this.#turns = turns;
    this.#made = made;
    this.#stuck = new Set([...turns.values()].filter(({ open }) => open.size > 0));
    for (let before = -1; before !== this.#stuck.size;) {
      before = this.#stuck.size;
      for (const turn of this.#stuck)
        if ([...turn.open].some((call) => this.#waitsFor(call).length === 0))
          this.#stuck.delete(turn);
    }
  }

  isDeadlock(victim: Script): boolean {
    const reached = new Set<Turn>();
    const next = [victim];
    for (let call = next.pop(); call; call = next.pop())
      for (const turn of this.#waitsFor(call))
        if (!reached.has(turn)) {
          reached.add(turn);
          next.push(...turn.open);
        }
    return [...reached].some(({ open }) => open.has(victim));
  }

  /** The stuck turns that this call is, or waits for. */
  #waitsFor(call: Script): readonly Turn[] {
    const own = this.#turns.get(call.name);
    if (own) return this.#stuck.has(own) ? [own] : [];
    return [...this.#stuck].filter(
      (turn) => turn.call.actor === call.actor && this.#mustEndBefore(turn, call),
    );
  }

  /** Where reads run beside a read, one more waits only if a write may be ahead of it. */
  #mustEndBefore(turn: Turn, call: Script): boolean {
    if (turn.call.mode === "write" || call.mode === "write") return true;
    return [...(this.#made.get(call.actor) ?? [])].some(
      (other) => other.mode === "write" && !this.#turns.has(other.name),
    );
  }
}
