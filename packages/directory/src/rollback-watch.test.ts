import { decideRenew, type MemberRecord } from "@tenure/core/internal";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RollbackWatch } from "./rollback-watch.ts";

const record = (counter: number, rev = 1): MemberRecord => ({
  incarnation: "i",
  name: "n",
  rev,
  counter,
  state: "alive",
  protocol: 1,
  types: {},
  roles: [],
  load: 0,
});

test("renewals and claims that the store keeps are no rollback", () => {
  const watch = new RollbackWatch(record(1));
  expect(watch.renewed(record(2), watch.acknowledged, true)).toBe(false);
  expect(watch.claimed(3, watch.acknowledged)).toBe(false);
  const renewal = decideRenew(record(3), {
    incarnation: "i",
    expectedRev: 1,
    load: 0,
    state: "alive",
  });
  expect(renewal.ok && watch.renewed(renewal.member, watch.acknowledged, true)).toBe(false);
  expect(watch.acknowledged).toBe(4);
});

test("a claim's answer that overtakes a renewal's is no rollback (B1)", () => {
  const watch = new RollbackWatch(record(1));
  const atSend = watch.acknowledged;
  expect(watch.claimed(3, watch.acknowledged)).toBe(false);
  expect(watch.renewed(record(2), atSend, true)).toBe(false);
  expect(watch.acknowledged).toBe(3);
});

test("a lost claim, or a lost renewal, is noticed at the next renewal, once (R14, B4)", () => {
  const watch = new RollbackWatch(record(5));
  expect(watch.claimed(6, watch.acknowledged)).toBe(false);
  expect(watch.renewed(record(6), watch.acknowledged, true)).toBe(true);
  expect(watch.renewed(record(7), watch.acknowledged, true)).toBe(false);
  // Told by a conflict: the record is as an older renewal had left it.
  expect(watch.renewed(record(6), watch.acknowledged, false)).toBe(true);
});

test("a lost claim is noticed although the next one took its place (B2, H41)", () => {
  const watch = new RollbackWatch(record(1));
  expect(watch.claimed(2, watch.acknowledged)).toBe(false);
  // The store lost it; the next claim is the second write again.
  expect(watch.claimed(2, watch.acknowledged)).toBe(true);
  expect(watch.claimed(3, watch.acknowledged)).toBe(false);
});

test("a lost claim is noticed although a claim that was sent before its answer took its place (B2, H41)", () => {
  const watch = new RollbackWatch(record(1));
  const bothSent = watch.acknowledged;
  expect(watch.claimed(2, bothSent)).toBe(false);
  expect(watch.claimed(2, bothSent)).toBe(true);
});

test("a lost claim is noticed although a renewal without an answer took its place (B3)", () => {
  const watch = new RollbackWatch(record(1, 1));
  expect(watch.claimed(2, watch.acknowledged)).toBe(false);
  const renewalSent = watch.acknowledged;
  // The claim is lost, the renewal is applied as the second write, and its answer never comes. The next finds its record.
  expect(watch.renewed(record(2, 2), renewalSent, false)).toBe(true);
});

test("a renewal without an answer is no rollback when its record is where it must be (B3)", () => {
  const watch = new RollbackWatch(record(1, 1));
  const renewalSent = watch.acknowledged;
  expect(watch.renewed(record(2, 2), renewalSent, false)).toBe(false);
  expect(watch.renewed(record(3, 3), watch.acknowledged, true)).toBe(false);
});

test("a lost claim is noticed although a renewal without an answer took its place, and the next claim the next one (B3, H42)", () => {
  const watch = new RollbackWatch(record(1, 1));
  expect(watch.claimed(2, watch.acknowledged)).toBe(false);
  const renewalSent = watch.acknowledged;
  // The claim is lost, the renewal is the second write, and the next claim the third.
  expect(watch.claimed(3, watch.acknowledged)).toBe(false);
  expect(watch.renewed(record(3, 2), renewalSent, false)).toBe(true);
});

test("the same is noticed when that claim's answer comes last (B3, H42)", () => {
  const watch = new RollbackWatch(record(1, 1));
  expect(watch.claimed(2, watch.acknowledged)).toBe(false);
  const bothSent = watch.acknowledged;
  expect(watch.renewed(record(3, 2), bothSent, false)).toBe(false);
  expect(watch.claimed(3, bothSent)).toBe(true);
});

test("claims around a renewal without an answer are no rollback while they leave it a place (B3)", () => {
  const watch = new RollbackWatch(record(1, 1));
  const allSent = watch.acknowledged;
  expect(watch.claimed(2, allSent)).toBe(false);
  expect(watch.renewed(record(4, 2), allSent, false)).toBe(false);
  expect(watch.claimed(4, allSent)).toBe(false);
  expect(watch.claimed(5, watch.acknowledged)).toBe(false);
});

test("a lost claim is noticed although a renewal that was shown by its record is lost with it (B3, H42)", () => {
  const watch = new RollbackWatch(record(1, 1));
  expect(watch.claimed(2, watch.acknowledged)).toBe(false);
  expect(watch.renewed(record(3, 2), watch.acknowledged, false)).toBe(false);
  // Both are lost; a renewal that was late on its way takes the claim's place, and the next one the other.
  expect(watch.renewed(record(3, 3), watch.acknowledged, true)).toBe(true);
});

test("a record whose rev went back has lost a renewal, whatever its counter says (R14)", () => {
  const watch = new RollbackWatch({ ...record(5), rev: 9 });
  expect(watch.renewed({ ...record(7), rev: 8 }, watch.acknowledged, false)).toBe(true);
  expect(watch.renewed({ ...record(8), rev: 9 }, watch.acknowledged, true)).toBe(false);
});

