// Who waits for whom, and who waits for ever: pure decisions over a graph of calls and turns.
//   Q1. A turn is stuck when it has open calls and all of them are stuck: while one of them moves, it may go on (a race). A
//       call that runs is stuck when its turn is; one that waits, when a turn is that has to end before it. What is not
//       known moves. (The largest set of which this is true: knots of the AND-OR model, Knapp 1987.)
//   Q2. Two looks, the second begun when the first was done, prove one moment: what both of them saw was so in between, since
//       no request and no turn ever comes again, and a turn that has made a call has another count (Chandy, Lamport 1985).
//   Q3. Every stuck call follows one other, chosen by the least id: whoever looks finds the same rings, and the same call of
//       each to refuse. Rings found so have no call in common.
//   Q4. Breaking one ring may let go the turns of another (whose turn waits for a call of the first besides). So a ring is
//       named only if it would remain when all others are broken; where each needs another, only the first is.
import type { CallOnWay, RunningTurn, WaitState } from "@tenure/core/internal";

export interface SeenCall {
  readonly call: CallOnWay;
  readonly state: WaitState;
}

/** By request. */
export type WaitGraph = ReadonlyMap<number, SeenCall>;

export interface Ring {
  /** The one that is refused: it waits. */
  readonly victim: CallOnWay;
  /** In words, from the turn that made the victim, once around. */
  readonly text: string;
}

/** The rings that are to be broken now. The graph holds all that its calls wait for, as far as it is known. */
export function ringsIn(graph: WaitGraph): readonly Ring[] {
  const rings = allRings(graph, stuckCalls(graph));
  const lasting = rings.filter((ring) => {
    const others = rings.flatMap(({ victim }) =>
      victim.request === ring.victim.request ? [] : [victim.request],
    );
    return stuckCalls(graph, others).has(ring.victim.request);
  });
  return lasting.length > 0 ? lasting : rings.slice(0, 1);
}

/** By the request of the one that is refused. */
function allRings(graph: WaitGraph, stuck: ReadonlySet<number>): readonly Ring[] {
  const rings = new Map<number, Ring>();
  const visited = new Set<number>();
  for (const start of stuck) {
    const path: Step[] = [];
    let at = start;
    while (!visited.has(at)) {
      visited.add(at);
      const step = stepFrom(graph.get(at)!, stuck);
      path.push(step);
      at = step.next;
    }
    // Somebody's path led here before, unless it is this one that has come round.
    const begin = path.findIndex((step) => step.seen.call.request === at);
    if (begin === -1) continue;
    const ring = ringOf(path.slice(begin));
    rings.set(ring.victim.request, ring);
  }
  return [...rings.values()].toSorted((a, b) => a.victim.request - b.victim.request);
}

/** What both looks saw (Q2). */
export function agreed(first: WaitGraph, second: WaitGraph): WaitGraph {
  const both = new Map<number, SeenCall>();
  for (const [request, { call, state }] of second) {
    const before = first.get(request)?.state;
    const same = before && sameState(before, state);
    if (same) both.set(request, { call, state: same });
  }
  return both;
}

function sameState(before: WaitState, now: WaitState): WaitState | undefined {
  if (before.kind === "runs" && now.kind === "runs")
    return sameTurn(before.turn, now.turn) ? now : undefined;
  if (before.kind !== "waits" || now.kind !== "waits") return undefined;
  const behind = now.behind.filter((turn) =>
    before.behind.some((earlier) => sameTurn(earlier, turn)),
  );
  return { kind: "waits", behind };
}

function sameTurn(before: RunningTurn, now: RunningTurn): boolean {
  if (before.turn !== now.turn || before.made !== now.made) return false;
  if (before.calls?.length !== now.calls?.length) return false;
  const requests = new Set(before.calls?.map(({ request }) => request));
  return now.calls?.every(({ request }) => requests.has(request)) ?? true;
}

/** Q1. From all calls, those are taken away that may move, until none is left that may. */
function stuckCalls(graph: WaitGraph, moving: readonly number[] = []): ReadonlySet<number> {
  const stuck = new Set(graph.keys());
  for (const request of moving) stuck.delete(request);
  for (let before = -1; before !== stuck.size;) {
    before = stuck.size;
    for (const request of stuck)
      if (!isStuck(graph.get(request)!.state, stuck)) stuck.delete(request);
  }
  return stuck;
}

function isStuck(state: WaitState, stuck: ReadonlySet<number>): boolean {
  switch (state.kind) {
    case "moves":
      return false;
    case "runs":
      return isStuckTurn(state.turn, stuck);
    case "waits":
      return state.behind.some((turn) => isStuckTurn(turn, stuck));
  }
}

function isStuckTurn({ calls = [] }: RunningTurn, stuck: ReadonlySet<number>): boolean {
  return calls.length > 0 && calls.every(({ request }) => stuck.has(request));
}

interface Step {
  readonly seen: SeenCall;
  /** The turn that the call runs as, or waits for. */
  readonly turn: RunningTurn;
  /** The call of that turn that it waits for. */
  readonly next: number;
}

/** Q3. */
function stepFrom(seen: SeenCall, stuck: ReadonlySet<number>): Step {
  const { state } = seen;
  const turns = state.kind === "waits" ? state.behind : state.kind === "runs" ? [state.turn] : [];
  const turn = turns
    .filter((each) => isStuckTurn(each, stuck))
    .reduce((least, each) => (each.turn < least.turn ? each : least));
  const next = Math.min(...turn.calls!.map(({ request }) => request));
  return { seen, turn, next };
}

function ringOf(steps: readonly Step[]): Ring {
  // A ring in which nothing waits would be a call that leads to itself.
  const waiting = steps.filter(({ seen }) => seen.state.kind === "waits");
  const victim = waiting.reduce((least, step) =>
    step.seen.call.request < least.seen.call.request ? step : least,
  );
  const at = steps.indexOf(victim);
  const around = [...steps.slice(at), ...steps.slice(0, at)];
  const last = around.at(-1)!;
  const text = around.map(({ seen: { call, state }, turn }) =>
    state.kind === "waits"
      ? ` → ${nameOf(call)}, behind ${nameOf(call, turn.method)}`
      : ` → ${nameOf(call)}`,
  );
  return {
    victim: victim.seen.call,
    text: nameOf(last.seen.call, last.turn.method) + text.join(""),
  };
}

function nameOf({ actor, method }: CallOnWay, turn: string = method): string {
  return `${actor.type}/${actor.id}.${turn}`;
}
