// `pnpm sim`: the simulation from the command line.
//   --seeds N        runs N seeds, other ones for each commit (the first is printed; --first N chooses it)
//   --seed N         runs one seed and tells everything about it
//   --bug RULE       with a rule switched off: how many seeds until it is found
//   --bugs [RULE]    all of them, or those that begin so, as a table
//   --coverage       what the simulation alone reaches of directory and runtime; lists every file under 90 % of lines
//   --amnesia SHARE  the share of seeds whose store forgets what it had acknowledged (0.3)
//   --workload NAME  what clients do: protocol (the default), classes (schemas, placement, pools, operators), or crowd
//                    (what many calls at once cost)
//   --sometimes      what happened how often
import {
  firstSeedOf,
  printBugTable,
  printCoverage,
  runBug,
  runMany,
  runOne,
} from "../test/simulation/cli.ts";
import { isWorkload, WORKLOADS } from "../test/simulation/workloads/named.ts";

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

const number = (flag: string, otherwise: number): number => {
  const given = flags.get(flag);
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${flag} takes a whole number`);
  return value;
};

const first = number("--first", firstSeedOf());
const seeds = number("--seeds", 1_500);
const bug = flags.get("--bug");
const amnesia = flags.has("--amnesia") ? Number(flags.get("--amnesia")) : undefined;
const workload = flags.get("--workload");
if (!isWorkload(workload))
  throw new Error(`--workload takes one of ${Object.keys(WORKLOADS).join(", ")}`);
const found = flags.has("--coverage")
  ? await printCoverage(number("--seeds", 300))
  : flags.has("--bugs")
    ? await printBugTable(flags.has("--first") ? first : 1, flags.get("--bugs"))
    : flags.has("--seed")
      ? await runOne(number("--seed", 1), { bug, amnesia, workload })
      : bug === undefined
        ? await runMany(first, seeds, flags.has("--sometimes"), { amnesia, workload })
        : await runBug(bug, first, number("--seeds", 2_000));
process.exitCode = found ? 0 : 1;
