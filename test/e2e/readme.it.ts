// The README's programs, run as written (against private servers where it names localhost's).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startNatsServer, startRedisServer } from "../../examples/support/private-servers.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const BLOCKS = [...README.matchAll(/^```ts( \(continued\))?\n([\s\S]*?)^```$/gm)].map((match) => ({
  continued: match[1] !== undefined,
  code: match[2]!,
}));

async function run(name: string, code: string): Promise<{ code: number | null; output: string }> {
  // Inside the repository, so that the packages are found; started in an empty folder, where its data goes.
  const dir = join(ROOT, ".cache", "readme");
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${name}.ts`);
  const cwd = mkdtempSync(join(tmpdir(), "tenure-readme-"));
  writeFileSync(file, code);
  try {
    const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), file], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [[exit], stdout, stderr] = (await Promise.all([
      once(child, "close"),
      text(child.stdout),
      text(child.stderr),
    ])) as [[number | null], string, string];
    return { code: exit, output: stdout + stderr };
  } finally {
    rmSync(file);
    rmSync(cwd, { recursive: true, force: true });
  }
}

test("the first block is examples/hello, and says what its comment promises", async () => {
  expect(BLOCKS[0]!.code).toBe(readFileSync(join(ROOT, "examples/hello/main.ts"), "utf8"));
  expect(await run("hello", BLOCKS[0]!.code)).toEqual({ code: 0, output: "alice has 5\n" });
});

test(
  "every other block runs to its end without a word of complaint",
  { timeout: 60_000 },
  async () => {
    const [natsServer, redisServer] = await Promise.all([startNatsServer(), startRedisServer()]);
    try {
      let before = "";
      const promises: string[] = [];
      for (const [i, block] of BLOCKS.entries()) {
        const code = block.continued ? before + block.code : block.code;
        before = code;
        if (i === 0 || BLOCKS[i + 1]?.continued) continue;
        const program = code
          .replaceAll("nats://localhost:4222", natsServer.url)
          .replaceAll("redis://localhost:6379", redisServer.url)
          // A service runs until it is told to stop; this one has said all it had to say.
          .replace(/^await client\.close\(\);$/m, "await client.close();\nawait member.stop();");
        const { code: exit, output } = await run(`block-${i}`, program);
        expect(exit).toBe(0);
        // What the stores promise is said, and nothing else.
        const promise = /^\S+ \S+ info (?:sqlite|redis): .*acknowledged.*$/gm;
        promises.push(...(output.match(promise) ?? []));
        expect(output.replaceAll(promise, "").trim()).toBe("");
      }
      expect(promises.map((line) => line.split(" ")[3])).toEqual(["sqlite:", "redis:"]);
    } finally {
      await Promise.all([natsServer.stop(), redisServer.stop()]);
    }
  },
);
