// The main job, run as the README says, in both modes; and the two sabotages that it must find out.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function run(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", "examples/flights/main.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [[code], stdout, stderr] = (await Promise.all([
    once(child, "close"),
    text(child.stdout),
    text(child.stderr),
  ])) as [[number | null], string, string];
  return { code, output: stdout + stderr };
}

const RECONCILED = "reconciled exactly";

test(
  "embedded: three silos, one crashes half-way, and every figure is exact",
  { timeout: 180_000 },
  async () => {
    const { code, output } = await run();
    expect(output).toContain(RECONCILED);
    expect(output).toMatch(/was crashed without a goodbye: it owned \d\d airports/);
    expect(code).toBe(0);
  },
);

test(
  "cluster: three silo processes, SIGKILL and SIGTERM, and every figure is exact",
  { timeout: 240_000 },
  async () => {
    const { code, output } = await run("--cluster");
    expect(output).toContain(RECONCILED);
    expect(output).toContain("was killed with SIGKILL");
    expect(output).toContain("was drained with SIGTERM");
    expect(code).toBe(0);
  },
);

test("one flight that is counted twice is found out", { timeout: 180_000 }, async () => {
  const { code, output } = await run("--sabotage", "double");
  expect(output).not.toContain(RECONCILED);
  expect(output).toMatch(/departures\.flights is \d+, must be \d+/);
  expect(code).toBe(1);
});

test("one commit that is acknowledged and dropped is found out", { timeout: 180_000 }, async () => {
  const { code, output } = await run("--sabotage", "lose");
  expect(output).not.toContain(RECONCILED);
  expect(output).toMatch(/flights is \d+, must be \d+/);
  expect(code).toBe(1);
});

test("an unknown sabotage is refused with a word on what is allowed", async () => {
  const { code, output } = await run("--sabotage", "fire");
  expect(output).toContain("--sabotage takes double or lose");
  expect(code).toBe(2);
});
