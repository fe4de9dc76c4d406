// Things that wait for something of their own, and go on in the order in which they came, lane by lane.
//   Q1. Of one lane nothing goes on before what came earlier has gone on or left.
//   Q2. What finds nothing before it goes on at once, in the same step.
//   Q3. A lane is held only while something is in it.

/** A place in a lane. It is over when it has gone on or left. */
export interface Place {
  /** Goes on as soon as nothing is before it (Q1, Q2). `go` must not throw. Said once; nothing happens when it has left. */
  ready(go: () => void): void;
  /** Gives the place up. False when it had gone on or left. */
  leave(): boolean;
}

interface Waiting {
  go: (() => void) | undefined;
  over: boolean;
}

interface Lane {
  readonly places: Waiting[];
  /** Whether `advance` is at work on it: what goes on may come back here. */
  moving: boolean;
}

export class InOrder {
  readonly #lanes = new Map<string, Lane>();

  /** How many lanes have something in them. */
  get size(): number {
    return this.#lanes.size;
  }

  has(lane: string): boolean {
    return this.#lanes.has(lane);
  }

  enter(name: string): Place {
    let lane = this.#lanes.get(name);
    if (!lane) this.#lanes.set(name, (lane = { places: [], moving: false }));
    const entered = lane;
    const place: Waiting = { go: undefined, over: false };
    lane.places.push(place);
    return {
      ready: (go) => {
        if (place.over) return;
        place.go = go;
        this.#advance(name, entered);
      },
      leave: () => {
        if (place.over) return false;
        place.over = true;
        this.#advance(name, entered);
        return true;
      },
    };
  }

  #advance(name: string, lane: Lane): void {
    if (lane.moving) return;
    lane.moving = true;
    for (let first = lane.places[0]; first; first = lane.places[0]) {
      if (!first.over && !first.go) break;
      lane.places.shift();
      if (first.over) continue;
      first.over = true;
      first.go?.();
    }
    lane.moving = false;
    if (lane.places.length === 0) this.#lanes.delete(name);
  }
}
