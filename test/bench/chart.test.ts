// CH1 to CH3 of chart.ts.
import { expect, test } from "vitest";
import { type Curve, svgOf } from "./chart.ts";

const at = (median: number) => ({ median, min: median * 0.9, max: median * 1.1 });
const CURVE: Curve = {
  id: "curve",
  title: "calls & <latency>",
  steps: "calls outstanding",
  scale: "log",
  at: [1, 10, 100],
  panels: [
    {
      title: "calls/s",
      scale: "linear",
      series: [
        { name: "tenure", values: [at(100), at(900), at(1_000)] },
        { name: "by hand", values: [at(200), null, at(2_000)] },
      ],
    },
    {
      title: "p99, ms",
      scale: "log",
      series: [{ name: "tenure", values: [at(1), at(2), at(40)] }],
    },
  ],
};

test("a curve is drawn with its steps, its figures and the names of its lines", () => {
  const svg = svgOf(CURVE);
  for (const text of ["calls/s", "p99, ms", "calls outstanding", "tenure", "by hand", ">100<"])
    expect(svg).toContain(text);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  // Three points of one line, two of the next (one was not measured), three of the other panel's.
  expect(svg.match(/<circle/g)?.length).toBe(8);
});

test("it follows the reader's setting for light and dark (CH1)", () => {
  expect(svgOf(CURVE)).toContain("prefers-color-scheme: dark");
});

test("what titles say is text, never markup", () => {
  expect(svgOf(CURVE)).toContain("calls &amp; &lt;latency>");
});

test("the same curve is the same file, also when it comes from the results (CH3)", () => {
  expect(svgOf(CURVE)).toBe(svgOf(JSON.parse(JSON.stringify(CURVE)) as Curve));
});
