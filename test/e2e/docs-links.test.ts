// What the README and docs/ point at exists: pages, headings, files and tests.
//   DL1. A relative link resolves; what follows `#` is a heading of that page.
//   DL2. A file that docs/ARCHITECTURE.md or docs/PROTOCOL.md names exists: `core/clock.ts` is packages/core/src/clock.ts.
//   DL3. A test that docs/GUARANTEES.md names has that title in that file.
//   DL4. docs/ARCHITECTURE.md names every source file of core, client, directory and runtime, but for tests and doors.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function pages(): readonly string[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" });
  return [
    "README.md",
    ...docs.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
  ];
}

/** The page without its code: links and names in programs are not ours to check. */
function prose(page: string): string {
  return read(page).replaceAll(/^```[^\n]*\n[\s\S]*?^```$/gm, "");
}

/** The anchors of a page's headings, as forges make them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = prose(page).matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(headings, ([, text]) =>
      text!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function brokenLinks(page: string): readonly string[] {
  const broken: string[] = [];
  for (const [, target] of prose(page).matchAll(/\]\(([^()\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target!)) continue;
    const [path = "", anchor] = target!.split("#");
    const found = path === "" ? page : relative(ROOT, join(ROOT, dirname(page), path));
    if (!existsSync(join(ROOT, found))) broken.push(`${page}: ${target}: there is no such file`);
    else if (anchor !== undefined && !anchorsOf(found).has(anchor))
      broken.push(`${page}: ${target}: there is no such heading`);
  }
  return broken;
}

function missingFiles(page: string): readonly string[] {
  const missing: string[] = [];
  for (const [, name] of prose(page).matchAll(/`([\w.-]+(?:\/[\w.-]+)*\.(?:ts|mjs|md|json))`/g)) {
    const [first, ...rest] = name!.split("/");
    const inPackage = join("packages", first!, "src", ...rest);
    if (!existsSync(join(ROOT, name!)) && !existsSync(join(ROOT, inPackage))) missing.push(name!);
  }
  return missing;
}

const DOORS: ReadonlySet<string> = new Set(["index.ts", "internal.ts"]);

/** Source files of a package as the pages write them: `core/clock.ts`. */
function sourcesOf(name: string): readonly string[] {
  const src = join(ROOT, "packages", name, "src");
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") && !/\.(test|d)\.ts$/.test(path) && !DOORS.has(path))
    .map((path) => `${name}/${path}`);
}

/** Each test is a line `- <title> — \`<file>\``. */
function testsNamedIn(page: string): readonly { readonly title: string; readonly file: string }[] {
  return Array.from(prose(page).matchAll(/^\s*- (.+) — `([^`]+)`$/gm), ([, title, file]) => ({
    title: title!,
    file: file!,
  }));
}

/** Suites write a title and its rules as two strings; both are shown as `title (R1, R2)`. */
function hasTest(file: string, title: string): boolean {
  if (!existsSync(join(ROOT, file))) return false;
  const text = read(file);
  if ([`"${title}"`, `\`${title}\``].some((quoted) => text.includes(quoted))) return true;
  const [, name, rules] = /^(.*) \(([^()]+)\)$/.exec(title) ?? [];
  if (name === undefined) return false;
  const escaped = name.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`"${rules!.replaceAll(", ", " ")}",\\s*"${escaped}"`).test(text);
}

test("relative links in the README and docs resolve (DL1)", () => {
  expect(pages().flatMap(brokenLinks)).toEqual([]);
});

test.each(["docs/ARCHITECTURE.md", "docs/PROTOCOL.md"])(
  "files that %s names exist (DL2)",
  (page) => {
    expect(missingFiles(page)).toEqual([]);
  },
);

test("tests that docs/GUARANTEES.md names exist, by title (DL3)", () => {
  const named = testsNamedIn("docs/GUARANTEES.md");
  expect(named.length).toBeGreaterThan(20);
  const absent = named.filter(({ title, file }) => !hasTest(file, title));
  expect(absent.map(({ title, file }) => `${file}: ${title}`)).toEqual([]);
});

test.each(["core", "client", "directory", "runtime"])(
  "docs/ARCHITECTURE.md names every source file of %s in its table (DL4)",
  (name) => {
    const page = prose("docs/ARCHITECTURE.md");
    const sources = sourcesOf(name);
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.filter((path) => !page.includes(`\n| \`${path}\` `))).toEqual([]);
  },
);
