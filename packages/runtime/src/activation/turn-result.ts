// What a turn's end becomes for its caller.
//   E1. A result is copied here, before the next turn can change what it refers to.
//   E2. What cannot travel or be stored fails the turn; that is `not-executed` only if no call of it left, and nothing of it was staged before its end (I11).
import {
  type Body,
  CallError,
  type CallResult,
  errorText,
  errorToRecord,
  isolate,
  NotSerializableError,
  valueBody,
} from "@tenure/core/internal";
import { type IncomingCall, refused } from "./incoming-call.ts";
import { leftSomething, type Turn } from "./turn-context.ts";

/** What the method answered. @throws NotSerializableError */
export function okResult(call: IncomingCall, value: unknown, stateful: boolean): CallResult {
  if (typeof value === "object" && value !== null && Symbol.asyncIterator in value)
    throw new NotSerializableError(
      `result is an async iterable; streaming methods are not available in this version`,
      { outcome: "not-executed" },
    );
  // A read may answer with views of the state, which only this process can look through.
  const plain = stateful && call.method.mode !== "write" ? isolate(value, "result") : value;
  const body: Body = call.snapshot(plain, "result");
  return { status: "ok", body };
}

export function threwResult(
  call: IncomingCall,
  thrown: unknown,
  exposeStacks: boolean,
): CallResult {
  const record = errorToRecord(thrown, { stack: exposeStacks });
  try {
    return { status: "threw", body: call.snapshot(record, "error") };
  } catch {
    // Too large to travel: what it was still can.
    const { kind, name, message } = record;
    return { status: "threw", body: valueBody({ kind, name, message: message.slice(0, 1_000) }) };
  }
}

/** The turn ran and was rolled back, because its result or its state cannot be stored or travel. */
export function unstorableResult(error: unknown, turn: Turn | undefined): CallResult {
  const message = error instanceof Error ? error.message : errorText(error);
  const code = error instanceof CallError ? error.code : "NOT_SERIALIZABLE";
  if (turn && leftSomething(turn)) return { status: "failed", code, message };
  return refused(code === "INVALID_ARGUMENT" ? "invalid" : "not-serializable", message);
}

/** What nobody is shown: the reply of a lost activation is decided at its gate. */
export const LOST: CallResult = {
  status: "failed",
  code: "FENCED",
  message: "the activation was lost",
};
