// `pnpm crashes`: the embedded store killed with SIGKILL a hundred times, each with at least 50 writes in flight. Prints how many writes
// were acknowledged, found, and found though nobody was told; ends with 1 when an acknowledged one is missing.
//   --kills N   so many times (100)
//   --seed S    of when each kill comes (printed; drawn unless told)
import { killAgainAndAgain } from "../test/torture/killed-store.ts";

const LEAST = 50;

const flags = new Map<string, number>([
  ["--kills", 100],
  ["--seed", Date.now() % 1_000_000],
]);
for (let i = 2; i < process.argv.length; i += 2) {
  const flag = process.argv[i]!;
  const value = Number(process.argv[i + 1]);
  if (!flags.has(flag))
    throw new Error(`there is no ${flag}; there are ${[...flags.keys()].join(", ")}`);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${flag} takes a whole number`);
  flags.set(flag, value);
}
const kills = flags.get("--kills")!;
const seed = flags.get("--seed")!;
console.log(`${kills} kills, seed ${seed}, Node ${process.version}`);
const began = performance.now();
const figures = await killAgainAndAgain({
  kills,
  seed,
  progress: (done) => {
    if (done % 10 === 0) console.log(`${done} kills`);
  },
});
const seconds = (performance.now() - began) / 1_000;
for (const [what, count] of [
  ["times SIGKILL", figures.kills],
  ["writes in flight at a kill, at least", figures.leastInFlight],
  ["of them open in the process that was killed, at least", figures.leastOpen],
  ["writes sent", figures.sent],
  ["writes acknowledged", figures.acknowledged],
  ["writes found", figures.found],
  ["writes found though unacknowledged", figures.foundUnacknowledged],
  ["writes acknowledged and not found", figures.lost],
  ["writes found twice, or elsewhere", figures.strange],
  ["writes that failed", figures.failed],
] as const)
  console.log(`${String(count).padStart(9)} ${what}`);
for (const error of figures.errors) console.log(error);
console.log(`in ${seconds.toFixed(1)} s`);
const { lost, strange, failed, leastInFlight, leastOpen } = figures;
if (lost + strange + failed > 0 || Math.min(leastInFlight, leastOpen) < LEAST) process.exitCode = 1;
