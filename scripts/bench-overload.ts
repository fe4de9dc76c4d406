// `pnpm bench:overload`: twice and ten times as many calls as can be answered. Fails when what is promised of it does not hold.
//   --work A,B     what the methods do: toil (processor time), write (a durable write; wants more than two cores) (toil)
//   --times A,B    of the capacity (2,10)
//   --seconds N    of load (10)
//   --profile      a CPU profile of silo and caller, into .cache/profiles
import { startNatsServer, startRedisServer } from "../examples/support/private-servers.ts";
import { ensureServers } from "./servers.mjs";
import { readFlags } from "./flags.ts";
import { bundleContestants } from "../test/bench/bundle.ts";
import type { Work } from "../test/bench/contestants/offering-client.ts";
import {
  measureOverload,
  type Overload,
  overloadLines,
  problemsOf,
} from "../test/bench/overload.ts";
import { EVERY_SECOND, machine, writeResults } from "../test/bench/run.ts";

const flags = readFlags(["--work", "--times", "--seconds", "--profile"]);
await ensureServers();
await bundleContestants();
const found: Overload[] = [];
for (const work of flags.list("--work") ?? ["toil"]) {
  await using nats = await startNatsServer();
  await using redis = await startRedisServer({ config: EVERY_SECOND });
  const measured = await measureOverload({
    env: { NATS_URL: nats.url, REDIS_URL: redis.url, CLUSTER: "overload", SILO: "one" },
    natsPid: nats.pid,
    work: work as Work,
    times: (flags.list("--times") ?? ["2", "10"]).map(Number),
    loadMs: flags.number("--seconds", 10) * 1_000,
    flags: flags.has("--profile") ? ["--cpu-prof", "--cpu-prof-dir=.cache/profiles"] : [],
  });
  for (const one of measured) console.log(overloadLines(one));
  found.push(...measured);
}
const whole = !["--work", "--times", "--seconds", "--profile"].some((name) => flags.has(name));
if (whole) writeResults("overload", { machine: machine(), found });
if (found.some((one) => problemsOf(one).length > 0)) process.exitCode = 1;
