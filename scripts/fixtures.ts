// `pnpm fixtures 1.2.3 [why]`: what the stores of this release hold, under test/upgrade/fixtures/1.2.3. Run once for each release, and the
// result is committed with it: from then on a test opens it with every later version of the code.
import { ensureServers } from "./servers.mjs";
import { writeFixtures } from "../test/upgrade/write-fixtures.ts";

const [release, why = "a release"] = process.argv.slice(2);
if (release === undefined) throw new Error("which release? pnpm fixtures 1.2.3");
await ensureServers();
console.log(`written: ${await writeFixtures(release, why)}`);
