// Where the time of a process went, out of the profile that Node has written of it (--cpu-prof).
//   PF1. Idle time is no time. What is left is told in shares, by whose code it was and by function.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  readonly share: number;
}

export interface ProfileShares {
  /** The contestant that it is of. */
  readonly process: string;
  readonly busyMs: number;
  readonly owners: readonly Share[];
  readonly functions: readonly Share[];
}

const IDLE = new Set(["(idle)", "(root)"]);

export function sharesOf(path: string): ProfileShares {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8")) as CpuProfile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const owners = new Map<string, number>();
  const functions = new Map<string, number>();
  const bundle = nodes.find(({ callFrame }) => callFrame.url.includes("/.cache/bench/"));
  const process = basename(bundle?.callFrame.url ?? path).replace(/\.\w+$/, "");
  let busyUs = 0;
  for (const [i, id] of samples.entries()) {
    const { functionName, url } = frames.get(id)!;
    const us = timeDeltas[i] ?? 0;
    if (IDLE.has(functionName)) continue; // PF1
    const owner = ownerOf(functionName, url);
    busyUs += us;
    add(owners, owner, us);
    add(functions, `${functionName || "(anonymous)"} of ${owner}`, us);
  }
  const shares = (by: ReadonlyMap<string, number>): Share[] =>
    [...by]
      .map(([name, us]) => ({ name, share: us / busyUs }))
      .toSorted((a, b) => b.share - a.share);
  return { process, busyMs: busyUs / 1_000, owners: shares(owners), functions: shares(functions) };
}

function add(to: Map<string, number>, name: string, us: number): void {
  to.set(name, (to.get(name) ?? 0) + us);
}

/** Contestants are bundled with all of Tenure; libraries are not in the bundle (bundle.ts). */
function ownerOf(functionName: string, url: string): string {
  if (functionName === "(garbage collector)") return "the garbage collector";
  if (url === "" || url.startsWith("node:")) return "Node";
  const library = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url)?.[1];
  return library ?? "Tenure and the caller";
}
