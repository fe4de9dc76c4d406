// `pnpm bench:soak`: 70 % of the peak for minutes, with activations that come and go. Fails when anything grows.
//   --minutes N    (10)
import {
  freePort,
  startNatsServer,
  startRedisServer,
} from "../examples/support/private-servers.ts";
import { ensureServers } from "./servers.mjs";
import { readFlags } from "./flags.ts";
import { bundleContestants } from "../test/bench/bundle.ts";
import { EVERY_SECOND, machine, writeResults } from "../test/bench/run.ts";
import { measureSoak, minuteLine, soakProblems } from "../test/bench/soak.ts";

const MINUTES = 10;
const flags = readFlags(["--minutes"]);
const minutes = flags.number("--minutes", MINUTES);
await ensureServers();
await bundleContestants();
const monitor = await freePort();
await using nats = await startNatsServer({ config: `http: "127.0.0.1:${monitor}"\n` });
await using redis = await startRedisServer({ config: EVERY_SECOND });
const soak = await measureSoak({
  env: { NATS_URL: nats.url, REDIS_URL: redis.url, CLUSTER: "soak", SILO: "one" },
  monitorUrl: `http://127.0.0.1:${monitor}`,
  minutes,
  onMinute: (minute, number) => console.log(minuteLine(minute, number)),
});
const problems = soakProblems(soak);
const { peakPerSecond, offeredPerSecond } = soak;
console.log(
  `peak ${Math.round(peakPerSecond)} calls/s, offered ${Math.round(offeredPerSecond)}; ${problems.length} problems`,
);
for (const problem of problems) console.log(`BROKEN: ${problem}`);
if (minutes >= MINUTES) writeResults("soak", { machine: machine(), ...soak, problems });
if (problems.length > 0) process.exitCode = 1;
