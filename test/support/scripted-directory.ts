// A directory between which and its silo everything can go wrong, as a script says.
import {
  type Clock,
  type Directory,
  type Sequenced,
  StoreUnavailableError,
} from "@tenure/core/internal";

export type Operation = Exclude<keyof Directory, "durability" | "close">;

/** What becomes of one operation. By default it is applied and answered at once. */
export interface Fate {
  /** How long the request travels; "lost": it never arrives. */
  readonly request?: number | "lost";
  /** How long the answer travels; "lost": it never comes; "rejected": the caller is told that there is none. */
  readonly answer?: number | "lost" | "rejected";
  /** The request arrives once more, that long after the first time. */
  readonly again?: number;
}

export type Script = (operation: Operation, request: unknown) => Fate | undefined;

export const REJECTED: Fate = { request: "lost", answer: "rejected" };
export const NEVER: Fate = { request: "lost", answer: "lost" };
export const APPLIED_BUT_REJECTED: Fate = { answer: "rejected" };
export const APPLIED_BUT_LOST: Fate = { answer: "lost" };

/** Requests travel in true time; answers in the silo's: a machine that sleeps takes none. */
export function scriptedDirectory(
  target: Directory,
  clocks: { readonly truth: Clock; readonly silo: Clock },
  script: Script,
): Directory {
  const travel = async (clock: Clock, ms: number): Promise<void> => {
    if (ms > 0)
      await new Promise<void>((resolve) => {
        clock.after(ms, resolve);
      });
  };
  const run = async <T>(
    operation: Operation,
    request: unknown,
    apply: () => Promise<Sequenced<T>>,
  ): Promise<Sequenced<T>> => {
    const { request: there = 0, answer: back = 0, again } = script(operation, request) ?? {};
    let answered: Sequenced<T> | undefined;
    if (there !== "lost") {
      await travel(clocks.truth, there);
      answered = await apply();
      if (again !== undefined) clocks.truth.after(again, () => void apply().catch(() => undefined));
    }
    if (back === "lost") return await new Promise(() => undefined);
    if (back !== "rejected") await travel(clocks.silo, back);
    if (back === "rejected" || !answered) throw new StoreUnavailableError(`${operation}: scripted`);
    return answered;
  };
  return {
    durability: target.durability,
    register: (request) => run("register", request, () => target.register(request)),
    renew: (request) => run("renew", request, () => target.renew(request)),
    markDead: (request) => run("markDead", request, () => target.markDead(request)),
    sweep: (request) => run("sweep", request, () => target.sweep(request)),
    members: () => run("members", undefined, () => target.members()),
    open: (storeId) => run("open", storeId, () => target.open(storeId)),
    claim: (requests) => run("claim", requests, () => target.claim(requests)),
    ...(target.claimAndLoad && {
      claimAndLoad: (requests) =>
        run("claimAndLoad", requests, () => target.claimAndLoad!(requests)),
    }),
    release: (requests) => run("release", requests, () => target.release(requests)),
    lookup: (actors) => run("lookup", actors, () => target.lookup(actors)),
    close: () => target.close(),
  };
}
