// The code of a contestant as a user would run it: plain JavaScript, types stripped and nothing added. (What runs TypeScript
// directly gives every function its name at run time, which costs more than a local call.)
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";

const CONTESTANTS = [
  "raw-mailbox",
  "local-silo",
  "raw-nats-caller",
  "raw-nats-callee",
  "client",
  "silo",
  "offering-client",
  "soak-silo",
  "soak-client",
  "raw-redis",
  "durable-silo",
  "idle-silo",
  "raw-idle",
] as const;

export type ContestantName = (typeof CONTESTANTS)[number];

const OUT = new URL("../../.cache/bench/", import.meta.url);

/** Where a contestant's code is, after `bundleContestants`. */
export function bundled(name: ContestantName): string {
  return fileURLToPath(new URL(`${name}.js`, OUT));
}

export async function bundleContestants(): Promise<void> {
  mkdirSync(OUT, { recursive: true });
  await bundle({
    entryPoints: CONTESTANTS.map((name) =>
      fileURLToPath(new URL(`contestants/${name}.ts`, import.meta.url)),
    ),
    outdir: fileURLToPath(OUT),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    legalComments: "none",
    // Our own packages are measured as they are here; everybody else's as they are installed.
    plugins: [
      {
        name: "others stay outside",
        setup: (build) => {
          build.onResolve({ filter: /^[^./]/ }, ({ path }) =>
            path === "tenure" || path.startsWith("@tenure/") ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
}
