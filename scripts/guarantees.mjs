// The titles that docs/GUARANTEES.md names, and whether tests of that title ran.

/** Each test is a line `- <title> — \`<file>\``. */
export function titlesOf(page) {
  return Array.from(page.matchAll(/^\s*- (.+) — `[^`]+`$/gm), ([, title]) => title);
}

/** Matches what a title becomes when its test runs: `%s`, `$name` and `${…}` stand for anything. */
export function titlePattern(title) {
  const parts = title.split(/%[sidfjo]|\$\{[^}]*\}|\$[a-z]+/i);
  return new RegExp(`^${parts.map(escaped).join(".*")}(; skipped: .*)?$`, "s");
}

/** The titles of the page that no test has that ran and passed. */
export function notRun(page, passed) {
  return titlesOf(page).filter((title) => {
    const pattern = titlePattern(title);
    return !passed.some((ran) => pattern.test(ran));
  });
}

function escaped(text) {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
