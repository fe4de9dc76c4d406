// Messages as fixed tuples, and frames of them.
//   D1. Decoding checks every field: what comes out is a valid message or a GarbageError, never a half-checked object.
//   D2. A message that is garbage spoils no other of its frame. A frame whose bytes are is refused as a whole: nobody can
//       say where its next message begins.
//   D3. What a call must not be served without is written where a reader that does not know it finds garbage: it drops the
//       call, and never serves it as if nothing had been asked.
//   D4. What decoding refuses is never sent: words that are too long are cut, since the message that they are in matters
//       more (a reply that is refused as garbage would leave its caller waiting for the deadline).
import { bodyBytes, bytesBody } from "./body.ts";
import { actorId, actorType, address, bin, int, MAX_METHOD, str } from "./checked-fields.ts";
import { GarbageError, packEnvelopes, unpackEnvelopes } from "./codec.ts";
import { headersFromList, headersList } from "./headers-codec.ts";
import {
  type AdminOperation,
  type CallMessage,
  type CallResult,
  type ChainLink,
  type IdempotencyKey,
  MAX_CHAIN,
  type Message,
  type RefusalReason,
  type Refused,
} from "./message.ts";
import { MAX_ISSUE_PATH, MAX_ISSUE_TEXT, MAX_ISSUES, type SchemaIssue } from "./standard-schema.ts";
import { askedCalls, askedTuples, stateTuples, waitStates } from "./wait-codec.ts";

// A reason's number on the wire is its place here: a new one goes to the end. A record, because in a list nobody would miss it.
const REFUSALS_IN_ORDER: Readonly<Record<RefusalReason, true>> = {
  moved: true,
  paused: true,
  draining: true,
  overloaded: true,
  expired: true,
  "no-silo": true,
  unavailable: true,
  "unknown-type": true,
  "unknown-method": true,
  invalid: true,
  "not-serializable": true,
  deadlock: true,
  unauthorized: true,
  "activation-failed": true,
  "key-refused": true,
};
const REFUSALS = Object.keys(REFUSALS_IN_ORDER) as readonly RefusalReason[];

const MAX_WORDS = 1 << 16;
const MAX_CODE = 64;

/** The message as a tuple of plain values, bodies as bytes. Index 0 is the kind. */
export function messageTuple(message: Message): readonly unknown[] {
  switch (message.kind) {
    case "call": {
      const tuple: unknown[] = [
        CALL,
        message.request,
        message.type,
        message.id,
        cut(message.method, MAX_METHOD),
        bodyBytes(message.args),
        Math.min(Math.ceil(message.budgetMs), Number.MAX_SAFE_INTEGER),
        keyTuple(message.key),
        message.chain.length === 0
          ? null
          : message.chain.map((link) => [
              link.type,
              link.id,
              cut(link.method, MAX_METHOD),
              link.turn,
            ]),
        flagsOf(message),
      ];
      if (message.headers !== undefined) tuple.push(headersList(message.headers));
      return tuple;
    }
    case "reply":
      return [REPLY, message.request, ...resultTuple(message.result)];
    case "cancel":
      return [CANCEL, message.request, message.type, message.id];
    case "locate":
      return [LOCATE, message.request, message.type, message.id, message.avoid ?? null];
    case "located":
      return message.result.status === "at"
        ? [LOCATED, message.request, "at", message.result.silo, message.result.generation]
        : [LOCATED, message.request, ...resultTuple(message.result)];
    case "probe":
      return [PROBE, message.round];
    case "death":
      return [DEATH, message.incarnation];
    case "suspect":
      return [SUSPECT, message.incarnation];
    case "waits":
      return [WAITS, message.request, askedTuples(message.calls)];
    case "waiting":
      return [WAITING, message.request, stateTuples(message.states)];
    case "break":
      return [BREAK, message.request, message.type, message.id, cut(message.ring, MAX_WORDS)];
    case "admin":
      return [
        ADMIN,
        message.request,
        OPERATIONS.indexOf(message.operation),
        message.type,
        message.id,
        message.to ?? null,
      ];
    case "administered":
      return message.result.status === "done"
        ? [ADMINISTERED, message.request, "done", message.result.generation]
        : [ADMINISTERED, message.request, ...resultTuple(message.result)];
  }
}

const CALL = 1;
const REPLY = 2;
const LOCATE = 3;
const LOCATED = 4;
const PROBE = 5;
const DEATH = 6;
const SUSPECT = 7;
const WAITS = 8;
const WAITING = 9;
const BREAK = 10;
const ADMIN = 11;
const ADMINISTERED = 12;

