// Whether silos are taken for dead, or lose their lease, because their machine is busy.
import type { EventType } from "@tenure/core/internal";
import { startFleet } from "../../support/silo-fleet.ts";
import { CpuLoad } from "../cpu-load.ts";
import { Load, violationsOf } from "../load.ts";
import { lasting } from "../one-clock.ts";
import { type Figure, ms, percentile, SETTINGS } from "./figure.ts";

export async function evictionsUnderCpuLoad(minutes: number): Promise<Figure> {
  await using fleet = await startFleet(["one", "two", "three"]);
  const load = new Load(fleet, { thinkMs: 200, itemsPerLedger: 300 });
  const running = load.run();
  await load.appendedToEach();
  const cpu = new CpuLoad();
  try {
    await lasting(minutes * 60_000);
  } finally {
    await cpu.stop();
  }
  load.stop();
  await running;
  const count = (type: EventType): number =>
    [...fleet.silos.values()].flatMap(({ reports }) =>
      reports.filter(({ event }) => event?.type === type),
    ).length;
  const evictions = count("member.dead") + count("silo.lost");
  const pauses = count("silo.paused");
  const latencies = load.records.map(({ calledMs, returnedMs }) => returnedMs - calledMs);
  const failed = load.records.filter(({ outcome }) => outcome !== "ok").length;
  const violations = await violationsOf(fleet, [load]);
  return {
    line: `full CPU load for ${minutes} min: false evictions ${evictions}, pauses ${pauses}; ${load.records.length} calls, ${failed} failed, p50 ${ms(percentile(latencies, 50))}, p99 ${ms(percentile(latencies, 99))}; ${violations.length} violations (${cpu.count} busy processes on ${cpu.count} cores; ${SETTINGS})`,
    holds: evictions === 0 && violations.length === 0,
  };
}
