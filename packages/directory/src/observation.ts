// Watching other silos: pure decisions about which incarnations have been seen unchanged for long enough (L2).
//   W1. A wait starts when a (incarnation, rev) is first seen, and restarts at every change of rev.
//   W2. A failed poll, a gap between polls or the observer's own pause restarts every wait: after an outage of the store the
//       first silo back must not kill the others before they could renew.
import type { Incarnation, Instant, MemberRecord } from "@tenure/core/internal";

export interface Watch {
  readonly rev: number | "absent";
  readonly since: Instant;
}

export type Watches = ReadonlyMap<Incarnation, Watch>;

/** What a poll saw of one incarnation: its rev, or that it has no record although an entry names it (R16). */
export interface Sighting {
  readonly incarnation: Incarnation;
  readonly rev: number | "absent";
}

/** The watches after a poll. `unbroken` is false when this poll cannot continue what went before (W2). */
export function watchesAfterPoll(
  before: Watches,
  seen: readonly Sighting[],
  unbroken: boolean,
  now: Instant,
): Map<Incarnation, Watch> {
  const after = new Map<Incarnation, Watch>();
  for (const { incarnation, rev } of seen) {
    const watch = unbroken ? before.get(incarnation) : undefined;
    after.set(incarnation, watch && watch.rev === rev ? watch : { rev, since: now });
  }
  return after;
}

/** Those whose wait is over at this poll. */
export function expired(
  watches: Watches,
  watchMs: number,
  elapsedMs: (since: Instant) => number,
): readonly Sighting[] {
  const out: Sighting[] = [];
  for (const [incarnation, watch] of watches)
    if (elapsedMs(watch.since) >= watchMs) out.push({ incarnation, rev: watch.rev });
  return out;
}

/** Milliseconds until the next wait ends; undefined when nothing is watched. */
export function nextExpiryMs(
  watches: Watches,
  watchMs: number,
  elapsedMs: (since: Instant) => number,
): number | undefined {
  let next: number | undefined;
  for (const watch of watches.values()) {
    const left = Math.max(0, watchMs - elapsedMs(watch.since));
    if (next === undefined || left < next) next = left;
  }
  return next;
}

export function sightings(
  members: readonly MemberRecord[],
  self: Incarnation | undefined,
  missing: ReadonlySet<Incarnation>,
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
