// What a script answers, read into the types that it was written to answer. Another shape is our bug, not a record's:
// what a record holds is checked by the scripts and by `decodeMember` and `decodeEntry`.
import { assert } from "@tenure/core/internal";

export type Reply = Buffer | string | number | null | readonly Reply[];

export function textOf(reply: Reply | undefined): string {
  assert(Buffer.isBuffer(reply), "a script answers text", { reply });
  return reply.toString("utf8");
}

export function numberOf(reply: Reply | undefined): number {
  const number = Number(textOf(reply));
  assert(Number.isFinite(number), "a script answers a number", { number });
  return number;
}

/** S7: the receiver's own copy; what arrives is a view of the connection's buffer. */
export function bytesOf(reply: Reply | undefined): Uint8Array {
  assert(Buffer.isBuffer(reply), "a script answers bytes", { reply });
  return new Uint8Array(reply);
}

export function listOf(reply: Reply | undefined): readonly Reply[] {
  assert(Array.isArray(reply), "a script answers a list", { reply });
  return reply as readonly Reply[];
}

/** An answer per request, in order (D4). */
export function answersOf<Request, Answer>(
  reply: Reply,
  requests: readonly Request[],
  read: (answer: readonly Reply[], request: Request) => Answer,
): readonly Answer[] {
  const answers = listOf(reply);
  assert(answers.length === requests.length, "D4: a script answers every item of a batch");
  return requests.map((request, i) => read(listOf(answers[i]), request));
}
