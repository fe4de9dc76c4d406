// A cluster that has nothing but one nats-server: a silo is killed, and the server, under load. Then every call is held against
// what is stored.
import { startFleet } from "../../support/silo-fleet.ts";
import { checkHistory } from "../checkers.ts";
import { isAppended, Load, ownerOf, storedAtLast } from "../load.ts";
import { nowMs } from "../one-clock.ts";
import { type Figure, ms, percentile } from "./figure.ts";

const NAMES = ["one", "two", "three"];

export async function natsAlone(rounds: number): Promise<Figure> {
  await using fleet = await startFleet(NAMES, { natsAlone: true });
  const load = new Load(fleet);
  const running = load.run();
  await load.appendedToEach();
  const waits = { silo: [] as number[], server: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const victim = await ownerOf(fleet, load.ids[round % load.ids.length]!);
    const siloKilledMs = nowMs();
    await victim.end("SIGKILL");
    await load.appendedToEach();
    waits.silo.push(load.longestWaitMs(load.ids, siloKilledMs));
    await fleet.start(victim.name);
    const serverKilledMs = nowMs();
    await fleet.nats.kill();
    await fleet.nats.restart();
    await load.appendedToEach();
    waits.server.push(load.longestWaitMs(load.ids, serverKilledMs));
  }
  load.stop();
  await running;

  const { records } = load;
  const stored = await storedAtLast(fleet, records);
  const { violations } = checkHistory({ records, stored, storedMs: nowMs(), losses: [] });
  const found = [...stored.values()].flat();
  const once = new Set(found);
  const items = records.flatMap(({ op }) => (op.kind === "append" ? [op.item] : []));
  const acknowledged = records.flatMap((record) =>
    record.op.kind === "append" && isAppended(record) ? [record.op.item] : [],
  );
  const missing = acknowledged.filter((item) => !once.has(item)).length;
  const twice = found.length - once.size;
  const unknown = records.filter(({ outcome }) => outcome === "unknown").length;
  const longest = (of: readonly number[]): string =>
    `${ms(percentile(of, 50))} (${ms(Math.min(...of))} to ${ms(Math.max(...of))})`;
  return {
    line:
      `3 silos on one nats-server alone; SIGKILL of a silo and of the server, ${rounds} times each, under load: ` +
      `${items.length} appends sent, ${acknowledged.length} acknowledged, ${found.length} found, ` +
      `${found.length - twice - (acknowledged.length - missing)} of them unacknowledged; ` +
      `${missing} acknowledged and missing, ${twice} there twice, ${unknown} calls unknown, ${violations.length} violations; ` +
      `until every actor had answered again, after a silo ${longest(waits.silo)}, after the server ${longest(waits.server)} (lease 4,000 ms)`,
    holds: missing === 0 && twice === 0 && violations.length === 0,
  };
}
