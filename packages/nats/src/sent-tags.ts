// Which frame went where, for as long as the server may still say that nobody was there.
//   D1. Bounded: the newest 2,048 to 4,096 frames are known. A report about an older one is ignored, which costs its
//       callers a timeout instead of a proof.
//   D2. Tags are random, so only those who saw the frame can forge a report about it: the server and its receivers.
import type { Address, DeliveryTag } from "@tenure/core/internal";

const GENERATION = 2_048;

export class SentTags {
  #young = new Map<DeliveryTag, Address>();
  #old = new Map<DeliveryTag, Address>();

  add(tag: DeliveryTag, to: Address): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(tag, to);
  }

  /** Where the frame went; forgets it. */
  take(tag: DeliveryTag): Address | undefined {
    const to = this.#young.get(tag) ?? this.#old.get(tag);
    this.#young.delete(tag);
    this.#old.delete(tag);
    return to;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
