// Watching other silos: pure decisions about which incarnations have been seen unchanged for long enough (L2).
//   W1. A wait starts when a (incarnation, rev) is first seen, and restarts at every change of rev.
//   W2. A failed poll, a gap between polls or the observer's own pause restarts every wait: after an outage of the store the
//       first silo back must not kill the others before they could renew.
//   W3. A wait is counted from the answer of the first poll that saw the rev to the asking of the last one: whatever a poll
//       says was so at some time between the two. It is counted in monotonic time, which leaves out what the machine slept.
import type { Incarnation, MemberRecord } from "@tenure/core/internal";

/** Something that a poll saw, and since when every poll has seen the same. */
export interface Watch<Seen> {
  readonly seen: Seen;
  readonly sinceMs: number;
}

export type Rev = number | "absent";
export type Watches = ReadonlyMap<Incarnation, Watch<Rev>>;

/** What a poll saw of one incarnation: its rev, or that it has no record although an entry names it (R16). */
export interface Sighting {
  readonly incarnation: Incarnation;
  readonly rev: Rev;
}

/** The watch after a poll that was answered at `nowMs`. `unbroken` is false when it cannot continue what went before (W2). */
export function watchOn<Seen>(
  before: Watch<Seen> | undefined,
  seen: Seen,
  unbroken: boolean,
  nowMs: number,
): Watch<Seen> {
  return unbroken && before?.seen === seen ? before : { seen, sinceMs: nowMs };
}

export function watchesAfterPoll(
  before: Watches,
  seen: readonly Sighting[],
  unbroken: boolean,
  nowMs: number,
): Map<Incarnation, Watch<Rev>> {
  return new Map(
    seen.map(({ incarnation, rev }) => [
      incarnation,
      watchOn(before.get(incarnation), rev, unbroken, nowMs),
    ]),
  );
}

/** Those whose wait was over when the poll was asked (W3). */
export function expired(watches: Watches, watchMs: number, askedMs: number): readonly Sighting[] {
  const out: Sighting[] = [];
  for (const [incarnation, watch] of watches)
    if (askedMs - watch.sinceMs >= watchMs) out.push({ incarnation, rev: watch.seen });
  return out;
}

/** When the next wait ends; Infinity when nothing is watched. */
export function nextExpiryMs(watches: Iterable<Watch<unknown>>, watchMs: number): number {
  let next = Infinity;
  for (const watch of watches) next = Math.min(next, watch.sinceMs + watchMs);
  return next;
}

/** Who is to be watched: the members that are not dead, and those who should have a record and have none. */
export function sightings(
  members: readonly MemberRecord[],
  self: Incarnation | undefined,
  missing: Iterable<Incarnation>,
): readonly Sighting[] {
  const seen: Sighting[] = [];
  const known = new Set<Incarnation>();
  for (const member of members) {
    known.add(member.incarnation);
    if (member.incarnation !== self && member.state !== "dead")
      seen.push({ incarnation: member.incarnation, rev: member.rev });
  }
  for (const incarnation of missing)
    if (!known.has(incarnation)) seen.push({ incarnation, rev: "absent" });
  return seen;
}
