// A user's value on its way: either a value that the receiver may keep, or its bytes.
//   B1. A value body holds a copy that nobody else has, or something that cannot change (W2).
//   B2. A body may be sent more than once (a retry); who receives a value while the sender keeps the body gets a copy.
import { decodeValue, encodeValue } from "./codec.ts";
import { isolate, isolateItems } from "./isolate.ts";

export type Body =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/**
 * What messages of one process may hold: what fits into one over NATS as its server comes (a max_payload of 1 MiB, less
 * what the rest of a message may take). A program that works in one process works in a cluster (W2).
 */
export const MAX_LOCAL_BYTES: number = 2 ** 20 - 2 ** 16;

/** A copy of a user's value that stays in this process (B1). Refused as an encoded one would be (W1, S3). */
export function localBody(value: unknown, root: string): Body {
  return valueBody(isolate(value, root, MAX_LOCAL_BYTES));
}

/** The same of the arguments of one call, as a list that was made for it (isolate.ts). */
export function argumentsBody(args: readonly unknown[], root: string): Body {
  return valueBody(isolateItems(args, root, MAX_LOCAL_BYTES));
}

export function valueBody(value: unknown): Body {
  return { kind: "value", value };
}

export function bytesBody(bytes: Uint8Array): Body {
  return { kind: "bytes", bytes };
}

/** The value in a body. With `keep`, the body can be used again (B2). Throws GarbageError on bytes that are not a value. */
export function bodyValue(body: Body, keep = false): unknown {
  if (body.kind === "bytes") return decodeValue(body.bytes);
  return keep ? isolate(body.value, "value") : body.value;
}

/**
 * The arguments in a body, for whoever gives each of them to a method and lets nobody change the list: with `keep` (B2), only what can be
 * changed in them is copied.
 */
export function bodyArguments(body: Body, keep: boolean): unknown {
  return keep && body.kind === "value" && Array.isArray(body.value)
    ? isolateItems(body.value, "args", Infinity)
    : bodyValue(body, keep);
}

export function bodyBytes(body: Body): Uint8Array {
  return body.kind === "bytes" ? body.bytes : encodeValue(body.value);
}
