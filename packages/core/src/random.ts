// Randomness is a port, so that one seed replays a whole cluster.
import { randomFillSync } from "node:crypto";

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** 128 random bits as 32 hex digits: tokens, etags, incarnations. */
  hex128(): string;
  /** A random integer in [1, 2^48): request ids, unique per attempt (R29). */
  id48(): number;
}

/** Drawn in one go: of a block as small as a page, a byte costs six times as much. */
const POOL_BYTES = 65_536;

/** Randomness from the operating system, drawn in blocks. */
export function systemRandom(): Random {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let used = pool.length;
  const take = (bytes: number): number => {
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return used - bytes;
  };
  return {
    next: () => pool.readUIntBE(take(6), 6) / 2 ** 48,
    hex128: () => {
      const at = take(16);
      return pool.toString("hex", at, at + 16);
    },
    id48: () => {
      const at = take(6);
      // By hand: every call asks for one, and readUIntBE checks its arguments for longer than it reads.
      const high = (pool[at]! << 8) | pool[at + 1]!;
      const low =
        (pool[at + 2]! << 24) | (pool[at + 3]! << 16) | (pool[at + 4]! << 8) | pool[at + 5]!;
      return high * 2 ** 32 + (low >>> 0) || 1;
    },
  };
}

/** A small seeded generator (mulberry32): the same seed gives the same sequence on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const hex8 = (): string => next32().toString(16).padStart(8, "0");
  return {
    next: () => next32() / 2 ** 32,
    hex128: () => hex8() + hex8() + hex8() + hex8(),
    id48: () => (next32() & 0xffff) * 2 ** 32 + next32() || 1,
  };
}
