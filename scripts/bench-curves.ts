// `pnpm bench:curves`: throughput and p99 against calls outstanding, payload, activations and silos; JSON into bench/results, charts into
// docs/charts.
//   --only A,B          curves: outstanding, payload, activations, silos (all)
//   --repetitions N     of each step (3)
//   --run MS            of one run (500)
//   --activations N     in one silo, at most (1,000,000)
//   --draw              only draws what is in bench/results/curves.json
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { startNatsServer, startRedisServer } from "../examples/support/private-servers.ts";
import { ensureServers } from "./servers.mjs";
import { readFlags } from "./flags.ts";
import { bundleContestants } from "../test/bench/bundle.ts";
import { type Curve, svgOf } from "../test/bench/chart.ts";
import { type CurveId, CURVES } from "../test/bench/curves.ts";
import { EVERY_SECOND, machine, RESULTS, writeResults } from "../test/bench/run.ts";

const CHARTS = new URL("../docs/charts/", import.meta.url);
const flags = readFlags(["--only", "--repetitions", "--run", "--activations", "--draw"]);
const file = new URL("curves.json", RESULTS);
const known = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as { readonly curves: readonly Curve[] }).curves
  : [];
const curves = new Map(known.map((curve) => [curve.id, curve]));
if (!flags.has("--draw")) {
  await ensureServers();
  await bundleContestants();
  for (const id of flags.list("--only") ?? Object.keys(CURVES)) {
    const measure = CURVES[id as CurveId];
    if (!measure) throw new Error(`no curve ${id}; there are ${Object.keys(CURVES).join(", ")}`);
    await using nats = await startNatsServer();
    await using redis = await startRedisServer({ config: EVERY_SECOND });
    const curve = await measure({
      nats,
      redis,
      repetitions: flags.number("--repetitions", 3),
      runMs: flags.number("--run", 500),
      idle: flags.number("--activations", 1_000_000),
      flags: [],
    });
    curves.set(id, curve);
    console.log(tableOf(curve));
  }
  writeResults("curves", { machine: machine(), curves: [...curves.values()] });
}
mkdirSync(CHARTS, { recursive: true });
for (const curve of curves.values())
  writeFileSync(new URL(`${curve.id}.svg`, CHARTS), svgOf(curve));

function tableOf({ title, steps, at, panels }: Curve): string {
  const columns = panels.flatMap((panel) =>
    panel.series.map(({ name, values }) => ({ head: `${panel.title} (${name})`, values })),
  );
  const shown = (value: number): string => Number(value.toPrecision(4)).toLocaleString("en-US");
  return [
    "",
    title,
    `  ${steps}: ${columns.map(({ head }) => head).join("; ")}`,
    ...at.map(
      (step, i) =>
        `  ${String(step).padStart(9)}  ${columns
          .map(({ values }) => {
            const value = values[i];
            if (!value) return "-";
            return `${shown(value.median)} (${shown(value.min)} – ${shown(value.max)})`;
          })
          .join("  ")}`,
    ),
  ].join("\n");
}