// Claims under way in any number, acknowledged in any order; renewals one after the other, some without an answer, of which
// some are applied late; at most one loss of the newest writes.
test("in any course of claims and renewals a loss of acknowledged claims is noticed once all are decided, and where nothing acknowledged was lost, nothing is (B1, B2, B3)", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant("claim") },
    { weight: 4, arbitrary: fc.nat(9).map((which) => ({ apply: which })) },
    { weight: 4, arbitrary: fc.nat(9).map((which) => ({ answer: which })) },
    { weight: 2, arbitrary: fc.constant("renew") },
    { weight: 3, arbitrary: fc.constant("renew unheard") },
    { weight: 2, arbitrary: fc.nat(9).map((which) => ({ arrive: which })) },
    { weight: 1, arbitrary: fc.nat(4).map((count) => ({ lose: count })) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const run = new WatchedSilo();
      for (const now of steps)
        if (now === "claim") run.send();
        else if (now === "renew") run.renew();
        else if (now === "renew unheard") run.renewUnheard();
        else if (typeof now === "string") continue;
        else if ("apply" in now) run.apply(now.apply);
        else if ("answer" in now) run.answer(now.answer);
        else if ("arrive" in now) run.arrive(now.arrive);
        else run.lose(now.lose);
      run.settle();
      const { noticed, lost } = run;
      // A lost renewal alone may be noticed or not: nobody serves by it.
      expect(lost.claims && !noticed).toBe(false);
      expect(noticed && !lost.claims && !lost.renewals).toBe(false);
    }),
    { numRuns: 5_000 },
  );
});

interface Write {
  readonly kind: "claim" | "renewal";
  readonly place: number;
  readonly atSend: number;
  acknowledged: boolean;
}

/** A silo, what it has under way, and its record in a directory that may lose the newest writes once. */
class WatchedSilo {
  readonly lost = { claims: false, renewals: false };
  noticed = false;
  readonly #watch = new RollbackWatch(record(1, 1));
  #store = { counter: 1, rev: 1 };
  #hasLost = false;
  /** What the record holds, in its order. */
  #applied: Write[] = [];
  /** Claims that were sent, by what was acknowledged then; and those whose answers are under way. */
  readonly #sent: number[] = [];
  readonly #answers: Write[] = [];
  /** The revs that renewals under way name; nobody waits for their answers. */
  readonly #late: number[] = [];
  /** The rev that the silo knows of, and what was acknowledged at the first renewal since the last answer to one. */
  #rev = 1;
  #unanswered: number | undefined;

  send(): void {
    this.#sent.push(this.#watch.acknowledged);
  }

  apply(which: number): void {
    const [atSend] = this.#sent.splice(which % Math.max(1, this.#sent.length), 1);
    if (atSend !== undefined) this.#answers.push(this.#write("claim", atSend));
  }

  answer(which: number): void {
    const [claim] = this.#answers.splice(which % Math.max(1, this.#answers.length), 1);
    if (!claim) return;
    this.#acknowledge(claim);
    this.#notice(this.#watch.claimed(claim.place, claim.atSend));
  }

  /** True when it was this one that was applied. */
  renew(): boolean {
    const atSend = this.#watch.acknowledged;
    const first = this.#unanswered ?? atSend;
    this.#unanswered = undefined;
    const applied = this.#rev === this.#store.rev;
    if (applied) this.#renewal(atSend);
    // The answer shows the record, and with it each renewal before.
    for (const each of this.#applied) if (each.kind === "renewal") this.#acknowledge(each);
    const { counter, rev } = this.#store;
    this.#rev = rev;
    this.#notice(this.#watch.renewed(record(counter, rev), applied ? atSend : first, applied));
    return applied;
  }

  renewUnheard(): void {
    this.#unanswered ??= this.#watch.acknowledged;
    this.#late.push(this.#rev);
  }

  arrive(which: number): void {
    const [rev] = this.#late.splice(which % Math.max(1, this.#late.length), 1);
    if (rev === this.#store.rev) this.#renewal(0);
  }

  lose(count: number): void {
    if (this.#hasLost || count === 0) return;
    this.#hasLost = true;
    const kept = Math.max(0, this.#applied.length - count);
    for (const write of this.#applied.splice(kept)) {
      this.#store.counter -= 1;
      if (write.kind === "renewal") this.#store.rev -= 1;
      if (write.acknowledged) this.#acknowledge(write);
    }
  }

  /** Everything is decided, and the silo goes on renewing. */
  settle(): void {
    while (this.#sent.length > 0) this.apply(0);
    while (this.#late.length > 0) this.arrive(0);
    while (this.#answers.length > 0) this.answer(0);
    if (!this.renew()) this.renew();
  }

  #write(kind: Write["kind"], atSend: number): Write {
    const write = { kind, place: ++this.#store.counter, atSend, acknowledged: false };
    this.#applied.push(write);
    return write;
  }

  #renewal(atSend: number): void {
    this.#store.rev += 1;
    this.#write("renewal", atSend);
  }

  /** Acknowledged, and lost before or after. */
  #acknowledge(write: Write): void {
    write.acknowledged = true;
    if (this.#applied.includes(write)) return;
    if (write.kind === "claim") this.lost.claims = true;
    else this.lost.renewals = true;
  }

  #notice(rollback: boolean): void {
    this.noticed ||= rollback;
  }
}
