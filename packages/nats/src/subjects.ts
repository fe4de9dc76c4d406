// Subjects: `tnr.<cluster>.<protocol version>.<to>.<from>`.
//   S1. The cluster and the protocol version are in every subject: other clusters and versions are never even received (I14).
//   S2. No part of a subject is a user's text: addresses are hex, a cluster id matches CLUSTER_PATTERN.
//   S3. The last part says who sent it, and the server can hold a client to it by permissions: replies go there (T7).
//   S4. A frame's reply subject is `…<self>.u-<tag>`; nobody answers it except the server, with "no responders" (503).
import {
  type Address,
  ANY_SILO,
  type DeliveryTag,
  EVERYONE,
  isEndpointAddress,
  PROTOCOL_VERSION,
} from "@tenure/core/internal";

/** The queue group in which serving silos share the messages to ANY_SILO. */
export const SERVING_QUEUE = "silos";

/** Who a message on one of our subjects comes from: an endpoint, or the server about a frame of ours (S4). */
export type Origin =
  | { readonly kind: "endpoint"; readonly address: Address }
  | { readonly kind: "undelivered"; readonly tag: DeliveryTag }
  | { readonly kind: "garbage"; readonly from: string };

export class Subjects {
  readonly #root: string;
  readonly #self: Address;

  constructor(cluster: string, self: Address) {
    this.#root = `tnr.${cluster}.${PROTOCOL_VERSION}`;
    this.#self = self;
  }

  /** What an endpoint always listens to. */
  get own(): readonly string[] {
    return [`${this.#root}.${this.#self}.*`, `${this.#root}.${EVERYONE}.*`];
  }

  /** What it listens to while it serves. */
  get serving(): string {
    return `${this.#root}.${ANY_SILO}.*`;
  }

  to(address: Address): string {
    return `${this.#root}.${address}.${this.#self}`;
  }

  replyFor(tag: DeliveryTag): string {
    return `${this.#root}.${this.#self}.u-${tag.toString(36)}`;
  }
}

/** Reads the last part of a subject. */
export function originOf(subject: string): Origin {
  const from = subject.slice(subject.lastIndexOf(".") + 1);
  const tag = from.startsWith("u-") ? parseTag(from.slice(2)) : undefined;
  if (tag !== undefined) return { kind: "undelivered", tag };
  return isEndpointAddress(from) ? { kind: "endpoint", address: from } : { kind: "garbage", from };
}

function parseTag(text: string): DeliveryTag | undefined {
  const tag = parseInt(text, 36);
  return tag > 0 && tag.toString(36) === text ? tag : undefined;
}
