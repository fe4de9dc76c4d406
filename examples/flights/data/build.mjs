// Rebuilds flights.csv from the file that the npm package `vega-datasets` 2.11.0 ships. README.md beside this file says
// where that comes from. Needed only to check the copy, or to make it again:
//
//   npm pack vega-datasets@2.11.0 && tar -xzf vega-datasets-2.11.0.tgz package/data/flights-20k.json
//   node examples/flights/data/build.mjs package/data/flights-20k.json [output.csv]
//
//   B1. Only the known source file is taken: another version would change the example's figures unseen.
//   B2. Every flight and every field is kept, as text of the same meaning; only the order changes: by date, and flights
//       of the same minute keep the order of the source.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const SOURCE_SHA256 = "75bb7ed9154ab5a2bf6c7e5ee62f1d1659aa47b4ae503f0cbd80c0bcfa7b6ed0";
const FIELDS = ["date", "origin", "destination", "delay", "distance"];

const [source, output = new URL("flights.csv", import.meta.url)] = process.argv.slice(2);
if (source === undefined) {
  process.stderr.write("usage: node build.mjs path/to/flights-20k.json [output.csv]\n");
  process.exit(2);
}
const bytes = readFileSync(source);
const found = sha256(bytes);
if (found !== SOURCE_SHA256)
  throw new Error(`B1: ${source} has sha256 ${found}, not ${SOURCE_SHA256} (vega-datasets 2.11.0)`);

const flights = JSON.parse(bytes.toString("utf8"));
for (const [index, flight] of flights.entries()) {
  const ok =
    Object.keys(flight).length === FIELDS.length &&
    /^\d{4}\/\d\d\/\d\d \d\d:\d\d$/.test(flight.date) &&
    /^[A-Z]{3}$/.test(flight.origin) &&
    /^[A-Z]{3}$/.test(flight.destination) &&
    Number.isInteger(flight.delay) &&
    Number.isInteger(flight.distance);
  if (!ok)
    throw new Error(`B2: flight ${index} does not fit in the csv: ${JSON.stringify(flight)}`);
}
// Dates of this form sort as text, and toSorted is stable.
const sorted = flights.toSorted((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
const lines = sorted.map((flight) => FIELDS.map((field) => flight[field]).join(","));
const csv = `${FIELDS.join(",")}\n${lines.join("\n")}\n`;
writeFileSync(output, csv);

const airports = new Set(flights.flatMap((flight) => [flight.origin, flight.destination]));
process.stdout.write(
  `flights  ${flights.length}\nairports ${airports.size}\n` +
    `dates    ${sorted[0].date} to ${sorted.at(-1).date}\nsha256   ${sha256(csv)}\n`,
);

function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}
