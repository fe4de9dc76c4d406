// The messages of one event-loop turn, gathered into frames: one frame per destination, as long as they fit.
//   F1. A message's frame, and so its tag, is decided when the message is added: sizes are bounded from above, never
//       corrected later.
//   F2. A frame's encoding is never larger than `limit`, unless one message alone is.
//   F3. Messages to one address keep their order, also between that address and EVERYONE.
//   F4. A full frame need not wait for the end of the turn: while the next one fills, its receiver works.
import {
  type Address,
  type Body,
  bodyBytes,
  bytesBody,
  type CallHeaders,
  type CallResult,
  type DeliveryTag,
  EVERYONE,
  MAX_MESSAGES_PER_FRAME,
  type Message,
  type RunningTurn,
  type SchemaIssue,
  type WaitState,
} from "@tenure/core/internal";

export interface Frame {
  readonly to: Address;
  readonly tag: DeliveryTag;
  readonly messages: Message[];
  /** Whether the sender wants to hear when nobody was there. */
  wantsReport: boolean;
  /** Upper bound of the encoded size. */
  size: number;
}

const FRAME_OVERHEAD = 16;
/** The most that a frame may have: with half as many, a call costs a tenth more of everybody's time. */
export const FULL_FRAME: number = MAX_MESSAGES_PER_FRAME;
/** With larger messages fewer of them: of half a megabyte at a time, its receiver would have nothing to do until all of it is there. */
export const FULL_FRAME_BYTES = 65_536;
/** Nobody waits for what becomes of these. */
const UNREPORTED: ReadonlySet<Message["kind"]> = new Set([
  "reply",
  "located",
  "administered",
  "cancel",
]);

export class Outbox {
  readonly #newTag: () => DeliveryTag;
  #frames: Frame[] = [];
  #open = new Map<Address, Frame>();
  #full = false;

