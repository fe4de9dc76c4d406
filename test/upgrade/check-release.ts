// All that today's code must find in the stores of any release, whatever the store.
import type { TenureEvent } from "tenure";
import { Archive } from "./archive.ts";
import { checkArchive, checkLaterArchive } from "./check-archive.ts";
import { LaterArchive } from "./later-archive.ts";
import { clockAfter, type Release } from "./releases.ts";
import { type SiloAt, siloAt, type Stores } from "./silo-at.ts";

const WRONG: ReadonlySet<string> = new Set([
  "store.damaged",
  "activation.failed",
  "activation.outdated",
]);

function damageIn({ events }: SiloAt): readonly TenureEvent[] {
  return events.filter(({ type }) => WRONG.has(type));
}

/**
 * Today's code on the stores of a release: first with the class as it was then, and then with a later version of it. Answers what the
 * silos complained of.
 */
export async function complaintsOn(
  stores: Stores,
  release: Release,
): Promise<readonly TenureEvent[]> {
  const damage: TenureEvent[] = [];
  {
    await using same = await siloAt(stores, clockAfter(release), [Archive]);
    await checkArchive(same.silo.client);
    damage.push(...damageIn(same));
  }
  await using later = await siloAt(stores, clockAfter(release), [LaterArchive]);
  await checkLaterArchive(later.silo.client);
  return [...damage, ...damageIn(later)];
}
