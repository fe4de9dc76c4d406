// `pnpm torture`: real processes, real servers, real faults. docs/TORTURE.md is its guide.
//   --minutes N      rounds of drawn faults for so long (at least one round; 10 unless told)
//   --seed S         of the first round; the next ones count up (printed; drawn unless told)
//   --only WHERE     proxies, or partitions (in network namespaces; as root)
//   --strikes N      of each round (6); each is one fault or two at once
//   --ttl MS         the lease of each round (2,000 or 4,000, by the seed)
//   --figures [WHAT] the figures instead, or one of them: sigkill, sigstop, cpu, away, drain, nats-alone
//     --runs N         of sigkill and sigstop (20)
//     --cpu-minutes N  of cpu (10)
//     --away A,B       seconds of away (10,40)
//     --rounds N       of drain and of nats-alone (3)
import { ensureServers } from "./servers.mjs";
import { FIGURES, printFigures, runLong, type Scenario } from "../test/torture/cli.ts";

const flags = new Map<string, string>();
for (let i = 2; i < process.argv.length; i++) {
  const flag = process.argv[i]!;
  const value = process.argv[i + 1];
  if (value === undefined || value.startsWith("--")) flags.set(flag, "");
  else {
    flags.set(flag, value);
    i += 1;
  }
}
const KNOWN =
  "--minutes --seed --only --strikes --ttl --figures --runs --cpu-minutes --away --rounds".split(
    " ",
  );
for (const flag of flags.keys())
  if (!KNOWN.includes(flag)) throw new Error(`there is no ${flag}; there are ${KNOWN.join(", ")}`);

const number = (flag: string, otherwise: number): number => {
  const value = Number(flags.get(flag) ?? otherwise);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${flag} takes a number`);
  return value;
};
const scenario = (given: string | undefined): Scenario | undefined => {
  if (given === undefined || given === "proxies" || given === "partitions") return given;
  throw new Error("--only takes proxies or partitions");
};

// Whatever is started here ends at this process's exit.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await ensureServers();
const figure = flags.get("--figures");
const good =
  figure === undefined
    ? await runLong({
        minutes: number("--minutes", 10),
        seed: number("--seed", Math.floor(Math.random() * 1_000_000)),
        only: scenario(flags.get("--only")),
        strikes: number("--strikes", 6),
        ttlMs: flags.has("--ttl") ? number("--ttl", 0) : undefined,
      })
    : await printFigures(figure === "" ? FIGURES : [figure], {
        runs: number("--runs", 20),
        cpuMinutes: number("--cpu-minutes", 10),
        awaySeconds: (flags.get("--away") ?? "10,40").split(",").map(Number),
        rounds: number("--rounds", 3),
      });
process.exitCode = good ? 0 : 1;