  constructor(newTag: () => DeliveryTag) {
    this.#newTag = newTag;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** A frame has as many messages as gain anything by waiting for more: its receiver could begin with it (F4). */
  get isFull(): boolean {
    return this.#full;
  }

  /** Adds a message; answers the tag of the frame that it will leave in (F1). */
  add(to: Address, message: Message, limit: number): DeliveryTag {
    this.#keepOrder(to);
    const wire = withBytes(message);
    const size = sizeBound(wire);
    let frame = this.#open.get(to);
    if (
      !frame ||
      frame.messages.length >= FULL_FRAME ||
      frame.size + size > Math.min(limit, FULL_FRAME_BYTES) // F2
    ) {
      frame = { to, tag: this.#newTag(), messages: [], wantsReport: false, size: FRAME_OVERHEAD };
      this.#open.set(to, frame);
      this.#frames.push(frame);
    }
    frame.messages.push(wire);
    frame.size += size;
    this.#full ||= frame.messages.length >= FULL_FRAME || frame.size + size > FULL_FRAME_BYTES;
    frame.wantsReport ||= to !== EVERYONE && !UNREPORTED.has(wire.kind);
    return frame.tag;
  }

  /** All frames, in the order in which they have to leave. */
  take(): readonly Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#open = new Map();
    this.#full = false;
    return frames;
  }

  // F3: a message to EVERYONE must not overtake, nor be overtaken by, one to a single address. It is rare: no more is
  // added to frames on the other side of it.
  #keepOrder(to: Address): void {
    if (to !== EVERYONE) this.#open.delete(EVERYONE);
    else if (!this.#open.has(EVERYONE)) this.#open.clear();
  }
}

// Values become bytes now: until the frame leaves, nobody can change them any more (T2).
function withBytes(message: Message): Message {
  if (message.kind === "call" && message.args.kind === "value")
    return { ...message, args: asBytes(message.args) };
  if (message.kind !== "reply" || !("body" in message.result)) return message;
  return { ...message, result: { ...message.result, body: asBytes(message.result.body) } };
}

function asBytes(body: Body): Body {
  return body.kind === "bytes" ? body : bytesBody(bodyBytes(body));
}

const NUMBER = 9;
const TUPLE = 5;

/** At least as many bytes as the message takes in a frame. */
export function sizeBound(message: Message): number {
  switch (message.kind) {
    case "call":
      return (
        TUPLE +
        5 * NUMBER +
        text(message.type) +
        text(message.id) +
        text(message.method) +
        body(message.args) +
        (typeof message.key === "object"
          ? TUPLE + NUMBER + text(message.key.sender)
          : text(message.key)) +
        headers(message.headers) +
        message.chain.reduce(
          (sum, link) => sum + TUPLE + NUMBER + text(link.type) + text(link.id) + text(link.method),
          TUPLE,
        )
      );
    case "reply":
      return TUPLE + 2 * NUMBER + result(message.result);
    case "locate":
      return TUPLE + 2 * NUMBER + text(message.type) + text(message.id) + text(message.avoid);
    case "located":
      return (
        TUPLE +
        3 * NUMBER +
        (message.result.status === "at"
          ? 2 * TUPLE + text(message.result.silo)
          : result(message.result))
      );
    case "probe":
      return TUPLE + 2 * NUMBER;
    case "death":
    case "suspect":
      return TUPLE + NUMBER + text(message.incarnation);
    case "waits":
      return message.calls.reduce(
        (sum, { actor }) => sum + TUPLE + NUMBER + text(actor.type) + text(actor.id),
        2 * TUPLE + 2 * NUMBER,
      );
    case "waiting":
      return message.states.reduce((sum, state) => sum + stateSize(state), 2 * TUPLE + 2 * NUMBER);
    case "cancel":
      return TUPLE + 2 * NUMBER + text(message.type) + text(message.id);
    case "break":
      return TUPLE + 2 * NUMBER + text(message.type) + text(message.id) + text(message.ring);
    case "admin":
      return TUPLE + 3 * NUMBER + text(message.type) + text(message.id) + text(message.to);
    case "administered":
      return (
        TUPLE +
        3 * NUMBER +
        (message.result.status === "done" ? text("done") : result(message.result))
      );
  }
}

function stateSize(state: WaitState): number {
  const turns = state.kind === "waits" ? state.behind : state.kind === "runs" ? [state.turn] : [];
  return turns.reduce((sum, turn) => sum + turnSize(turn), 2 * TUPLE + text(state.kind));
}

function turnSize({ method, calls }: RunningTurn): number {
  return (calls ?? []).reduce(
    (sum, { actor, silo, method: called }) =>
      sum + TUPLE + NUMBER + text(actor.type) + text(actor.id) + text(silo) + text(called),
    2 * TUPLE + 2 * NUMBER + text(method),
  );
}

function result(of: CallResult): number {
  switch (of.status) {
    case "ok":
    case "threw":
      return text(of.status) + body(of.body);
    case "refused":
      return (
        text(of.status) +
        text(of.message) +
        text(of.owner) +
        2 * NUMBER +
        (of.issues ?? []).reduce((sum, issue) => sum + issueSize(issue), TUPLE)
      );
    case "failed":
      return text(of.status) + text(of.code) + text(of.message);
  }
}

function headers(of: CallHeaders | undefined): number {
  if (of === undefined) return 0;
  return Object.entries(of).reduce((sum, [name, value]) => sum + text(name) + text(value), TUPLE);
}

function issueSize({ path, message }: SchemaIssue): number {
  return path.reduce<number>(
    (sum, key) => sum + (typeof key === "string" ? text(key) : NUMBER),
    2 * TUPLE + text(message),
  );
}

// One UTF-16 unit is at most 3 bytes of UTF-8.
function text(value: string | undefined): number {
  return value === undefined ? 1 : 5 + value.length * 3;
}

function body(value: Body): number {
  return TUPLE + 5 + bodyBytes(value).length;
}
