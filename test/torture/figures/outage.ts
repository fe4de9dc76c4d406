// What is left of a cluster's activations when every server was away.
import { CallError } from "tenure";
import { Ledger } from "../../support/ledger.ts";
import { type SiloFleet, startFleet } from "../../support/silo-fleet.ts";
import { lasting, nowMs } from "../one-clock.ts";
import { type Figure, ms, SETTINGS } from "./figure.ts";

const ACTORS = 100;

export async function allServersAway(seconds: number): Promise<Figure> {
  await using fleet = await startFleet(["one", "two", "three"]);
  const ids = Array.from({ length: ACTORS }, (_, i) => `ledger ${i}`);
  for (const id of ids) await fleet.client.get(Ledger, id).append("before");
  const before = await whereabouts(fleet, ids);
  await Promise.all([fleet.nats.kill(), fleet.redis.kill()]);
  await lasting(seconds * 1_000);
  await Promise.all([fleet.nats.restart(), fleet.redis.restart()]);
  const backMs = nowMs();
  await Promise.all(ids.map((id) => untilAppended(fleet, id)));
  const servedMs = nowMs() - backMs;
  const after = await whereabouts(fleet, ids);
  const lost = before.filter((was, i) => was !== after[i]).length;
  const items = await Promise.all(
    ids.map(async (id) => (await fleet.client.get(Ledger, id).read()).items),
  );
  const wrong = items.filter((each) => each[0] !== "before" || each.at(-1) !== "after").length;
  return {
    line: `all servers away for ${seconds} s: activations lost ${lost} of ${ids.length}; every actor had taken a write ${ms(servedMs)} after the servers were back; ${wrong} with wrong items (${SETTINGS})`,
    holds: lost === 0 && wrong === 0,
  };
}

/** Silo and generation: a new activation has a new one. */
async function whereabouts(fleet: SiloFleet, ids: readonly string[]): Promise<readonly string[]> {
  return await Promise.all(
    ids.map(async (id) => {
      const { silo, generation } = await fleet.client.get(Ledger, id).whereabouts();
      return `${silo} ${generation}`;
    }),
  );
}

async function untilAppended(fleet: SiloFleet, id: string): Promise<void> {
  for (;;) {
    try {
      await fleet.client
        .get(Ledger, id)
        .$with({ idempotencyKey: `after ${id}` })
        .append("after");
      return;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
    }
  }
}
