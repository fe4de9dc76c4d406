// What callers notice when all silos are replaced, one after the other.
import { startFleet } from "../../support/silo-fleet.ts";
import { describeRecord } from "../history.ts";
import { Load, violationsOf } from "../load.ts";
import { nowMs } from "../one-clock.ts";
import { type Figure, ms, percentile, SETTINGS } from "./figure.ts";

const NAMES = ["one", "two", "three"];
const CALM_CALLS = 1_500;

export async function rollingDrain(rounds: number): Promise<Figure> {
  await using fleet = await startFleet(NAMES);
  const load = new Load(fleet);
  const running = load.run();
  await load.appendedToEach();
  const calmMs = nowMs();
  await load.appended(CALM_CALLS);
  const rollingMs = nowMs();
  const drains: number[] = [];
  for (let round = 0; round < rounds; round++)
    for (const name of NAMES) {
      const beganMs = nowMs();
      await fleet.silos.get(name)!.end("SIGTERM");
      drains.push(nowMs() - beganMs);
      await fleet.start(name);
      await load.appendedToEach();
    }
  load.stop();
  await running;
  const latencies = (fromMs: number, toMs: number): readonly number[] =>
    load.records
      .filter(({ calledMs }) => calledMs >= fromMs && calledMs < toMs)
      .map(({ calledMs, returnedMs }) => returnedMs - calledMs);
  const calm = latencies(calmMs, rollingMs);
  const rolling = latencies(rollingMs, Infinity);
  const failures = load.records.filter(({ outcome }) => outcome !== "ok");
  for (const record of failures) console.log(describeRecord(record, rollingMs));
  const failed = failures.length;
  const violations = await violationsOf(fleet, [load]);
  const added = percentile(rolling, 99) - percentile(calm, 99);
  return {
    line: `rolling drain of 3 silos under load, ${rounds} rounds: ${failed} calls failed of ${rolling.length}; added latency p99 ${ms(added)} (calm p99 ${ms(percentile(calm, 99))}, rolling p50 ${ms(percentile(rolling, 50))}, p99 ${ms(percentile(rolling, 99))}, longest ${ms(Math.max(...rolling))}; a drain takes p50 ${ms(percentile(drains, 50))}); ${violations.length} violations (${SETTINGS})`,
    holds: failed === 0 && violations.length === 0,
  };
}
