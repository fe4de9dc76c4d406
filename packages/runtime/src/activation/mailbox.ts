// Mailbox: the calls waiting for one activation.
//   M1. Calls start in the order in which they arrived (interleaving ones do not wait here once the activation is active).
//   M2. At most `capacity` calls wait; one more is refused, never dropped in silence.
export class Mailbox<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #head = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** False when it is full (M2). */
  offer(item: T): boolean {
    if (this.size >= this.#capacity) return false;
    this.#items.push(item);
    return true;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head >= this.#items.length) return undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      // An empty mailbox does not hold on to what has left it.
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      // Shifting an array moves all of it; moving the head and compacting now and then does not.
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** All that waits, in order. */
  get items(): readonly T[] {
    return this.#items.slice(this.#head);
  }

  /** What waits, in order, up to the first that is meant and with it; empty when none is. */
  upTo(meant: (item: T) => boolean): readonly T[] {
    const at = this.#items.findIndex((item, i) => i >= this.#head && meant(item));
    return at === -1 ? [] : this.#items.slice(this.#head, at + 1);
  }

  /** Takes out the first that is meant; undefined when none is. The others keep their order. */
  remove(meant: (item: T) => boolean): T | undefined {
    const at = this.#items.findIndex((item, i) => i >= this.#head && meant(item));
    return at === -1 ? undefined : this.#items.splice(at, 1)[0];
  }

  /** Takes out, in order, everything that `wanted` accepts. */
  take(wanted: (item: T) => boolean): readonly T[] {
    const all = this.drain();
    this.#items = all.filter((item) => !wanted(item));
    return all.filter(wanted);
  }

  /** Takes out everything that waits. */
  drain(): readonly T[] {
    const all = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    return all;
  }
}
