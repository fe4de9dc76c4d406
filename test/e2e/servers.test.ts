// scripts/servers.mjs as far as it does not depend on what this machine has installed.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ensureServers, serverBinaries } from "../../scripts/servers.mjs";

const dir = mkdtempSync(join(tmpdir(), "tenure-servers-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const good = program("good-server", "exit 0");
const onPath = [program("nats-server", "exit 0"), program("redis-server", "exit 0")];

test("what the variables name is taken before what is on PATH (S1)", async () => {
  const env = { PATH: dir, TENURE_NATS_SERVER: good, TENURE_REDIS_SERVER: good };
  expect(await ensureServers(env)).toEqual({ natsServer: good, redisServer: good, env });
});

test("a variable that names no program is an error that says so, whatever is on PATH (S1)", async () => {
  for (const wrong of [join(dir, "none"), dir]) {
    const env = { PATH: dir, TENURE_REDIS_SERVER: wrong };
    expect(() => serverBinaries(env)).toThrow(`TENURE_REDIS_SERVER is ${wrong}`);
    await expect(ensureServers(env)).rejects.toThrow(`TENURE_REDIS_SERVER is ${wrong}`);
  }
});

test("the first on PATH is taken (S2)", () => {
  const env = { PATH: dir };
  expect(serverBinaries(env)).toEqual({ natsServer: onPath[0], redisServer: onPath[1], env });
});

test("a program that does not run is an error with its own words (S5)", async () => {
  const broken = program("broken-server", "echo no libjemalloc >&2; exit 127");
  const env = { PATH: dir, TENURE_NATS_SERVER: broken };
  await expect(ensureServers(env)).rejects.toThrow(`${broken} does not run (S5): no libjemalloc`);
});

function program(name: string, script: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
