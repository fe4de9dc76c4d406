// Work that takes a processor's time and nothing else.

/** Steps that take some millisecond here. */
const STEPS = 800_000;

/** `from` and the answer are of no use but that nobody can leave the work out. */
export function someMillisecond(from: number): number {
  let mixed = from;
  for (let i = 0; i < STEPS; i++) mixed = (Math.imul(mixed ^ i, 0x5bd1e995) + 1) | 0;
  return mixed;
}
