// What the storage's scripts answer, read into the answers of the port.
import {
  type LoadAnswer,
  type LoadRequest,
  ROW_FORMAT,
  type SaveAnswer,
} from "@tenure/core/internal";
import { type Reply, unknownAnswer } from "./reply.ts";

/** `generation` and `token`: of the claim that asked. */
export function readLoad(
  reply: Reply,
  { generation, token }: Pick<LoadRequest, "generation" | "token">,
): LoadAnswer {
  reply.list();
  if (reply.isOk()) {
    const meta = {
      format: ROW_FORMAT,
      generation,
      token,
      etag: reply.text(),
      version: reply.number(),
      due: reply.isNothing() ? undefined : reply.number(),
    };
    const parts = new Map<string, Uint8Array>();
    for (let left = reply.list(); left > 0; left -= 2) parts.set(reply.text(), reply.bytes());
    return { ok: true, row: { meta, parts } };
  }
  const refusal = reply.text();
  switch (refusal) {
    case "fenced":
      return { ok: false, refusal, generation: reply.number() };
    case "newer-format":
      return { ok: false, refusal, format: reply.number() };
    case "damaged":
      return { ok: false, refusal, problem: reply.text() };
    default:
      throw unknownAnswer(refusal);
  }
}

export function readSave(reply: Reply): SaveAnswer {
  reply.list();
  if (reply.isOk()) return { ok: true };
  const refusal = reply.text();
  switch (refusal) {
    case "fenced":
      return { ok: false, refusal, generation: reply.number() };
    case "conflict":
      return { ok: false, refusal, etag: reply.text() };
    case "damaged":
      return { ok: false, refusal, problem: reply.text() };
    default:
      throw unknownAnswer(refusal);
  }
}
