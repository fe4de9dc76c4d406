// Curves as SVG, drawn without a browser: panels side by side, each with one figure against the same steps.
//   CH1. Readable on light and on dark: the colours follow the reader's setting, and nothing stands behind them.
//   CH2. Lines are told apart by their dashes and their names too, not by their colours alone.
//   CH3. The same curves are the same file, byte for byte.
import { scaleLinear, scaleLog } from "d3-scale";
import { area, line } from "d3-shape";
import type { Spread } from "./statistics.ts";

export interface Series {
  readonly name: string;
  /** One for each step; null where nothing was measured. */
  readonly values: readonly (Spread | null)[];
}

export interface Panel {
  readonly title: string;
  /** Zero is on a linear scale only. */
  readonly scale: "linear" | "log";
  readonly series: readonly Series[];
}

export interface Curve {
  readonly id: string;
  readonly title: string;
  /** What the steps count, and their numbers. */
  readonly steps: string;
  /** The steps are sizes: 64 KiB, and not 65.5 k. */
  readonly bytes?: boolean | undefined;
  readonly scale: "linear" | "log";
  readonly at: readonly number[];
  readonly panels: readonly Panel[];
}

const PANEL = { width: 380, height: 250, left: 62, right: 30, top: 64, bottom: 46 };
const LEGEND_ROW = 16;
const STYLE = `
    text { font: 12px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 13px; }
    .small { font-size: 11px; fill: #59636e; }
    .grid { stroke: #d1d9e0; stroke-width: 1; }
    .line { fill: none; stroke-width: 2; }
    .s0 { stroke: #0969da; } .f0 { fill: #0969da; }
    .s1 { stroke: #bc4c00; stroke-dasharray: 6 3; } .f1 { fill: #bc4c00; }
    .s2 { stroke: #1a7f37; stroke-dasharray: 2 3; } .f2 { fill: #1a7f37; }
    .band { opacity: 0.18; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; } .small { fill: #9198a1; } .grid { stroke: #3d444d; }
      .s0 { stroke: #4493f8; } .f0 { fill: #4493f8; }
      .s1 { stroke: #f0883e; } .f1 { fill: #f0883e; }
      .s2 { stroke: #3fb950; } .f2 { fill: #3fb950; }
    }`;

export function svgOf(curve: Curve): string {
  const width = PANEL.width * curve.panels.length;
  const panels = curve.panels.map(
    (panel, i) => `<g transform="translate(${i * PANEL.width} 0)">\n${drawn(curve, panel)}\n</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}" width="${width}" height="${PANEL.height}" role="img" aria-label="${escaped(curve.title)}">`,
    `<style>${STYLE}\n</style>`,
    ...panels,
    "</svg>\n",
  ].join("\n");
}

function drawn(curve: Curve, panel: Panel): string {
  const { width, height, left, right, top, bottom } = PANEL;
  const x = (curve.scale === "log" ? scaleLog() : scaleLinear())
    .domain([Math.min(...curve.at), Math.max(...curve.at)])
    .range([left, width - right]);
  const y = (panel.scale === "log" ? scaleLog() : scaleLinear())
    .domain(domainOf(panel))
    .nice(panel.scale === "log" ? 10 : 5)
    .range([height - bottom, top]);
  const parts = [`<text class="title" x="${left}" y="16">${escaped(panel.title)}</text>`];
  for (const tick of y.ticks(5).filter((each) => panel.scale === "linear" || isPower(each))) {
    const at = pixel(y(tick));
    parts.push(
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/>`,
      `<text class="small" x="${left - 6}" y="${at + 4}" text-anchor="end">${short(tick)}</text>`,
    );
  }
  for (const step of labelled(curve.at, curve.scale))
    parts.push(
      `<text class="small" x="${pixel(x(step))}" y="${height - bottom + 16}" text-anchor="middle">${curve.bytes ? size(step) : short(step)}</text>`,
    );
  parts.push(
    `<text class="small" x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle">${escaped(curve.steps)}</text>`,
  );
  for (const [i, { name, values }] of panel.series.entries()) {
    const points = curve.at.flatMap((step, k) => {
      const value = values[k];
      return value ? [{ x: pixel(x(step)), value }] : [];
    });
    type Point = (typeof points)[number];
    const band = area<Point>()
      .x((point) => point.x)
      .y0(({ value }) => pixel(y(value.min)))
      .y1(({ value }) => pixel(y(value.max)));
    const through = line<Point>()
      .x((point) => point.x)
      .y(({ value }) => pixel(y(value.median)));
    parts.push(
      `<path class="band f${i}" d="${band(points) ?? ""}"/>`,
      `<path class="line s${i}" d="${through(points) ?? ""}"/>`,
      ...points.map(
        (point) =>
          `<circle class="f${i}" cx="${point.x}" cy="${pixel(y(point.value.median))}" r="2.5"/>`,
      ),
    );
    if (panel.series.length === 1) continue;
    const row = 30 + i * LEGEND_ROW;
    parts.push(
      `<line class="line s${i}" x1="${left}" x2="${left + 24}" y1="${row}" y2="${row}"/>`,
      `<text class="small" x="${left + 30}" y="${row + 4}">${escaped(name)}</text>`,
    );
  }
  return parts.join("\n");
}

function domainOf({ scale, series }: Panel): readonly [number, number] {
  const all = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const most = Math.max(...all.map(({ max }) => max));
  return scale === "linear" ? [0, most] : [Math.min(...all.map(({ min }) => min)), most];
}

/** Steps that have room for their number. */
function labelled(at: readonly number[], scale: "linear" | "log"): readonly number[] {
  const most = 8;
  if (scale === "linear" || at.length <= most) return at;
  return at.filter((_, i) => i % Math.ceil(at.length / most) === 0);
}

function isPower(value: number): boolean {
  const power = Math.log10(value);
  return Math.abs(power - Math.round(power)) < 1e-9;
}

function short(value: number): string {
  if (value >= 1_000_000) return `${trimmed(value / 1_000_000)} M`;
  if (value >= 10_000) return `${trimmed(value / 1_000)} k`;
  return trimmed(value);
}

function size(bytes: number): string {
  return bytes >= 1_024 ? `${trimmed(bytes / 1_024)} KiB` : `${bytes} B`;
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function pixel(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
