// What the scan before decoding costs: `npx tsx test/bench/decode-limits.ts`. Best of several rounds, in nanoseconds.
import { VALUE_LIMITS } from "../../packages/core/src/decode-limits.ts";
import { decodeValue, encodeValue } from "../../packages/core/src/codec.ts";
import { Scanner } from "../../packages/core/src/msgpack-scanner.ts";

const item = (i: number) => ({ id: i, name: `item number ${i}`, price: i * 1.5, ok: i % 2 === 0 });
const times = <T>(count: number, make: (i: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));
const shared = { a: 1 };

const VALUES: Readonly<Record<string, unknown>> = {
  "a number": [5],
  "arguments of a call": ["order 17", { sku: "abc-1", quantity: 3, tags: ["x", "y"] }, 12.5],
  "10 objects": times(10, item),
  "1,000 objects": times(1_000, item),
  "1,000 small numbers": times(1_000, (i) => i % 60),
  "1,000 numbers": times(1_000, (i) => i * 7),
  "500 texts": times(500, (i) => `a text of some length, ${i}`),
  "a Map of 200": new Map(times(200, (i) => [`key${i}`, { n: i }])),
  "100 shapes": times(100, (i) => ({ [`key${i}`]: i })),
  "1,000 times the same object": times(1_000, () => shared),
  "100 errors": times(100, (i) => new Error(`error ${i}`)),
  "100 kB of bytes": [new Uint8Array(100_000)],
};

const ROUNDS = 9;

function bestNs(run: () => void, repeats: number): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < repeats; i++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / repeats);
  }
  return best;
}

const scanner = new Scanner(VALUE_LIMITS);
console.log(
  "value                            bytes     scan ns   decode ns   scan / the rest of decode",
);
for (const [name, value] of Object.entries(VALUES)) {
  const bytes = encodeValue(value);
  const repeats = Math.max(50, Math.min(100_000, Math.floor(2_000_000 / bytes.length)));
  const scanNs = bestNs(() => void scanner.scan(bytes), repeats);
  const decodeNs = bestNs(() => void decodeValue(bytes), repeats);
  console.log(
    name.padEnd(30),
    String(bytes.length).padStart(7),
    scanNs.toFixed(0).padStart(11),
    decodeNs.toFixed(0).padStart(11),
    (scanNs / (decodeNs - scanNs)).toFixed(2).padStart(11),
  );
}