/** An operation's number on the wire is its place here: a new one goes to the end. */
const OPERATIONS_IN_ORDER: Readonly<Record<AdminOperation, true>> = {
  deactivate: true,
  "hand-over": true,
  activate: true,
};
const OPERATIONS = Object.keys(OPERATIONS_IN_ORDER) as readonly AdminOperation[];
const CANCEL = 13;

function resultTuple(result: CallResult): readonly unknown[] {
  switch (result.status) {
    case "ok":
    case "threw":
      return [result.status, bodyBytes(result.body)];
    case "refused":
      return [
        "refused",
        REFUSALS.indexOf(result.reason),
        cut(result.message, MAX_WORDS),
        result.owner ?? null,
        result.generation,
        result.retryAfterMs === undefined ? null : Math.ceil(result.retryAfterMs),
        // Last, and for people: a reader that does not know it has the message, which says the same in words.
        ...(result.issues ? [result.issues.map(({ path, message }) => [path, message])] : []),
      ];
    case "failed":
      return ["failed", cut(result.code, MAX_CODE), cut(result.message, MAX_WORDS)];
  }
}

/** At most so much of a text, marked where it was longer (D4). A method of such a name is then unknown, as it should be. */
function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).toWellFormed()}…`;
}

/** The inverse of messageTuple; throws GarbageError on anything else (D1). */
export function messageFromTuple(tuple: unknown): Message {
  if (!Array.isArray(tuple)) throw new GarbageError("a message is not a tuple");
  const t = tuple as readonly unknown[];
  switch (t[0]) {
    case CALL: {
      const bits = flags(t[9]);
      return {
        kind: "call",
        request: int(t[1], "request"),
        type: actorType(t[2]),
        id: actorId(t[3]),
        method: str(t[4], "method", MAX_METHOD),
        args: bytesBody(bin(t[5], "args")),
        budgetMs: int(t[6], "budget"),
        key: idempotencyKey(t[7]),
        chain: t[8] === null ? NO_CHAIN : chain(t[8]),
        repeatable: (bits & REPEATABLE) !== 0,
        strict: (bits & STRICT) !== 0,
        headers: (bits & HEADERS) === 0 ? undefined : headersFromList(t[10]),
      };
    }
    case REPLY:
      return { kind: "reply", request: int(t[1], "request"), result: result(t) };
    case LOCATE:
      return {
        kind: "locate",
        request: int(t[1], "request"),
        type: actorType(t[2]),
        id: actorId(t[3]),
        avoid: t[4] === null ? undefined : address(t[4]),
      };
    case LOCATED: {
      const request = int(t[1], "request");
      if (t[2] === "at")
        return {
          kind: "located",
          request,
          result: { status: "at", silo: address(t[3]), generation: int(t[4], "generation") },
        };
      return { kind: "located", request, result: refusal(t) };
    }
    case PROBE:
      return { kind: "probe", round: int(t[1], "round") };
    case DEATH:
      return { kind: "death", incarnation: address(t[1]) };
    case SUSPECT:
      return { kind: "suspect", incarnation: address(t[1]) };
    case WAITS:
      return { kind: "waits", request: int(t[1], "request"), calls: askedCalls(t[2]) };
    case WAITING:
      return { kind: "waiting", request: int(t[1], "request"), states: waitStates(t[2]) };
    case BREAK:
      return {
        kind: "break",
        request: int(t[1], "request"),
        type: actorType(t[2]),
        id: actorId(t[3]),
        ring: str(t[4], "ring", MAX_WORDS),
      };
    case ADMIN: {
      const operation = OPERATIONS[int(t[2], "operation")];
      if (operation === undefined) throw new GarbageError("unknown operation");
      return {
        kind: "admin",
        request: int(t[1], "request"),
        operation,
        type: actorType(t[3]),
        id: actorId(t[4]),
        to: t[5] === null ? undefined : address(t[5]),
      };
    }
    case ADMINISTERED: {
      const request = int(t[1], "request");
      if (t[2] === "done")
        return {
          kind: "administered",
          request,
          result: { status: "done", generation: int(t[3], "generation") },
        };
      return { kind: "administered", request, result: refusal(t) };
    }
    case CANCEL:
      return {
        kind: "cancel",
        request: int(t[1], "request"),
        type: actorType(t[2]),
        id: actorId(t[3]),
      };
    default:
      throw new GarbageError("unknown kind of message");
  }
}

/** Where a call's result is none. */
function refusal(t: readonly unknown[]): Refused {
  const refused = result(t);
  if (refused.status !== "refused") throw new GarbageError("a call's result, where none is");
  return refused;
}

function result(t: readonly unknown[]): CallResult {
  switch (t[2]) {
    case "ok":
    case "threw":
      return { status: t[2], body: bytesBody(bin(t[3], "result")) };
    case "refused": {
      const reason = REFUSALS[int(t[3], "reason")];
      if (reason === undefined) throw new GarbageError("unknown reason");
      return {
        status: "refused",
        reason,
        message: str(t[4], "message", MAX_WORDS),
        owner: t[5] === null ? undefined : address(t[5]),
        generation: int(t[6], "generation"),
        ...(t[7] === null ? {} : { retryAfterMs: int(t[7], "retry") }),
        ...(t[8] === undefined ? {} : { issues: issues(t[8]) }),
      };
    }
    case "failed":
      return {
        status: "failed",
        code: str(t[3], "code", MAX_CODE),
        message: str(t[4], "message", MAX_WORDS),
      };
    default:
      throw new GarbageError("unknown status");
  }
}

function issues(value: unknown): readonly SchemaIssue[] {
  if (!Array.isArray(value) || value.length > MAX_ISSUES) throw new GarbageError("bad issues");
  return value.map((issue: unknown) => {
    if (!Array.isArray(issue) || !Array.isArray(issue[0]) || issue[0].length > MAX_ISSUE_PATH)
      throw new GarbageError("bad issue");
    return {
      path: issue[0].map((key: unknown) =>
        typeof key === "number" && Number.isFinite(key) ? key : str(key, "key", MAX_ISSUE_TEXT),
      ),
      message: str(issue[1], "issue", MAX_ISSUE_TEXT),
    };
  });
}

function chain(value: unknown): readonly ChainLink[] {
  if (!Array.isArray(value) || value.length > MAX_CHAIN) throw new GarbageError("bad chain");
  return value.map((link: unknown) => {
    if (!Array.isArray(link)) throw new GarbageError("bad chain");
    return {
      type: actorType(link[0]),
      id: actorId(link[1]),
      method: str(link[2], "method", MAX_METHOD),
      turn: int(link[3], "turn"),
    };
  });
}

/** A boolean where nothing but it is to be said (D3). */
function flagsOf({ repeatable, strict, headers }: CallMessage): boolean | number {
  const bits = (strict ? STRICT : 0) + (headers === undefined ? 0 : HEADERS);
  return bits === 0 ? repeatable : bits + Number(repeatable);
}

/** A reader that knows only strings finds garbage in the other kind (D3). */
function keyTuple(key: IdempotencyKey | undefined): unknown {
  return typeof key === "object" ? [key.sender, key.sequence] : (key ?? null);
}

function idempotencyKey(value: unknown): IdempotencyKey | undefined {
  if (!Array.isArray(value)) return value === null ? undefined : str(value, "key", 512);
  return { sender: str(value[0], "sender", 512), sequence: int(value[1], "sequence") };
}

function flags(value: unknown): number {
  if (typeof value === "boolean") return value ? REPEATABLE : 0;
  const bits = int(value, "flags");
  if (bits < STRICT || bits >= 2 * HEADERS) throw new GarbageError("unknown flags");
  return bits;
}

const NO_CHAIN: readonly ChainLink[] = [];

const REPEATABLE = 1;
const STRICT = 2;
/** A call must not be served without them: they may say for whom it is made (D3). */
const HEADERS = 4;

/** A frame: a header of two bytes, then the envelopes of all messages in it. */
export function encodeFrame(messages: readonly Message[]): Uint8Array {
  return packEnvelopes(messages.map(messageTuple));
}

/** The messages of a frame. A message that is garbage is passed to `garbage` and spoils no other. */
export function decodeFrame(
  frame: Uint8Array,
  garbage: (problem: string) => void,
): readonly Message[] {
  let tuples: readonly unknown[];
  try {
    tuples = unpackEnvelopes(frame);
  } catch (error) {
    garbage(error instanceof GarbageError ? error.message : "not decodable");
    return [];
  }
  const messages: Message[] = [];
  for (const tuple of tuples) {
    try {
      messages.push(messageFromTuple(tuple));
    } catch (error) {
      if (!(error instanceof GarbageError)) throw error;
      garbage(error.message);
    }
  }
  return messages;
}
