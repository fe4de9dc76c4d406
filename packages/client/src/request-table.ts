// What is open, by its random request id.
//   RT1. Nothing is kept of what is taken out: neither here nor by the garbage collector. (A Map makes itself a new table
//        each few hundred calls, and an old table points to the next: once one is in the old generation, all that follow stay
//        until it is collected, with the calls that were in them. A third of a client's time went into that.)
//   RT2. It has room for what was open at most at once, and does not shrink: 16 to 32 bytes for each.
//
// Open addressing: an entry stands at the place that its id names, or at the next free one after it.

const LEAST = 64;

export class RequestTable<T> {
  #size = 0;
  #mask = LEAST - 1;
  #requests = new Float64Array(LEAST);
  #items: (T | undefined)[] = Array.from({ length: LEAST });

  get size(): number {
    return this.#size;
  }

  get(request: number): T | undefined {
    return this.#items[this.#find(request)];
  }

  /** The id must be new. */
  add(request: number, item: T): void {
    if (2 * this.#size > this.#mask) this.#grow();
    const place = this.#find(request);
    this.#requests[place] = request;
    this.#items[place] = item;
    this.#size += 1;
  }

  delete(request: number): boolean {
    let hole = this.#find(request);
    if (this.#items[hole] === undefined) return false;
    this.#size -= 1;
    // Those behind it move up, unless that puts them before the place that their id names.
    for (let next = (hole + 1) & this.#mask; this.#items[next] !== undefined;) {
      const own = this.#requests[next]! & this.#mask;
      if (((next - own) & this.#mask) >= ((next - hole) & this.#mask)) {
        this.#requests[hole] = this.#requests[next]!;
        this.#items[hole] = this.#items[next];
        hole = next;
      }
      next = (next + 1) & this.#mask;
    }
    this.#items[hole] = undefined;
    return true;
  }

  /** Those that are there now. */
  entries(): readonly (readonly [request: number, item: T])[] {
    return this.#items.flatMap((item, place) =>
      item === undefined ? [] : [[this.#requests[place]!, item] as const],
    );
  }

  /** Where the entry of this id is, or would be. */
  #find(request: number): number {
    // An id has 48 random bits: the lowest of them name a place.
    let place = request & this.#mask;
    while (this.#items[place] !== undefined && this.#requests[place] !== request)
      place = (place + 1) & this.#mask;
    return place;
  }

  #grow(): void {
    const entries = this.entries();
    const length = 2 * (this.#mask + 1);
    this.#mask = length - 1;
    this.#requests = new Float64Array(length);
    this.#items = Array.from({ length });
    this.#size = 0;
    for (const [request, item] of entries) this.add(request, item);
  }
}
