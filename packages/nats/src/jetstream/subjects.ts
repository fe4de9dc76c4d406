// The streams of a cluster and the subjects in them.
//   JS1. No part of a subject is a user's text: an actor is one token, the base64url of its key, which is injective.
//   JS2. The streams' subjects are none of the transport's (`tnr.…`): no frame is ever stored, and no record received.
import {
  type ActorAddress,
  decodeActorKey,
  encodeActorKey,
  type Incarnation,
} from "@tenure/core/internal";
import type { StreamName } from "./open-stream.ts";

export class DirectorySubjects {
  readonly #root: string;
  readonly stream: StreamName;

  constructor(cluster: string) {
    this.#root = `tnr-directory.${cluster}`;
    this.stream = { name: `TENURE-${cluster}-directory`, subjects: [`${this.#root}.>`] };
  }

  /** The one record of the members, the sentinel and the counter. */
  get members(): string {
    return `${this.#root}.members`;
  }

  swept(incarnation: Incarnation): string {
    return `${this.#root}.swept.${incarnation}`;
  }

  entry(actor: ActorAddress): string {
    return `${this.#root}.entry.${actorToken(encodeActorKey(actor))}`;
  }
}

export class RowSubjects {
  readonly #root: string;
  readonly stream: StreamName;

  constructor(cluster: string) {
    this.#root = `tnr-state.${cluster}`;
    this.stream = { name: `TENURE-${cluster}-state`, subjects: [`${this.#root}.>`] };
  }

  row(actorKey: string): string {
    return `${this.#root}.row.${actorToken(actorKey)}`;
  }

  /** There is such a record for each row that may be due. */
  due(bucket: number, actorKey: string): string {
    return `${this.#root}.due.${bucket}.${actorToken(actorKey)}`;
  }

  dueIn(bucket: number): string {
    return `${this.#root}.due.${bucket}.*`;
  }
}

/** The actor that a subject's last token names. */
export function actorOf(subject: string): ActorAddress {
  const token = subject.slice(subject.lastIndexOf(".") + 1);
  return decodeActorKey(Buffer.from(token, "base64url").toString("utf8"));
}

function actorToken(actorKey: string): string {
  return Buffer.from(actorKey, "utf8").toString("base64url");
}
