// Whether a history of one object is linearizable: each operation took effect at one time between its call and its return.
// Wing and Gong 1993, with the state cache of Lowe 2017 and the linked list of Porcupine.
//   L1. An operation whose outcome is unknown may have taken effect at any time after its call, or never.
//   L2. Two operations that meet at one instant count as concurrent: a finding is never an accident of equal times.
export interface Operation<Input, Output> {
  readonly input: Input;
  readonly calledMs: number;
  /** Undefined: unknown (L1). */
  readonly returned: { readonly atMs: number; readonly output: Output } | undefined;
}

/** A sequential object. States are compared by `key`. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /** The next state; undefined when this output is impossible. Without an output, any is possible. */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  key(state: State): string;
}

export type Linearizability = "linearizable" | "not-linearizable" | "too-hard";

interface Node {
  readonly index: number;
  readonly isCall: boolean;
  match: Node | undefined;
  previous: Node | undefined;
  next: Node | undefined;
}

export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  maxSteps = 300_000,
): Linearizability {
  const head = eventList(operations);
  const done = new Uint32Array((operations.length + 31) >>> 5);
  const seen = new Set<string>();
  const taken: { readonly node: Node; readonly before: State }[] = [];
  const certain = (node: Node): number => (operations[node.index]!.returned === undefined ? 0 : 1);
  let left = operations.filter(({ returned }) => returned !== undefined).length;
  let state = model.initial;
  let current = head.next;
  for (let steps = 0; left > 0; steps++) {
    if (steps > maxSteps) return "too-hard";
    if (current?.isCall) {
      const { input, returned } = operations[current.index]!;
      const next = model.step(state, input, returned?.output);
      if (next !== undefined) {
        flip(done, current.index);
        const configuration = `${done.join(",")}|${model.key(next)}`;
        if (!seen.has(configuration)) {
          seen.add(configuration);
          taken.push({ node: current, before: state });
          state = next;
          left -= certain(current);
          lift(current);
          current = head.next;
          continue;
        }
        flip(done, current.index);
      }
      current = current.next;
      continue;
    }
    // Something has returned and could not take effect before: undo the newest choice.
    const last = taken.pop();
    if (!last) return "not-linearizable";
    state = last.before;
    flip(done, last.node.index);
    left += certain(last.node);
    unlift(last.node);
    current = last.node.next;
  }
  return "linearizable";
}

function eventList(operations: readonly Operation<unknown, unknown>[]): Node {
  const events = operations.flatMap(({ calledMs, returned }, index) => [
    { atMs: calledMs, isCall: true, index },
    { atMs: returned?.atMs ?? Infinity, isCall: false, index },
  ]);
  // L2: a call sorts before a return of the same instant.
  events.sort((a, b) =>
    a.atMs === b.atMs ? Number(b.isCall) - Number(a.isCall) : a.atMs - b.atMs,
  );
  const head: Node = node(-1, true, undefined);
  const calls = new Map<number, Node>();
  let tail = head;
  for (const { isCall, index } of events) {
    const next = node(index, isCall, tail);
    tail.next = next;
    tail = next;
    if (isCall) calls.set(index, next);
    else calls.get(index)!.match = next;
  }
  return head;
}

function node(index: number, isCall: boolean, previous: Node | undefined): Node {
  return { index, isCall, match: undefined, previous, next: undefined };
}

function lift(call: Node): void {
  unlink(call);
  unlink(call.match!);
}

function unlift(call: Node): void {
  relink(call.match!);
  relink(call);
}

function unlink(out: Node): void {
  out.previous!.next = out.next;
  if (out.next) out.next.previous = out.previous;
}

function relink(back: Node): void {
  back.previous!.next = back;
  if (back.next) back.next.previous = back;
}

function flip(bits: Uint32Array, index: number): void {
  bits[index >>> 5]! ^= 1 << (index & 31);
}
