// Every TypeScript block of the README and of docs/ compiles, under the strictness of this repository.
//   DC1. A block is a program of its own. One marked `ts (continued)` is appended to the block before it on its page.
//   DC2. A failure names the page, the number of the block and the line on the page.
//   DC3. No block is left out in silence: a fence that looks like TypeScript and is marked in another way fails.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A block as it stands on its page, numbered from 1. */
interface Block {
  readonly page: string;
  readonly number: number;
  readonly line: number;
  readonly continued: boolean;
  readonly code: string;
}

function blocksOf(page: string, text: string): readonly Block[] {
  const blocks: Block[] = [];
  for (const match of text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const mark = match[1]!.trim();
    if (!/^(?:ts|tsx|mts|typescript|js|javascript)\b/i.test(mark)) continue;
    const number = blocks.length + 1;
    const line = text.slice(0, match.index).split("\n").length + 1;
    const isContinued = mark === "ts (continued)";
    if (mark !== "ts" && !isContinued)
      throw new Error(`${page}, block ${number}: mark it ts or ts (continued), not ${mark}`); // DC3
    if (isContinued && number === 1)
      throw new Error(`${page}, block 1: there is no block before it to continue`);
    blocks.push({ page, number, line, continued: isContinued, code: match[2]! });
  }
  return blocks;
}

/** Blocks that make one file, in order (DC1). */
function programsOf(blocks: readonly Block[]): readonly (readonly Block[])[] {
  const programs: Block[][] = [];
  for (const block of blocks)
    if (block.continued) programs.at(-1)!.push(block);
    else programs.push([block]);
  return programs;
}

/** What the compiler says about the programs, told by page, block and line (DC2). Empty when all compile. */
async function complaintsAbout(
  programs: readonly (readonly Block[])[],
): Promise<readonly string[]> {
  const parent = join(ROOT, ".cache", "docs-blocks");
  mkdirSync(parent, { recursive: true });
  // A folder per run: another run may be under way. Inside the repository, so that the packages are found.
  const dir = mkdtempSync(join(parent, "run-"));
  try {
    for (const [i, program] of programs.entries())
      writeFileSync(join(dir, `program-${i}.ts`), program.map(({ code }) => code).join(""));
    writeFileSync(
      join(dir, "tsconfig.json"),
      JSON.stringify({
        extends: "../../../tsconfig.json",
        compilerOptions: { moduleDetection: "force", noErrorTruncation: true },
        include: ["*.ts"],
      }),
    );
    const output = await compile(dir);
    return output
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => onPage(line, programs));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function compile(dir: string): Promise<string> {
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  return new Promise((resolve, reject) => {
    const args = ["-p", dir, "--pretty", "false"];
    execFile(tsc, args, { cwd: dir }, (error, stdout, stderr) => {
      // An exit code is a verdict; anything else means that the compiler did not run.
      if (error && typeof error.code !== "number") reject(error);
      else if (error && stdout === "") reject(new Error(stderr));
      else resolve(stdout);
    });
  });
}

function onPage(line: string, programs: readonly (readonly Block[])[]): string {
  const place = /program-(\d+)\.ts\((\d+),\d+\): (.*)/.exec(line);
  if (!place) return line;
  let left = Number(place[2]);
  for (const { page, number, line: first, code } of programs[Number(place[1])]!) {
    const lines = code.split("\n").length - 1;
    if (left <= lines) return `${page}, block ${number}, line ${first + left - 1}: ${place[3]}`;
    left -= lines;
  }
  return line;
}

function pages(): readonly string[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" });
  return [
    "README.md",
    ...docs.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
  ];
}

test("every TypeScript block of the README and docs compiles", { timeout: 60_000 }, async () => {
  const programs = pages().flatMap((page) =>
    programsOf(blocksOf(page, readFileSync(join(ROOT, page), "utf8"))),
  );
  expect(programs.length).toBeGreaterThan(0);
  expect(await complaintsAbout(programs)).toEqual([]);
});

test(
  "a block that does not compile is named by page, block and line (DC1, DC2)",
  { timeout: 60_000 },
  async () => {
    const page = [
      "```ts",
      'import { Actor } from "tenure";',
      "export const one: number = 1;",
      "```",
      "words",
      "```ts (continued)",
      "export const two: string = one;",
      "```",
      "```ts",
      "export const alone = one;",
      "```",
      "",
    ].join("\n");
    const complaints = await complaintsAbout(programsOf(blocksOf("a.md", page)));
    expect(complaints).toHaveLength(2);
    expect(complaints[0]).toContain("a.md, block 2, line 7: error TS2322");
    expect(complaints[1]).toContain("a.md, block 3, line 10: error TS2304");
  },
);

test("a block that is marked in another way is refused (DC3)", () => {
  expect(() => blocksOf("a.md", "```typescript\n```\n")).toThrow("a.md, block 1");
  expect(() => blocksOf("a.md", "```ts (continued)\n```\n")).toThrow("no block before it");
  expect(blocksOf("a.md", "```sh\nls\n```\n")).toEqual([]);
});
